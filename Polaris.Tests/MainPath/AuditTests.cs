using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Polaris.Billing;
using Polaris.Billing.Features.Usage;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>Whatever Billing's tables are made to say, the auditor finds it and the right numbers come back; and it says nothing when nothing is wrong.</summary>
[Collection(nameof(PromiseTests))]
public sealed class AuditTests(PolarisApp polaris) : IAsyncLifetime
{
    private const string AuditNow = """
        mutation($from: DateTime!, $to: DateTime!) {
          auditUsage(from: $from, to: $to) { checkedThrough to buckets events driftFound driftHealed findings { kind place stored expected } }
        }
        """;

    public async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static object[] Events(string prefix, int count, decimal amount = 2) =>
        [.. Enumerable.Range(0, count).Select(i => new { idempotency_key = $"{prefix}-{i}", type = "call", customer = $"c{i % 5}", properties = new { amount, user = $"u{i % 7}" } })];

    private async Task<Tenant> WithUsageAsync(int events)
    {
        var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await tenant.CreateMeterAsync("users", "UNIQUE_COUNT", "user");
        Assert.Equal(202, (await tenant.IngestAsync(Events("e", events))).Status);
        await UntilCountedAsync(tenant, events);
        return tenant;
    }

    private Task UntilCountedAsync(Tenant tenant, int events) => polaris.UntilAsync($"counting {events}", async () =>
        await tenant.UsageAsync("calls") == events && await tenant.UsageAsync("amount") == 2 * events && await tenant.UsageAsync("users") == 7);

    private async Task BreakAsync(string sql, Tenant tenant)
    {
        await using var connection = await polaris.OpenDatabaseAsync("billingdb");
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        Assert.True(await command.ExecuteNonQueryAsync() > 0);
    }

    private static async Task<(int Found, int Healed)> DriftAsync(Tenant tenant)
    {
        var audit = (await tenant.QueryAsync("{ audit { driftFound driftHealed lastCheckedAt } }")).GetProperty("audit");
        return (audit.GetProperty("driftFound").GetInt32(), audit.GetProperty("driftHealed").GetInt32());
    }

    private static async Task<JsonElement> AuditNowAsync(Tenant tenant)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        string Day(int days) => today.AddDays(days).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var report = (await tenant.QueryAsync(AuditNow, new { from = Day(-1), to = Day(2) })).GetProperty("auditUsage");
        Assert.Equal(report.GetProperty("to").GetString(), report.GetProperty("checkedThrough").GetString());
        return report;
    }

    private Task UntilProvedAsync(Tenant tenant) => polaris.UntilAsync("the search for lost batches to pass", async () =>
    {
        var received = await polaris.ScalarAsync<DateTime>("ingestiondb", "SELECT max(received_at) FROM usage_batches WHERE org_id = $1", tenant.OrgId);
        return await polaris.ScalarAsync<bool>("billingdb", "SELECT received_at > $1 FROM heal_position WHERE id = 1", received);
    });

    [Fact]
    public async Task Buckets_that_were_changed_or_lost_are_found_and_put_right()
    {
        using var tenant = await WithUsageAsync(50);
        await BreakAsync("UPDATE usage_buckets SET event_count = event_count + 7 WHERE org_id = $1 AND partition = (SELECT min(partition) FROM usage_buckets WHERE org_id = $1)", tenant);
        await BreakAsync("DELETE FROM usage_buckets WHERE org_id = $1 AND partition = (SELECT max(partition) FROM usage_buckets WHERE org_id = $1)", tenant);
        await polaris.UntilAsync("finding and healing", async () => await DriftAsync(tenant) is { Found: >= 2 } drift && drift.Found == drift.Healed);
        Assert.Equal(50m, await polaris.ScalarAsync<decimal>("billingdb", "SELECT sum(event_count) FROM usage_buckets WHERE org_id = $1", tenant.OrgId));
        Assert.Equal(
            await polaris.ScalarAsync<decimal>("ingestiondb", "SELECT sum(digest) % 18446744073709551616 FROM usage_batch_buckets WHERE org_id = $1", tenant.OrgId),
            await polaris.ScalarAsync<decimal>("billingdb", "SELECT sum(digest) % 18446744073709551616 FROM usage_buckets WHERE org_id = $1", tenant.OrgId));
        Assert.Equal(0, (await AuditNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        await UntilCountedAsync(tenant, 50);
    }

    [Fact]
    public async Task Batches_that_were_taken_out_with_all_their_usage_come_back()
    {
        using var tenant = await WithUsageAsync(60);
        await UntilProvedAsync(tenant);
        // Consistently, so that Billing's own tables agree with each other: only Ingestion can tell.
        foreach (var table in new[] { "applied_batches", "usage_buckets", "usage_aggregates", "usage_uniques" }) await BreakAsync($"DELETE FROM {table} WHERE org_id = $1", tenant);
        Assert.Equal(0, await tenant.UsageAsync("calls"));
        await UntilCountedAsync(tenant, 60);
        await polaris.UntilAsync("saying so", async () => await DriftAsync(tenant) is { Found: > 0 } drift && drift.Found == drift.Healed);
        Assert.Equal(0, (await AuditNowAsync(tenant)).GetProperty("driftFound").GetInt32());
    }

    [Fact]
    public async Task Aggregates_that_were_changed_are_found_by_an_audit_on_demand_and_counted_anew()
    {
        using var tenant = await WithUsageAsync(70);
        Assert.Equal((0, 70), await FiguresAsync());
        await BreakAsync("UPDATE usage_aggregates SET total = total + 1000, peak = 5 WHERE org_id = $1 AND customer_key = 'c1'", tenant);
        await BreakAsync("DELETE FROM usage_aggregates WHERE org_id = $1 AND customer_key = 'c2'", tenant);
        await BreakAsync("DELETE FROM usage_uniques WHERE org_id = $1 AND customer_key = 'c3'", tenant);
        var found = await AuditNowAsync(tenant);
        // Three meters of c1 and of c2 each, one of c3.
        Assert.Equal(7, found.GetProperty("driftFound").GetInt32());
        Assert.All(found.GetProperty("findings").EnumerateArray(), one => Assert.Equal("AGGREGATE", one.GetProperty("kind").GetString()));
        await UntilCountedAsync(tenant, 70);
        Assert.Equal((0, 70), await FiguresAsync());
        await polaris.UntilAsync("saying so", async () => await DriftAsync(tenant) == (7, 7));

        async Task<(int, int)> FiguresAsync()
        {
            var report = await AuditNowAsync(tenant);
            return (report.GetProperty("driftFound").GetInt32(), report.GetProperty("events").GetInt32());
        }
    }

    [Fact]
    public async Task Nothing_is_called_drift_while_usage_pours_in_and_billing_is_killed()
    {
        using var tenant = await WithUsageAsync(10);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var senders = Enumerable.Range(0, 4).Select(sender => SendAsync(sender)).ToArray();
        var began = TimeProvider.System.GetUtcNow();
        await polaris.UntilAsync("a look at it", () => CheckedAfterAsync(began));
        polaris.App.Kill("billing");
        var sent = 10 + (await Task.WhenAll(senders)).Sum();
        await polaris.UntilHealthyAsync();
        await UntilCountedAsync(tenant, sent);
        var now = TimeProvider.System.GetUtcNow();
        await polaris.UntilAsync("a look at all of it", () => CheckedAfterAsync(now));
        Assert.Equal((0, 0), await DriftAsync(tenant));
        var report = await AuditNowAsync(tenant);
        Assert.Equal((0, sent), (report.GetProperty("driftFound").GetInt32(), report.GetProperty("events").GetInt32()));

        async Task<int> SendAsync(int sender)
        {
            for (var round = 0; ; round++)
            {
                if (stop.IsCancellationRequested) return round * 50;
                Assert.Equal(202, (await tenant.IngestAsync(Events($"{sender}-{round}", 50))).Status);
            }
        }

        async Task<bool> CheckedAfterAsync(DateTimeOffset moment)
        {
            var text = (await tenant.QueryAsync("{ audit { lastCheckedAt } }")).GetProperty("audit").GetProperty("lastCheckedAt").GetString();
            return text is not null && DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) > moment;
        }
    }

    [Fact]
    public async Task The_slow_cycle_finds_what_is_no_longer_fresh()
    {
        using var tenant = await WithUsageAsync(20);
        await BreakAsync("DELETE FROM fresh_buckets WHERE org_id = $1", tenant);
        await BreakAsync("UPDATE usage_buckets SET digest = (digest + 1) % 18446744073709551616 WHERE org_id = $1", tenant);
        await using (var connection = await polaris.OpenDatabaseAsync("billingdb"))
        {
            // As if the last pass lay a day back.
            await using var restart = new NpgsqlCommand("UPDATE audit_position SET pass_started_at = 'epoch', pass_done = true", connection);
            Assert.Equal(1, await restart.ExecuteNonQueryAsync());
        }

        await polaris.UntilAsync("healing", async () => await DriftAsync(tenant) is { Found: > 0 } drift && drift.Found == drift.Healed);
        await polaris.UntilAsync("the pass", async () =>
        {
            var audit = (await tenant.QueryAsync("{ audit { lastPassAt bucketsInLastPass } }")).GetProperty("audit");
            return audit.GetProperty("lastPassAt").ValueKind == JsonValueKind.String && audit.GetProperty("bucketsInLastPass").GetInt32() > 0;
        });
    }

    [Fact]
    public async Task A_record_that_comes_again_after_its_id_was_folded_away_changes_nothing_and_a_later_meter_still_counts_it()
    {
        using var tenant = await WithUsageAsync(30);
        await UntilProvedAsync(tenant);
        var source = new NpgsqlDataSourceBuilder(await polaris.App.GetConnectionStringAsync("billingdb"));
        source.UseNodaTime();
        await using (var database = source.Build())
        {
            using var fold = new FoldAppliedBatches(database, Options.Create(new BillingOptions()), TimeProvider.System, NullLogger<FoldAppliedBatches>.Instance);
            Assert.True(await fold.FoldAsync(TimeSpan.Zero, CancellationToken.None) > 0);
        }

        Assert.Equal(0L, await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM applied_batches WHERE org_id = $1", tenant.OrgId));
        await RepublishAsync(tenant);
        // Behind them in each partition: when it is counted, they have been seen.
        Assert.Equal(202, (await tenant.IngestAsync(Events("behind", 5))).Status);
        await UntilCountedAsync(tenant, 35);
        await tenant.CreateMeterAsync("later", "SUM", "amount");
        await polaris.UntilAsync("filling", async () => await tenant.UsageAsync("later") == 70);
        Assert.Equal(0, (await AuditNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        Assert.Equal((0, 0), await DriftAsync(tenant));
    }

    [Fact]
    public async Task Meters_of_several_orgs_are_filled_through_a_crash_and_count_once()
    {
        var tenants = new List<Tenant>();
        for (var i = 0; i < 3; i++) tenants.Add(await WithUsageAsync(40 + i));
        foreach (var tenant in tenants) await tenant.CreateMeterAsync("later", "SUM", "amount");
        foreach (var tenant in tenants) Assert.Equal(202, (await tenant.IngestAsync(Events("more", 5))).Status);
        polaris.App.Kill("billing");
        await polaris.UntilHealthyAsync();
        for (var i = 0; i < tenants.Count; i++)
        {
            using var tenant = tenants[i];
            var events = 45 + i;
            await polaris.UntilAsync("filling", async () => await tenant.UsageAsync("later") == 2 * events);
            await UntilCountedAsync(tenant, events);
            Assert.Equal(0, (await AuditNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        }
    }

    private async Task RepublishAsync(Tenant tenant)
    {
        await using var connection = await polaris.OpenDatabaseAsync("ingestiondb");
        await using var command = new NpgsqlCommand("SELECT partition, payload FROM usage_batches WHERE org_id = $1", connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        using var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }).SetLogHandler((_, _) => { }).Build();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            await producer.ProduceAsync(new TopicPartition("polaris.usage.v1", reader.GetInt32(0)), new Message<Null, byte[]> { Value = reader.GetFieldValue<byte[]>(1) });
    }
}
