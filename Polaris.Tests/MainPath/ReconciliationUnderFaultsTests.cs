using System.Globalization;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Polaris.Billing;
using Polaris.Billing.Features.Counting;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>Reconciliation while Billing is killed, and after the batch ids of all orgs were compacted.</summary>
[Collection(nameof(PromiseTests))]
public sealed class ReconciliationUnderFaultsTests(PolarisApp polaris) : ReconciliationTestBase(polaris)
{
    public override async ValueTask InitializeAsync() => await Polaris.UntilHealthyAsync();

    [Fact]
    public async Task Nothing_is_called_drift_while_usage_pours_in_and_billing_is_killed()
    {
        using var tenant = await WithUsageAsync(10);
        using var stop = new CancellationTokenSource();
        var senders = Enumerable.Range(0, 4).Select(sender => SendAsync(sender)).ToArray();
        var began = TimeProvider.System.GetUtcNow();
        await Polaris.UntilAsync("a look at it", () => CheckedAfterAsync(began));
        var killed = Polaris.App.GetProcessId("billing");
        Polaris.App.Kill("billing");
        await Polaris.UntilAsync(
            "another process",
            () => Task.FromResult(Polaris.App.GetProcessId("billing") is { } process && process != killed)
        );
        await Polaris.UntilHealthyAsync();
        var returned = TimeProvider.System.GetUtcNow();
        await Polaris.UntilAsync("a look at it after the crash", () => CheckedAfterAsync(returned));
        await stop.CancelAsync();
        var sent = 10 + (await Task.WhenAll(senders)).Sum();
        await UntilCountedAsync(tenant, sent);
        var now = TimeProvider.System.GetUtcNow();
        await Polaris.UntilAsync("a look at all of it", () => CheckedAfterAsync(now));
        Assert.Equal((0, 0), await DriftAsync(tenant));
        var report = await ReconcileNowAsync(tenant);
        Assert.Equal((0, sent), (report.GetProperty("driftFound").GetInt32(), report.GetProperty("events").GetInt32()));

        async Task<int> SendAsync(int sender)
        {
            for (var round = 0; ; round++)
            {
                if (stop.IsCancellationRequested)
                    return round * 50;
                await tenant.AcceptedAsync(Events($"{sender}-{round}", 50));
            }
        }

        async Task<bool> CheckedAfterAsync(DateTimeOffset moment)
        {
            var text = (await tenant.QueryAsync("{ reconciliation { lastCheckedAt } }"))
                .GetProperty("reconciliation")
                .GetProperty("lastCheckedAt")
                .GetString();
            return text is not null && DateTimeOffset.Parse(text, CultureInfo.InvariantCulture) > moment;
        }
    }

    [Fact]
    public async Task A_record_that_comes_again_after_its_id_was_compacted_away_changes_nothing_and_a_later_meter_still_counts_it()
    {
        using var tenant = await WithUsageAsync(30);
        await UntilVerifiedAsync(tenant);
        var source = new NpgsqlDataSourceBuilder(await Polaris.App.GetConnectionStringAsync("billingdb"));
        source.UseNodaTime();
        await using (var database = source.Build())
        {
            var compact = new CompactAppliedBatches(
                database,
                Options.Create(new BillingOptions()),
                TimeProvider.System,
                NullLogger<CompactAppliedBatches>.Instance
            );
            Assert.True(await compact.CompactAsync(TimeSpan.Zero, CancellationToken.None) > 0);
        }

        Assert.Equal(
            0L,
            await Polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM applied_batches WHERE org_id = $1", tenant.OrgId)
        );
        await RepublishAsync(tenant);
        // Sent after them to each partition: once it is counted, they have been processed.
        await tenant.AcceptedAsync(Events("behind", 5));
        await UntilCountedAsync(tenant, 35);
        await tenant.CreateMeterAsync("later", "SUM", "amount");
        await Polaris.UntilAsync("filling", async () => await tenant.UsageAsync("later") == 70);
        Assert.Equal(0, (await ReconcileNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        Assert.Equal((0, 0), await DriftAsync(tenant));
    }

    [Fact]
    public async Task Meters_of_several_orgs_are_filled_through_a_crash_and_count_once()
    {
        var tenants = new List<Tenant>();
        for (var i = 0; i < 3; i++)
            tenants.Add(await WithUsageAsync(40 + i));
        foreach (var tenant in tenants)
            await tenant.CreateMeterAsync("later", "SUM", "amount");
        foreach (var tenant in tenants)
            await tenant.AcceptedAsync(Events("more", 5));
        Polaris.App.Kill("billing");
        await Polaris.UntilHealthyAsync();
        for (var i = 0; i < tenants.Count; i++)
        {
            using var tenant = tenants[i];
            var events = 45 + i;
            await Polaris.UntilAsync("filling", async () => await tenant.UsageAsync("later") == 2 * events);
            await UntilCountedAsync(tenant, events);
            Assert.Equal(0, (await ReconcileNowAsync(tenant)).GetProperty("driftFound").GetInt32());
        }
    }

    private async Task RepublishAsync(Tenant tenant)
    {
        await using var connection = await Polaris.OpenDatabaseAsync("ingestiondb");
        await using var command = new NpgsqlCommand("SELECT partition, payload FROM usage_batches WHERE org_id = $1", connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        using var producer = new ProducerBuilder<Null, byte[]>(
            new ProducerConfig { BootstrapServers = await Polaris.App.GetConnectionStringAsync("kafka") }
        )
            .SetLogHandler((_, _) => { })
            .Build();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            await producer.ProduceAsync(
                new TopicPartition(Topics.Usage, reader.GetInt32(0)),
                new Message<Null, byte[]> { Value = reader.GetFieldValue<byte[]>(1) }
            );
    }
}
