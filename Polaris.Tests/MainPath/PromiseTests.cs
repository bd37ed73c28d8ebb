using System.Globalization;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Usage;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>The promises of the design, seen through the public interfaces while things break. One at a time: they break the shared platform.</summary>
[Collection(nameof(PromiseTests))]
[CollectionDefinition(nameof(PromiseTests), DisableParallelization = true)]
public sealed class PromiseTests(PolarisApp polaris) : IAsyncLifetime
{
    // Whatever the test before broke is whole again.
    public async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static object[] Events(string prefix, int count, string customer = "acme", decimal amount = 1) =>
        [.. Enumerable.Range(0, count).Select(i => new { idempotency_key = $"{prefix}-{i}", type = "call", customer, properties = new { amount } })];

    [Fact]
    public async Task Acknowledged_events_survive_a_kill_of_ingestion_right_after_the_answer()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        var (status, body) = await tenant.IngestAsync(Events("durable", 200));
        polaris.App.Kill("ingestion");
        Assert.Equal((202, 200), (status, body.Counted("accepted")));
        Assert.Equal(200L, await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", tenant.OrgId));
        await polaris.UntilAsync("counting all 200", async () => await tenant.UsageAsync("calls") == 200);
    }

    [Fact]
    public async Task A_committed_batch_has_its_outbox_record_in_the_same_transaction()
    {
        using var tenant = await polaris.SignUpAsync();
        // Nobody publishes while the broker stands still, so what was committed can be looked at.
        polaris.App.Signal("kafka", 19);
        try
        {
            Assert.Equal(202, (await tenant.IngestAsync(Events("outbox", 50))).Status);
            Assert.Equal(0L, await polaris.ScalarAsync<long>(
                "ingestiondb", "SELECT count(*) FROM usage_batches b WHERE org_id = $1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.org_id = b.org_id AND o.batch_id = b.batch_id)", tenant.OrgId));
        }
        finally
        {
            polaris.App.Signal("kafka", 18);
        }

        await polaris.UntilAsync("publishing", async () => await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0);
    }

    [Fact]
    public async Task A_key_counts_once_however_often_and_from_wherever_it_comes()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        var at = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        object Event(int key, int amount = 1) => new { idempotency_key = $"k{key}", type = "call", customer = $"c{key % 3}", timestamp = at, properties = new { amount } };

        // The same 40 keys from 16 requests at once, each key twice in each of them.
        var batch = Enumerable.Range(0, 40).SelectMany(key => new[] { Event(key), Event(key) }).ToArray();
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => tenant.IngestAsync(batch)));
        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Equal(40, answers.Sum(answer => answer.Body.Counted("accepted")));
        Assert.Equal(16 * 80 - 40, answers.Sum(answer => answer.Body.Counted("duplicates")));

        // Other content under a used key is a conflict, and nothing of it is stored.
        var (_, conflict) = await tenant.IngestAsync(new[] { Event(1, amount: 99), Event(100) });
        Assert.Equal((1, 1), (conflict.Counted("conflicts"), conflict.Counted("accepted")));
        await polaris.UntilAsync("counting 41", async () => await tenant.UsageAsync("calls") == 41);
        Assert.Equal(41, await tenant.UsageAsync("amount"));

        // A duplicate's receipt is the first one's.
        var first = (await tenant.IngestAsync(new[] { Event(200) }, "?receipts=all")).Body.GetProperty("results")[0].GetProperty("receipt").ToString();
        Assert.Equal(first, (await tenant.IngestAsync(new[] { Event(200) })).Body.GetProperty("results")[0].GetProperty("receipt").ToString());
    }

    [Fact]
    public async Task A_retry_of_an_event_without_a_timestamp_is_a_duplicate_and_keeps_the_first_one_s_time()
    {
        using var tenant = await polaris.SignUpAsync();
        var once = new { idempotency_key = "k", type = "call" };
        Assert.Equal(1, (await tenant.IngestAsync(once)).Body.Counted("accepted"));
        var first = (await tenant.EventAsync("k")).GetProperty("timestamp").GetString();
        Assert.Equal(1, (await tenant.IngestAsync(once)).Body.Counted("duplicates"));
        Assert.Equal(first, (await tenant.EventAsync("k")).GetProperty("timestamp").GetString());
        Assert.Equal(409, (await tenant.IngestAsync(new { idempotency_key = "k", type = "call", timestamp = first })).Status);
    }

    [Fact]
    public async Task A_broker_that_forgets_everything_loses_nothing()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        for (var round = 0; round < 3; round++)
        {
            // Stopped, Billing cannot have taken what the broker is about to forget.
            polaris.App.Signal("billing", 19);
            Assert.Equal(202, (await tenant.IngestAsync(Events($"wiped-{round}", 100))).Status);
            await polaris.UntilAsync("publishing", async () => await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0);
            polaris.App.Kill("kafka");
            polaris.App.Signal("billing", 18);
            Assert.Equal(202, (await tenant.IngestAsync(Events($"meanwhile-{round}", 10))).Status);
        }

        await polaris.UntilAsync("counting 330", async () => await tenant.UsageAsync("calls") == 330);
    }

    [Fact]
    public async Task A_record_that_comes_again_counts_once()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        Assert.Equal(202, (await tenant.IngestAsync(Events("again", 30))).Status);
        await polaris.UntilAsync("counting 30", async () => await tenant.UsageAsync("calls") == 30);

        // As after a relay that crashed before it noted what it had published: the very same records, three times over.
        await using var connection = await polaris.OpenDatabaseAsync("ingestiondb");
        await using var command = new Npgsql.NpgsqlCommand("SELECT partition, payload FROM usage_batches WHERE org_id = $1", connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        var records = new List<(int Partition, byte[] Payload)>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) records.Add((reader.GetInt32(0), reader.GetFieldValue<byte[]>(1)));
        }

        using (var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }).SetLogHandler((_, _) => { }).Build())
        {
            foreach (var (partition, payload) in records.Concat(records).Concat(records))
                await producer.ProduceAsync(new TopicPartition("polaris.usage.v1", partition), new Message<Null, byte[]> { Value = payload });
        }

        // Behind them in the same partition: when it is counted, they have been seen.
        Assert.Equal(202, (await tenant.IngestAsync(Events("behind", 1))).Status);
        await polaris.UntilAsync("counting the one behind", async () => await tenant.UsageAsync("calls") > 30);
        Assert.Equal(31, await tenant.UsageAsync("calls"));
    }

    [Fact]
    public async Task A_poisoned_record_is_set_aside_and_its_neighbours_flow()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        var mark = System.Text.Encoding.UTF8.GetBytes($"poison for {tenant.OrgId}");
        using (var producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }).SetLogHandler((_, _) => { }).Build())
        {
            for (var partition = 0; partition < 8; partition++)
                await producer.ProduceAsync(new TopicPartition("polaris.usage.v1", partition), new Message<Null, byte[]> { Value = mark });
        }

        Assert.Equal(202, (await tenant.IngestAsync(Events("healthy", 40))).Status);
        await polaris.UntilAsync("counting 40", async () => await tenant.UsageAsync("calls") == 40);
        await polaris.UntilAsync("dead letters", async () => await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM dead_letters WHERE payload = $1 AND reason <> ''", mark) == 8);
        using var billing = polaris.App.CreateHttpClient("billing", "http");
        Assert.Contains("polaris_billing_dead_letters", await billing.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_meter_that_comes_later_counts_what_came_before()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        Assert.Equal(202, (await tenant.IngestAsync(Events("early", 60, amount: 2.5m))).Status);
        await polaris.UntilAsync("counting 60", async () => await tenant.UsageAsync("calls") == 60);
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        Assert.Equal(202, (await tenant.IngestAsync(Events("late", 40, amount: 0.25m))).Status);
        await polaris.UntilAsync("filling", async () => await tenant.UsageAsync("amount") == 160);
        await polaris.UntilAsync("counting 100", async () => await tenant.UsageAsync("calls") == 100);
    }

    [Fact]
    public void Usage_is_answered_from_aggregates_and_no_reader_can_reach_raw_events()
    {
        foreach (var reader in new[] { typeof(ReadUsage), typeof(ReadCurrentUsage), typeof(OrgClocks) })
            Assert.DoesNotContain(reader.GetConstructors().Single().GetParameters(), parameter => parameter.ParameterType.FullName!.Contains("Ingestion", StringComparison.Ordinal));
    }
}
