using System.Text.Json;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>A sandbox lives by its test clock, in Billing and in Ingestion; a live org by real time.</summary>
public sealed class SandboxTests(PolarisApp polaris) : PlatformTests
{
    private const string SignUp = "mutation($input: SignUpInput!) { signUp(input: $input) { org { id sandbox } apiKey { secret } } }";

    [Fact]
    public async Task A_sandbox_simulates_two_months_of_the_future_with_ordinary_keys()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
              {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "0.50"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        await ClockAsync(tenant, "2031-05-10T00:00:00Z");
        await tenant.QueryAsync(
            "mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: \"2031-05-01T00:00:00Z\"}]) { id } }"
        );
        // Ingestion follows the clock: what was in the far future a moment ago is accepted.
        await polaris.UntilAsync("may", async () => await SentAsync(tenant, "may-1", "2031-05-10T00:04:00Z") == "");
        Assert.Equal("timestamp_too_new", await SentAsync(tenant, "may-2", "2031-05-10T00:06:00Z"));
        Assert.Equal("timestamp_too_old", await SentAsync(tenant, "may-3", "2031-04-04T00:00:00Z"));
        Assert.Equal("", await SentAsync(tenant, "may-4", null));
        await ClockAsync(tenant, "2031-06-10T00:00:00Z");
        await InvoicedAsync(tenant, "2031-05-01T00:00:00Z 1.00");

        await polaris.UntilAsync("june", async () => await SentAsync(tenant, "june-1", "2031-06-09T00:00:00Z") == "");
        await ClockAsync(tenant, "2031-07-02T00:00:00Z");
        await InvoicedAsync(tenant, "2031-05-01T00:00:00Z 1.00", "2031-06-01T00:00:00Z 0.50");

        // Its time does not go back behind these.
        Assert.Equal(("CONFLICT", "clock_backwards", "now"), await tenant.RefusalAsync("mutation { setClock(now: null) { now } }"));
        Assert.Equal(
            ("INVALID_INPUT", "clock_backwards", "now"),
            await tenant.RefusalAsync("mutation { setClock(now: \"2031-06-30T00:00:00Z\") { now } }")
        );
    }

    [Fact]
    public async Task A_live_org_has_no_test_clock()
    {
        using var tenant = await LiveAsync();
        Assert.Equal(
            ("CONFLICT", "live_org", "now"),
            await tenant.RefusalAsync("mutation { setClock(now: \"2031-05-10T00:00:00Z\") { now } }")
        );
        Assert.Equal("timestamp_too_new", await SentAsync(tenant, "e", "2031-05-10T00:00:00Z"));
        Assert.Equal("", await SentAsync(tenant, "f", null));
    }

    private async Task<Tenant> LiveAsync()
    {
        using var anyone = new Tenant(polaris.Gateway, Guid.CreateVersion7().ToString(), "");
        anyone.Http.DefaultRequestHeaders.Authorization = null;
        var made = (
            await anyone.QueryAsync(
                SignUp,
                new
                {
                    input = new
                    {
                        email = $"{Guid.CreateVersion7():N}@example.com",
                        password = "correct horse battery",
                        orgName = "Live",
                        sandbox = false,
                    },
                }
            )
        ).GetProperty("signUp");
        Assert.False(made.GetProperty("org").GetProperty("sandbox").GetBoolean());
        return new Tenant(
            polaris.Gateway,
            made.GetProperty("org").GetProperty("id").GetString()!,
            made.GetProperty("apiKey").GetProperty("secret").GetString()!
        );
    }

    /// <summary>Why an event is rejected; empty when it is stored.</summary>
    private static async Task<string> SentAsync(Tenant tenant, string key, string? timestamp)
    {
        var (_, body) = await tenant.IngestAsync(
            timestamp is null
                ? new
                {
                    idempotency_key = key,
                    type = "call",
                    customer = "acme",
                }
                : (object)
                    new
                    {
                        idempotency_key = key,
                        type = "call",
                        customer = "acme",
                        timestamp,
                    }
        );
        return body.GetProperty("results") is { ValueKind: JsonValueKind.Array } results && results.GetArrayLength() > 0
            ? results[0].TryGetProperty("code", out var code)
                ? code.GetString()!
                : ""
            : "";
    }

    private static Task<JsonElement> ClockAsync(Tenant tenant, string now) =>
        tenant.QueryAsync("mutation($now: DateTime) { setClock(now: $now) { now } }", new { now });

    private Task InvoicedAsync(Tenant tenant, params string[] expected) =>
        polaris.UntilAsync(
            string.Join(", ", expected),
            async () =>
                (await tenant.QueryAsync("{ invoices { nodes { periodStart total } } }"))
                    .GetProperty("invoices")
                    .GetProperty("nodes")
                    .EnumerateArray()
                    .Select(invoice => $"{invoice.GetProperty("periodStart").GetString()} {invoice.GetProperty("total").GetString()}")
                    .Order(StringComparer.Ordinal)
                    .SequenceEqual(expected)
        );
}
