using System.Text.Json;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>
/// An org whose customers together have every price model, aggregation and term, from GraphQL and <c>POST /ingest</c> to invoices. Its clock
/// stands in May 2015 when usage has come, so that previews can be taken, and then moves behind June. What is expected stands in the tests.
/// </summary>
[CollectionDefinition(nameof(PricedOrg))]
public sealed class PricedOrg(PolarisApp polaris) : IAsyncLifetime, ICollectionFixture<PricedOrg>
{
    public const string Lines = """
        lines { kind charge meter quantity unroundedAmount amount eventCount eventDigest
          explanation { label quantity unitPrice amount divisor children { label quantity unitPrice amount divisor } } }
        """;

    /// <summary>Tables that the auditor and the clean-up of batch ids write to by themselves.</summary>
    private static readonly string[] Housekeeping = ["audits", "audit_findings", "fresh_buckets", "applied_batches"];

    public Tenant Tenant { get; private set; } = null!;

    /// <summary>By customer: the invoice in progress as it was previewed on 20 May.</summary>
    public Dictionary<string, JsonElement> Previews { get; } = [];

    /// <summary>The same of acme, had its sum been 1000 by 10 events.</summary>
    public JsonElement Assumed { get; private set; }

    /// <summary>By customer, in order of time.</summary>
    public Dictionary<string, JsonElement[]> Invoices { get; private set; } = [];

    /// <summary>The version of the plan <c>models</c> that was archived before its periods ended, and a draft with the charges of the plan <c>other</c>.</summary>
    public (string Archived, string Draft) Versions { get; private set; }

    /// <summary>Everything stored of the org before and after the previews.</summary>
    public (string Before, string After) Stored { get; private set; }

    public async ValueTask InitializeAsync()
    {
        using var owner = await polaris.SignUpAsync();
        Tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        await Tenant.QueryAsync("mutation { setClock(now: \"2015-05-20T00:00:00Z\") { now } }");
        await CreateMetersAsync();
        var archived = await CreatePlanAsync("models", "USD", PlanTexts.Models);
        foreach (var (key, currency, charges, terms) in PlanTexts.Others) await CreatePlanAsync(key, currency, charges, terms);
        await SubscribeAsync();
        await SendAsync();
        Versions = (archived, await CreateDraftAsync("models", PlanTexts.Other));
        await Tenant.QueryAsync("mutation($id: ID!) { archivePlanVersion(id: $id) { id } }", new { id = archived });

        var before = await FingerprintAsync();
        foreach (var customer in PlanTexts.Customers.Where(one => one.Key != "giant").Select(one => one.Key)) Previews.Add(customer, await PreviewAsync(customer));
        Assumed = await PreviewAsync("acme", new[] { new { meter = "sum", quantity = "1000", eventCount = 10 } });
        Stored = (before, await FingerprintAsync());

        await Tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        await polaris.UntilAsync("all invoices but the giant's", async () =>
        {
            var data = await Tenant.QueryAsync($"{{ clock {{ duePeriods }} invoices {{ nodes {{ id number customer currency total tax periodStart periodEnd {Lines} }} }} }}");
            Invoices = data.GetProperty("invoices").GetProperty("nodes").EnumerateArray().GroupBy(one => one.GetProperty("customer").GetString()!)
                .ToDictionary(group => group.Key, group => group.OrderBy(one => one.GetProperty("periodStart").GetString(), StringComparer.Ordinal).ToArray());
            return data.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 1;
        });
    }

    public ValueTask DisposeAsync()
    {
        Tenant.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<JsonElement> PreviewAsync(string customer, object? quantities = null) => Assert.Single((await Tenant.QueryAsync(
        $"query($customer: String!, $quantities: [AssumedQuantityInput!]) {{ preview(customer: $customer, quantities: $quantities) {{ total tax currency periodStart periodEnd {Lines} }} }}",
        new { customer, quantities })).GetProperty("preview").EnumerateArray());

    /// <summary>Every row of the org in Billing and Plans with the transaction that wrote it, once nothing waits to be sent.</summary>
    public async Task<string> FingerprintAsync()
    {
        await polaris.UntilAsync("an empty outbox", async () => await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM outbox WHERE org_id = $1", Tenant.OrgId) == 0);
        var parts = new List<string>();
        foreach (var database in new[] { "billingdb", "plansdb" })
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var tables = new List<string>();
            await using (var list = new NpgsqlCommand("SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'org_id' ORDER BY 1", connection))
            await using (var reader = await list.ExecuteReaderAsync())
            {
                while (await reader.ReadAsync()) tables.Add(reader.GetString(0));
            }

            foreach (var table in tables.Except(Housekeeping))
            {
                await using var command = new NpgsqlCommand(
                    $"SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(t.xmin::text || t::text, ',' ORDER BY t::text)), 'none') FROM {table} t WHERE org_id = $1", connection);
                command.Parameters.AddWithValue(Tenant.OrgId);
                parts.Add($"{database}.{table}: {(string)(await command.ExecuteScalarAsync())!}");
            }
        }

        return string.Join('\n', parts);
    }

    private async Task CreateMetersAsync()
    {
        foreach (var (key, aggregation, property) in PlanTexts.Meters)
        {
            await Tenant.QueryAsync("mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }", new
            {
                input = new
                {
                    key,
                    eventType = "use",
                    aggregation,
                    property,
                    filters = new[] { new { property = "status", equals = "ok" } },
                    dimensions = key == "traffic" ? new[] { "region", "tier" } : [],
                },
            });
        }
    }

    private async Task<string> CreatePlanAsync(string key, string currency, string charges, string terms = "{}") => (await Tenant.QueryAsync(
        "mutation($input: CreatePlanInput!) { createPlan(input: $input) { versions { id } } }",
        new { input = new { key, name = key, currency, interval = "MONTH", publish = true, charges = Json(charges), terms = Json(terms) } }))
        .GetProperty("createPlan").GetProperty("versions")[0].GetProperty("id").GetString()!;

    private async Task<string> CreateDraftAsync(string planKey, string charges) => (await Tenant.QueryAsync(
        "mutation($planKey: String!, $charges: [ChargeInput!]!) { createPlanVersion(planKey: $planKey, charges: $charges) { id } }", new { planKey, charges = Json(charges) }))
        .GetProperty("createPlanVersion").GetProperty("id").GetString()!;

    private async Task SubscribeAsync()
    {
        await Tenant.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }", new { input = PlanTexts.Customers.Select(one => new { key = one.Key }) });
        await Tenant.QueryAsync("mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }", new
        {
            input = PlanTexts.Customers.Select(one => new { customer = one.Key, plan = one.Plan, start = $"{one.Start}T00:00:00Z", end = $"{one.End}T00:00:00Z", anchorDay = 1 }),
        });
    }

    private async Task SendAsync()
    {
        var sent = await Tenant.IngestAsync(PlanTexts.Events.Select((one, i) => new
        {
            idempotency_key = $"e{i}",
            type = "use",
            customer = one.Customer,
            timestamp = one.At,
            properties = Json(one.Properties),
        }));
        Assert.Equal((202, PlanTexts.Events.Length), (sent.Status, sent.Body.Counted("accepted")));
        foreach (var (customer, sum) in new[] { ("acme", 231m), ("twin", 231m), ("terms", 1300m), ("inclusive", 119m), ("yen", 3m), ("dinar", 3m), ("giant", 999_999_999_999_999m) })
            await polaris.UntilAsync($"counting of {customer}", async () => await Tenant.UsageAsync("sum", customer, "2015-04-01T00:00:00Z", "2015-06-01T00:00:00Z") == sum);
    }

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
