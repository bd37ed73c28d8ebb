using System.Globalization;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Polaris.ServiceDefaults.Persistence;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>Promises of the design that can be seen while nothing breaks: what counts, and that it counts once.</summary>
public sealed class CountingTests(PolarisApp polaris) : PlatformTests
{
    private static object[] Events(string prefix, int count, string customer = "acme", decimal amount = 1) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    idempotency_key = $"{prefix}-{i}",
                    type = "call",
                    customer,
                    properties = new { amount },
                }),
        ];

    [Fact]
    public async Task A_key_counts_once_however_often_and_from_wherever_it_comes()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        var at = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        object Event(int key, int amount = 1) =>
            new
            {
                idempotency_key = $"k{key}",
                type = "call",
                customer = $"c{key % 3}",
                timestamp = at,
                properties = new { amount },
            };

        // The same 40 keys from 16 concurrent requests, each key twice in each of them.
        var batch = Enumerable.Range(0, 40).SelectMany(key => new[] { Event(key), Event(key) }).ToArray();
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => tenant.IngestAsync(batch)));
        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Equal(40, answers.Sum(answer => answer.Body.Counted("accepted")));
        Assert.Equal(16 * 80 - 40, answers.Sum(answer => answer.Body.Counted("duplicates")));

        // Different content under a used key is a conflict, and nothing of it is stored.
        var (_, conflict) = await tenant.IngestAsync(new[] { Event(1, amount: 99), Event(100) });
        Assert.Equal((1, 1), (conflict.Counted("conflicts"), conflict.Counted("accepted")));
        await polaris.UntilAsync("counting 41", async () => await tenant.UsageAsync("calls") == 41);
        Assert.Equal(41, await tenant.UsageAsync("amount"));

        // A duplicate has the receipt of the first event.
        var first = (await tenant.IngestAsync(new[] { Event(200) }, "?receipts=all"))
            .Body.GetProperty("results")[0]
            .GetProperty("receipt")
            .ToString();
        Assert.Equal(
            first,
            (await tenant.IngestAsync(new[] { Event(200) })).Body.GetProperty("results")[0].GetProperty("receipt").ToString()
        );
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
        Assert.Equal(
            409,
            (
                await tenant.IngestAsync(
                    new
                    {
                        idempotency_key = "k",
                        type = "call",
                        timestamp = first,
                    }
                )
            ).Status
        );
    }

    [Fact]
    public async Task A_record_that_comes_again_counts_once()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        Assert.Equal(202, (await tenant.IngestAsync(Events("again", 30))).Status);
        await polaris.UntilAsync("counting 30", async () => await tenant.UsageAsync("calls") == 30);

        // As after a relay that crashed before it recorded what it had published: identical records, three times.
        await using var connection = await polaris.OpenDatabaseAsync("ingestiondb");
        await using var command = new Npgsql.NpgsqlCommand("SELECT partition, payload FROM usage_batches WHERE org_id = $1", connection);
        command.Parameters.AddWithValue(tenant.OrgId);
        var records = new List<(int Partition, byte[] Payload)>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                records.Add((reader.GetInt32(0), reader.GetFieldValue<byte[]>(1)));
        }

        using (
            var producer = new ProducerBuilder<Null, byte[]>(
                new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }
            )
                .SetLogHandler((_, _) => { })
                .Build()
        )
        {
            foreach (var (partition, payload) in records.Concat(records).Concat(records))
                await producer.ProduceAsync(new TopicPartition(Topics.Usage, partition), new Message<Null, byte[]> { Value = payload });
        }

        // Sent after them to the same partition: once it is counted, they have been processed.
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
        using (
            var producer = new ProducerBuilder<Null, byte[]>(
                new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }
            )
                .SetLogHandler((_, _) => { })
                .Build()
        )
        {
            for (var partition = 0; partition < Topics.UsagePartitions; partition++)
                await producer.ProduceAsync(new TopicPartition(Topics.Usage, partition), new Message<Null, byte[]> { Value = mark });
        }

        Assert.Equal(202, (await tenant.IngestAsync(Events("healthy", 40))).Status);
        await polaris.UntilAsync("counting 40", async () => await tenant.UsageAsync("calls") == 40);
        await polaris.UntilAsync(
            "dead letters",
            async () =>
                await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM dead_letters WHERE payload = $1 AND reason <> ''", mark)
                == Topics.UsagePartitions
        );
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
}
