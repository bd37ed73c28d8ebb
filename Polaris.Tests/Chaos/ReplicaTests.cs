using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Polaris.ServiceDefaults.Messaging;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>Several Ingestion processes on one database and one Kafka.</summary>
[Collection(nameof(PromiseTests))]
public sealed partial class ReplicaTests(PolarisApp polaris, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string[] Statuses = ["accepted", "duplicate", "conflict"];
    private static readonly string Started = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed record Sent(string Key, int Amount, string Status);

    [Fact]
    public async Task Of_200_seeds_the_same_keys_at_once_at_two_replicas_have_one_accepted_each_and_one_counted()
    {
        const int Seeds = 200;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await using var replica = await StartAsync();
        using var one = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        var (first, keys, amounts) = (RandomNumberGenerator.GetInt32(1_000_000), 0, 0);
        output.WriteLine($"seeds {first} to {first + Seeds - 1}");
        for (var seed = first; seed < first + Seeds; seed++)
        {
            var random = new Random(seed);
            var bodies = Enumerable.Range(0, random.Next(2, 7)).Select(_ => Batch(seed, random)).ToArray();
            var answers = await Task.WhenAll(bodies.Select((body, i) => SendAsync(i % 2 == 0 ? one : other, body)));
            foreach (var ofKey in answers.SelectMany(answer => answer).GroupBy(sent => sent.Key))
            {
                var winner = ofKey.Where(sent => sent.Status == "accepted").ToArray();
                Assert.True(winner.Length == 1, $"seed {seed}, {ofKey.Key}: {string.Join(", ", ofKey)}");
                Assert.All(ofKey.Where(sent => sent.Status != "accepted"), sent => Assert.True(sent.Status == (sent.Amount == winner[0].Amount ? "duplicate" : "conflict"), $"seed {seed}: {sent} beside {winner[0]}"));
                (keys, amounts) = (keys + 1, amounts + winner[0].Amount);
            }
        }

        await polaris.UntilAsync("counting every key", async () => await tenant.UsageAsync("calls") >= keys);
        Assert.Equal((keys, amounts), (await tenant.UsageAsync("calls"), await tenant.UsageAsync("amount")));
    }

    /// <summary>1 to 12 events over at most 4 keys, so that most stand in it several times; one in five has other content.</summary>
    private static (string Key, int Amount)[] Batch(int seed, Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 13)).Select(_ => ($"{seed}-{random.Next(4)}", random.Next(5) == 0 ? random.Next(2, 4) : 1))];

    private static async Task<IEnumerable<Sent>> SendAsync(Tenant tenant, (string Key, int Amount)[] body)
    {
        var events = body.Select(one => new { idempotency_key = one.Key, type = "call", customer = one.Key, timestamp = Started, properties = new { amount = one.Amount } });
        var (status, answer) = await tenant.IngestAsync(events.ToArray(), "?receipts=all");
        Assert.True(status == 202 || body.Length == 1 && status == 409, $"{status}: {answer}");
        var results = answer.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(body.Length, results.Length);
        return results.Select(result => new Sent(result.GetProperty("idempotency_key").GetString()!, body[result.GetProperty("index").GetInt32()].Amount, Known(result.GetProperty("status").GetString()!)));
    }

    [Fact]
    public async Task Of_many_corrections_of_the_same_events_at_two_replicas_one_of_each_is_accepted_and_it_is_the_one_that_counts()
    {
        const int Targets = 25;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await using var replica = await StartAsync();
        using var one = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        var (seed, calls, amount) = (RandomNumberGenerator.GetInt32(1_000_000), 0, 0);
        output.WriteLine($"seeds {seed} to {seed + 7}");
        for (var round = seed; round < seed + 8; round++)
        {
            var random = new Random(round);
            Assert.Equal(202, (await one.IngestAsync(Enumerable.Range(0, Targets).Select(i => new { idempotency_key = $"{round}-{i}", type = "call", customer = $"c{i % 3}", properties = new { amount = 1000 } }))).Status);
            // Every request corrects each of them, in an order of its own, with a void or with another amount.
            var requests = Enumerable.Range(0, 8).Select(request => Enumerable.Range(0, Targets).OrderBy(_ => random.Next())
                .Select(target => (Key: $"{round}-{request}-of-{target}", Target: $"{round}-{target}", Amount: random.Next(0, 4))).ToArray()).ToArray();
            var answers = await Task.WhenAll(requests.Select((request, i) => (i % 2 == 0 ? one : other).IngestAsync(request.Select(Correction).ToArray(), "?receipts=all")));
            Assert.All(answers, answer => Assert.Equal(202, answer.Status));
            var tried = answers.SelectMany((answer, i) => answer.Body.GetProperty("results").EnumerateArray().Select(result => (Sent: requests[i][result.GetProperty("index").GetInt32()], Result: result))).ToArray();
            foreach (var ofTarget in tried.GroupBy(attempt => attempt.Sent.Target))
            {
                var winner = Assert.Single(ofTarget, attempt => attempt.Result.GetProperty("status").GetString() == "accepted").Sent;
                Assert.Equal(7, ofTarget.Count(attempt => attempt.Result.TryGetProperty("code", out var code) && code.GetString() == "already_corrected"));
                Assert.Equal(winner.Key, (await tenant.EventAsync(winner.Target)).GetProperty("corrected_by").GetString());
                (calls, amount) = (calls + (winner.Amount > 0 ? 1 : 0), amount + winner.Amount);
            }
        }

        await polaris.UntilAsync("counting what stands", async () => await tenant.UsageAsync("calls") == calls && await tenant.UsageAsync("amount") == amount);

        // An amount of 0 stands for a void.
        static object Correction((string Key, string Target, int Amount) one) => one.Amount == 0
            ? new { idempotency_key = one.Key, voids = one.Target }
            : new { idempotency_key = one.Key, replaces = one.Target, properties = new { amount = one.Amount } };
    }

    [Fact]
    public async Task An_org_over_its_limit_is_told_when_to_come_again_and_another_is_not_kept_waiting()
    {
        using var tenant = await polaris.SignUpAsync();
        using var neighbour = await polaris.SignUpAsync();
        // A burst of one full request, and then an event every second.
        await using var replica = await StartAsync(("Ingestion__EventsPerSecond", "1"));
        using var limited = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, neighbour.OrgId.ToString(), neighbour.ApiKey);
        Assert.Equal(202, (await limited.IngestAsync(Enumerable.Range(0, 1000).Select(i => new { idempotency_key = $"k{i}", type = "call" }))).Status);
        var over = Enumerable.Range(0, 50).Select(i => new { idempotency_key = $"over{i}", type = "call" }).ToArray();
        using (var response = await limited.Http.PostAsJsonAsync("/ingest", over))
        {
            Assert.Equal((429, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
            // The 50 tokens that are missing, but for those that came since.
            Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 50);
            Assert.Equal("rate_limited", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
        }

        Assert.Equal(202, (await other.IngestAsync(over)).Status);
        Assert.Equal(1000L, await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", tenant.OrgId));
        // A smaller request has to wait less.
        await polaris.UntilAsync("a token", async () => (await limited.IngestAsync(over[0])).Status == 202);
    }

    [Fact]
    public async Task Replicas_keep_a_customer_s_order_and_publish_everything_when_the_one_that_publishes_is_killed()
    {
        const int Customers = 4;
        const int Each = 120;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await using var replica = await StartAsync();
        using var one = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka"), GroupId = $"order-{tenant.OrgId}", EnableAutoCommit = false })
            .SetLogHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, Topics.UsagePartitions).Select(partition => new TopicPartitionOffset("polaris.usage.v1", partition, consumer.QueryWatermarkOffsets(new TopicPartition("polaris.usage.v1", partition), TimeSpan.FromSeconds(10)).High)));

        // Each customer's events one after the other, each acknowledged before the next, at one replica and the other in turn.
        var sending = Task.WhenAll(Enumerable.Range(0, Customers).Select(customer => Task.Run(async () =>
        {
            for (var number = 0; number < Each; number++)
            {
                var sent = number;
                await polaris.UntilAsync("an acknowledgement", () => IsAcceptedAsync(sent % 2 == 0 ? one : other, new { idempotency_key = $"c{customer}-{sent:D4}", type = "call", customer = $"c{customer}" }));
                if (customer == 0 && number == Each / 3) polaris.App.Kill("ingestion");
            }
        })));
        await sending;
        await polaris.UntilAsync("publishing", async () => await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0);
        await polaris.UntilAsync("counting", async () => await tenant.UsageAsync("calls") == Customers * Each);

        var seen = new List<string>();
        var own = tenant.OrgId.ToByteArray(bigEndian: true);
        await polaris.UntilAsync("reading all of it", () =>
        {
            while (consumer.Consume(TimeSpan.FromMilliseconds(500)) is { } record)
            {
                if (record.Message.Value.AsSpan().IndexOf(own) < 0) continue;
                foreach (Match key in EventKey().Matches(Encoding.Latin1.GetString(record.Message.Value)))
                {
                    // What is published twice counts once: its first time is the one that matters.
                    if (!seen.Contains(key.Value)) seen.Add(key.Value);
                }
            }

            return Task.FromResult(seen.Count == Customers * Each);
        });
        for (var customer = 0; customer < Customers; customer++)
            Assert.Equal(Enumerable.Range(0, Each).Select(number => $"c{customer}-{number:D4}"), seen.Where(key => key.StartsWith($"c{customer}-", StringComparison.Ordinal)));
    }

    [GeneratedRegex("c[0-9]-[0-9]{4}")]
    private static partial Regex EventKey();

    private static string Known(string status)
    {
        Assert.Contains(status, Statuses);
        return status;
    }

    /// <summary>Whether it is stored: as new, or as the duplicate of a try whose answer was lost.</summary>
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

    private async Task<Replica> StartAsync(params (string Name, string Value)[] environment)
    {
        var replica = polaris.App.StartReplica("ingestion", environment);
        using var http = new HttpClient { BaseAddress = replica.Url };
        await polaris.UntilAsync("the start of a replica", async () =>
        {
            Assert.False(replica.HasExited, "The replica ended.");
            try
            {
                return (await http.GetAsync("/health")).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return replica;
    }
}
