using System.Text.Json;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>
/// An org whose customers together have every price model, aggregation and term, from GraphQL and <c>POST /ingest</c> to invoices. Its
/// clock stops in May 2015 for previews and then moves past June. The tests have the expected figures.
/// </summary>
[CollectionDefinition(nameof(PricedOrg))]
public sealed class PricedOrg(PolarisApp polaris) : IAsyncLifetime, ICollectionFixture<PricedOrg>
{
    public const string Lines = """
        lines { kind charge meter quantity unroundedAmount amount eventCount eventDigest
          explanation { label quantity unitPrice amount divisor children { label quantity unitPrice amount divisor } } }
        """;

    /// <summary>Tables that reconciliation and the deletion of batch ids write to in the background.</summary>
    private static readonly string[] Housekeeping = ["reconciliations", "reconciliation_findings", "fresh_buckets", "applied_batches"];

    public Tenant Tenant { get; private set; } = null!;

    /// <summary>By customer: the preview of the current invoice on 20 May.</summary>
    public Dictionary<string, JsonElement> Previews { get; } = [];

    /// <summary>A preview for acme with a sum of 1000 from 10 events.</summary>
    public JsonElement Assumed { get; private set; }

    /// <summary>Of periods, by customer, ordered by time.</summary>
    public Dictionary<string, JsonElement[]> Invoices { get; private set; } = [];

    /// <summary>Of the fees in advance at a subscription's start, by customer.</summary>
    public Dictionary<string, JsonElement> Starts { get; private set; } = [];

    /// <summary>
    /// The version of the plan <c>models</c> that was archived before its periods ended, and a draft with the charges of <c>other</c>.
    /// </summary>
    public (string Archived, string Draft) Versions { get; private set; }

    /// <summary>A fingerprint of everything stored for the org before and after the previews.</summary>
    public (string Before, string After) Stored { get; private set; }

    public async ValueTask InitializeAsync()
    {
        await polaris.StartedAsync();
        using var owner = await polaris.SignUpAsync();
        Tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        await Tenant.QueryAsync("mutation { setClock(now: \"2015-05-20T00:00:00Z\") { now } }");
        await CreateMetersAsync();
        var archived = await CreatePlanAsync("models", "USD", PlanTexts.Models);
        foreach (var (key, currency, charges, terms) in PlanTexts.Others)
            await CreatePlanAsync(key, currency, charges, terms);
        await SubscribeAsync();
        await SendAsync();
        Versions = (archived, await CreateDraftAsync("models", PlanTexts.Other));
        await Tenant.QueryAsync("mutation($id: ID!) { archivePlanVersion(id: $id) { id } }", new { id = archived });

        var before = await FingerprintAsync();
        foreach (var customer in PlanTexts.Customers.Where(listed => listed.Key != "giant").Select(listed => listed.Key))
            Previews.Add(customer, await PreviewAsync(customer));
        Assumed = await PreviewAsync(
            "acme",
            new[]
            {
                new
                {
                    meter = "sum",
                    quantity = "1000",
                    eventCount = 10,
                },
            }
        );
        Stored = (before, await FingerprintAsync());

        await Tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        await polaris.UntilAsync(
            "all invoices but the giant's",
            async () =>
            {
                var data = await Tenant.QueryAsync(
                    $$"""
                    { clock { duePeriods } invoices { nodes {
                      id number customer: customerKey currency total tax periodStart periodEnd {{Lines}} } } }
                    """
                );
                var all = data.GetProperty("invoices").GetProperty("nodes").EnumerateArray().ToLookup(IsOfStart);
                Invoices = all[false]
                    .GroupBy(invoice => invoice.GetProperty("customer").GetString()!)
                    .ToDictionary(
                        group => group.Key,
                        group => group.OrderBy(invoice => invoice.GetProperty("periodStart").GetString(), StringComparer.Ordinal).ToArray()
                    );
                Starts = all[true].ToDictionary(invoice => invoice.GetProperty("customer").GetString()!);
                return data.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 1;
            }
        );
    }

    private static bool IsOfStart(JsonElement invoice) =>
        invoice.GetProperty("periodStart").GetString() == invoice.GetProperty("periodEnd").GetString();

    public ValueTask DisposeAsync()
    {
        Tenant.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<JsonElement> PreviewAsync(string customer, object? quantities = null) => Assert.Single((
                await Tenant.QueryAsync(
                    $$"""
                    query($customer: String!, $quantities: [AssumedQuantityInput!]) {
                      preview(customer: $customer, quantities: $quantities) { total tax currency periodStart periodEnd {{Lines}} } }
                    """,
                    new { customer, quantities }
                )
            ).GetProperty("preview").EnumerateArray());

    /// <summary>Every row of the org in Billing and Plans with the transaction that wrote it, once the outbox is empty.</summary>
    public async Task<string> FingerprintAsync()
    {
        await polaris.UntilAsync(
            "an empty outbox",
            async () => await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM outbox WHERE org_id = $1", Tenant.OrgId) == 0
        );
        var parts = new List<string>();
        foreach (var database in new[] { "billingdb", "plansdb" })
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var tables = new List<string>();
            await using (
                var list = new NpgsqlCommand(
                    """
                    SELECT table_name::text FROM information_schema.columns
                    WHERE table_schema = 'public' AND column_name = 'org_id' ORDER BY 1
                    """,
                    connection
                )
            )
            await using (var reader = await list.ExecuteReaderAsync())
            {
                while (await reader.ReadAsync())
                    tables.Add(reader.GetString(0));
            }

            foreach (var table in tables.Except(Housekeeping))
            {
                await using var command = new NpgsqlCommand(
                    $"""
                    SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(t.xmin::text || t::text, ',' ORDER BY t::text)), 'none')
                    FROM {table} t WHERE org_id = $1
                    """,
                    connection
                );
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
            await Tenant.QueryAsync(
                "mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }",
                new
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
                }
            );
        }
    }

    private async Task<string> CreatePlanAsync(string key, string currency, string charges, string terms = "{}") => (
            await Tenant.QueryAsync(
                "mutation($input: CreatePlanInput!) { createPlan(input: $input) { versions { id } } }",
                new
                {
                    input = new
                    {
                        key,
                        name = key,
                        currency,
                        interval = "MONTH",
                        publish = true,
                        charges = Json(charges),
                        terms = Json(terms),
                    },
                }
            )
        ).GetProperty("createPlan").GetProperty("versions")[0].GetProperty("id").GetString()!;

    private async Task<string> CreateDraftAsync(string planKey, string charges) =>
        (
            await Tenant.QueryAsync(
                "mutation($planKey: String!, $charges: [ChargeInput!]!) { createPlanVersion(planKey: $planKey, charges: $charges) { id } }",
                new { planKey, charges = Json(charges) }
            )
        )
            .GetProperty("createPlanVersion")
            .GetProperty("id")
            .GetString()!;

    private async Task SubscribeAsync()
    {
        await Tenant.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = PlanTexts.Customers.Select(listed => new { key = listed.Key }) }
        );
        await Tenant.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = PlanTexts.Customers.Select(listed => new
                {
                    customer = listed.Key,
                    plan = listed.Plan,
                    start = $"{listed.Start}T00:00:00Z",
                    end = $"{listed.End}T00:00:00Z",
                    anchorDay = 1,
                }),
            }
        );
    }

    private async Task SendAsync()
    {
        var sent = await Tenant.IngestAsync(
            PlanTexts.Events.Select(
                (usage, i) =>
                    new
                    {
                        idempotency_key = $"e{i}",
                        type = "use",
                        customer = usage.Customer,
                        timestamp = usage.At,
                        properties = Json(usage.Properties),
                    }
            )
        );
        Assert.Equal((202, PlanTexts.Events.Length), (sent.Status, sent.Body.Counted("accepted")));
        foreach (
            var (customer, sum) in new[]
            {
                ("acme", 231m),
                ("twin", 231m),
                ("terms", 1300m),
                ("inclusive", 119m),
                ("yen", 3m),
                ("dinar", 3m),
                ("giant", 999_999_999_999_999m),
            }
        )
            await polaris.UntilAsync(
                $"counting of {customer}",
                async () => await Tenant.UsageAsync("sum", customer, "2015-04-01T00:00:00Z", "2015-06-01T00:00:00Z") == sum
            );
    }

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
