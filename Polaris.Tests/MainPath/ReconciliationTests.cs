using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Npgsql;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>
/// Whatever is wrong in Billing's tables, reconciliation finds and repairs it, and it reports nothing when nothing is wrong.
/// </summary>
public sealed class ReconciliationTests(PolarisApp polaris) : ReconciliationTestBase(polaris)
{
    [Fact]
    public async Task Buckets_that_were_changed_or_lost_are_found_and_put_right()
    {
        using var tenant = await WithUsageAsync(50);
        await BreakAsync(
            "UPDATE usage_buckets SET event_count = event_count + 7 "
                + "WHERE org_id = $1 AND partition = (SELECT min(partition) FROM usage_buckets WHERE org_id = $1)",
            tenant
        );
        await BreakAsync(
            "DELETE FROM usage_buckets WHERE org_id = $1 AND partition = (SELECT max(partition) FROM usage_buckets WHERE org_id = $1)",
            tenant
        );
        await Polaris.UntilAsync(
            "finding and repairing",
            async () => await DriftAsync(tenant) is { Found: >= 2 } drift && drift.Found == drift.Repaired
        );
        Assert.Equal(
            50m,
            await Polaris.ScalarAsync<decimal>("billingdb", "SELECT sum(event_count) FROM usage_buckets WHERE org_id = $1", tenant.OrgId)
        );
        Assert.Equal(
            await Polaris.ScalarAsync<decimal>(
                "ingestiondb",
                "SELECT sum(digest) % 18446744073709551616 FROM usage_batch_buckets WHERE org_id = $1",
                tenant.OrgId
            ),
            await Polaris.ScalarAsync<decimal>(
                "billingdb",
                "SELECT sum(digest) % 18446744073709551616 FROM usage_buckets WHERE org_id = $1",
                tenant.OrgId
            )
        );
        Assert.Equal(0, (await ReconcileNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        await UntilCountedAsync(tenant, 50);
    }

    [Fact]
    public async Task Batches_that_were_taken_out_with_all_their_usage_come_back()
    {
        using var tenant = await WithUsageAsync(60);
        await UntilVerifiedAsync(tenant);
        // Consistently in all of Billing's tables, so that only a comparison with Ingestion can find it.
        foreach (var table in new[] { "applied_batches", "usage_buckets", "usage_aggregates", "usage_uniques" })
            await BreakAsync($"DELETE FROM {table} WHERE org_id = $1", tenant);
        Assert.Equal(0, await tenant.UsageAsync("calls"));
        await UntilCountedAsync(tenant, 60);
        await Polaris.UntilAsync(
            "saying so",
            async () => await DriftAsync(tenant) is { Found: > 0 } drift && drift.Found == drift.Repaired
        );
        Assert.Equal(0, (await ReconcileNowAsync(tenant)).GetProperty("driftFound").GetInt32());
    }

    [Fact]
    public async Task Aggregates_that_were_changed_are_found_by_a_reconciliation_on_demand_and_counted_anew()
    {
        using var tenant = await WithUsageAsync(70);
        Assert.Equal((0, 70), await FiguresAsync());
        await BreakAsync(
            "UPDATE usage_aggregates SET total = total + 1000, max_value = 5 WHERE org_id = $1 AND customer_key = 'c1'",
            tenant
        );
        await BreakAsync("DELETE FROM usage_aggregates WHERE org_id = $1 AND customer_key = 'c2'", tenant);
        await BreakAsync("DELETE FROM usage_uniques WHERE org_id = $1 AND customer_key = 'c3'", tenant);
        var found = await ReconcileNowAsync(tenant);
        // Three meters each of c1 and c2, one of c3.
        Assert.Equal(7, found.GetProperty("driftFound").GetInt32());
        Assert.All(found.GetProperty("findings").EnumerateArray(), one => Assert.Equal("AGGREGATE", one.GetProperty("kind").GetString()));
        await UntilCountedAsync(tenant, 70);
        Assert.Equal((0, 70), await FiguresAsync());
        await Polaris.UntilAsync("saying so", async () => await DriftAsync(tenant) == (7, 7));

        async Task<(int, int)> FiguresAsync()
        {
            var report = await ReconcileNowAsync(tenant);
            return (report.GetProperty("driftFound").GetInt32(), report.GetProperty("events").GetInt32());
        }
    }

    [Fact]
    public async Task The_slow_cycle_finds_what_is_no_longer_fresh()
    {
        using var tenant = await WithUsageAsync(20);
        await BreakAsync("DELETE FROM fresh_buckets WHERE org_id = $1", tenant);
        await BreakAsync("UPDATE usage_buckets SET digest = (digest + 1) % 18446744073709551616 WHERE org_id = $1", tenant);
        await using (var connection = await Polaris.OpenDatabaseAsync("billingdb"))
        {
            // As if the last pass was a day ago.
            await using var restart = new NpgsqlCommand(
                "UPDATE reconciliation_position SET pass_started_at = 'epoch', pass_done = true",
                connection
            );
            Assert.Equal(1, await restart.ExecuteNonQueryAsync());
        }

        await Polaris.UntilAsync(
            "repairing",
            async () => await DriftAsync(tenant) is { Found: > 0 } drift && drift.Found == drift.Repaired
        );
        await Polaris.UntilAsync(
            "the pass",
            async () =>
            {
                var reconciliation = (await tenant.QueryAsync("{ reconciliation { lastPassAt bucketsInLastPass } }")).GetProperty(
                    "reconciliation"
                );
                return reconciliation.GetProperty("lastPassAt").ValueKind == JsonValueKind.String
                    && reconciliation.GetProperty("bucketsInLastPass").GetInt32() > 0;
            }
        );
    }
}
