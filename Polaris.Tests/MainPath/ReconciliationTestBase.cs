using System.Globalization;
using System.Text.Json;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>An org's usage, ways to break it in Billing's tables, and what reconciliation reports.</summary>
public abstract class ReconciliationTestBase(PolarisApp polaris) : PlatformTests
{
    protected PolarisApp Polaris => polaris;

    private const string ReconcileNow = """
        mutation($from: DateTime!, $to: DateTime!) {
          reconcileUsage(from: $from, to: $to) {
            checkedThrough to buckets events driftFound driftRepaired findings { kind place stored expected } }
        }
        """;

    protected static object[] Events(string prefix, int count, decimal amount = 2) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    idempotency_key = $"{prefix}-{i}",
                    type = "call",
                    customer = $"c{i % 5}",
                    properties = new { amount, user = $"u{i % 7}" },
                }),
        ];

    protected async Task<Tenant> WithUsageAsync(int events)
    {
        var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await tenant.CreateMeterAsync("users", "UNIQUE_COUNT", "user");
        Assert.Equal(202, (await tenant.IngestAsync(Events("e", events))).Status);
        await UntilCountedAsync(tenant, events);
        return tenant;
    }

    protected Task UntilCountedAsync(Tenant tenant, int events) =>
        polaris.UntilAsync(
            $"counting {events}",
            async () =>
                await tenant.UsageAsync("calls") == events
                && await tenant.UsageAsync("amount") == 2 * events
                && await tenant.UsageAsync("users") == 7
        );

    protected async Task BreakAsync(string sql, Tenant tenant)
    {
        await using var connection = await polaris.OpenDatabaseAsync("billingdb");
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        Assert.True(await command.ExecuteNonQueryAsync() > 0);
    }

    protected static async Task<(int Found, int Repaired)> DriftAsync(Tenant tenant)
    {
        var reconciliation = (await tenant.QueryAsync("{ reconciliation { driftFound driftRepaired lastCheckedAt } }")).GetProperty(
            "reconciliation"
        );
        return (reconciliation.GetProperty("driftFound").GetInt32(), reconciliation.GetProperty("driftRepaired").GetInt32());
    }

    protected static async Task<JsonElement> ReconcileNowAsync(Tenant tenant)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        string Day(int days) => today.AddDays(days).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var report = (await tenant.QueryAsync(ReconcileNow, new { from = Day(-1), to = Day(2) })).GetProperty("reconcileUsage");
        Assert.Equal(report.GetProperty("to").GetString(), report.GetProperty("checkedThrough").GetString());
        return report;
    }

    protected Task UntilVerifiedAsync(Tenant tenant) =>
        polaris.UntilAsync(
            "the search for lost batches to pass",
            async () =>
            {
                var received = await polaris.ScalarAsync<DateTime>(
                    "ingestiondb",
                    "SELECT max(received_at) FROM usage_batches WHERE org_id = $1",
                    tenant.OrgId
                );
                return await polaris.ScalarAsync<bool>(
                    "billingdb",
                    "SELECT received_at > $1 FROM recovery_position WHERE id = 1",
                    received
                );
            }
        );
}
