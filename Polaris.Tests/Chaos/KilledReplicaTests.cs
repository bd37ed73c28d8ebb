using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>Of several Ingestion processes on one database and one Kafka, the one that publishes is killed.</summary>
[Collection(nameof(PromiseTests))]
[Trait(Categories.Name, Categories.Chaos)]
public sealed partial class KilledReplicaTests(PolarisApp polaris) : PlatformTests
{
    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    [Fact]
    public async Task Replicas_keep_a_customer_s_order_and_publish_everything_when_the_one_that_publishes_is_killed()
    {
        const int Customers = 4;
        const int Each = 120;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await using var replica = await polaris.StartReplicaAsync("ingestion");
        using var original = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(
            new ConsumerConfig
            {
                BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka"),
                GroupId = $"order-{tenant.OrgId}",
                EnableAutoCommit = false,
            }
        ).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(
            Enumerable
                .Range(0, Topics.UsagePartitions)
                .Select(partition => new TopicPartitionOffset(
                    Topics.Usage,
                    partition,
                    consumer.QueryWatermarkOffsets(new TopicPartition(Topics.Usage, partition), TimeSpan.FromSeconds(10)).High
                ))
        );

        // The events of each customer in sequence, each acknowledged before the next, alternating between the replicas.
        var sending = Task.WhenAll(
            Enumerable
                .Range(0, Customers)
                .Select(customer =>
                    Task.Run(async () =>
                    {
                        for (var number = 0; number < Each; number++)
                        {
                            var sent = number;
                            await polaris.UntilAsync(
                                "an acknowledgement",
                                () =>
                                    IsAcceptedAsync(
                                        sent % 2 == 0 ? original : other,
                                        new
                                        {
                                            idempotency_key = $"c{customer}-{sent:D4}",
                                            type = "call",
                                            customer = $"c{customer}",
                                        }
                                    )
                            );
                            if (customer == 0 && number == Each / 3)
                                polaris.App.Kill("ingestion");
                        }
                    })
                )
        );
        await sending;
        await polaris.UntilAsync(
            "publishing",
            async () => await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0
        );
        await polaris.UntilAsync("counting", async () => await tenant.UsageAsync("calls") == Customers * Each);

        var seen = new List<string>();
        var own = tenant.OrgId.ToByteArray(bigEndian: true);
        await polaris.UntilAsync(
            "reading all of it",
            () =>
            {
                while (consumer.Consume(TimeSpan.FromMilliseconds(500)) is { } record)
                {
                    if (record.Message.Value.AsSpan().IndexOf(own) < 0)
                        continue;
                    foreach (Match key in EventKey().Matches(Encoding.Latin1.GetString(record.Message.Value)))
                    {
                        // A batch published twice is counted once, so the first publication defines the order.
                        if (!seen.Contains(key.Value))
                            seen.Add(key.Value);
                    }
                }

                return Task.FromResult(seen.Count == Customers * Each);
            }
        );
        for (var customer = 0; customer < Customers; customer++)
            Assert.Equal(
                Enumerable.Range(0, Each).Select(number => $"c{customer}-{number:D4}"),
                seen.Where(key => key.StartsWith($"c{customer}-", StringComparison.Ordinal))
            );
    }

    [GeneratedRegex("c[0-9]-[0-9]{4}")]
    private static partial Regex EventKey();

    /// <summary>Whether it is stored: as new, or as the duplicate of an attempt whose response was lost.</summary>
    private static async Task<bool> IsAcceptedAsync(Tenant tenant, object body)
    {
        try
        {
            using var response = await tenant.Http.PostAsJsonAsync("/ingest", body);
            return (int)response.StatusCode == 202;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
