using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>Several Ingestion processes on one database and one Kafka.</summary>
[Trait(Categories.Name, Categories.Chaos)]
public sealed class ReplicaTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private static readonly string[] Statuses = ["accepted", "duplicate", "conflict"];
    private static readonly string Started = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private sealed record Sent(string Key, int Amount, string Status);

    [Fact]
    public async Task Of_200_seeds_the_same_keys_at_once_at_two_replicas_have_one_accepted_each_and_one_counted()
    {
        const int Seeds = 200;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await using var replica = await polaris.StartReplicaAsync("ingestion");
        using var original = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        var (first, keys, amounts) = (RandomNumberGenerator.GetInt32(1_000_000), 0, 0);
        output.WriteLine($"seeds {first} to {first + Seeds - 1}");
        for (var seed = first; seed < first + Seeds; seed++)
        {
            var random = new Random(seed);
            var bodies = Enumerable.Range(0, random.Next(2, 7)).Select(_ => Batch(seed, random)).ToArray();
            var answers = await Task.WhenAll(bodies.Select((body, i) => SendAsync(i % 2 == 0 ? original : other, body)));
            foreach (var ofKey in answers.SelectMany(answer => answer).GroupBy(sent => sent.Key))
            {
                var winner = ofKey.Where(sent => sent.Status == "accepted").ToArray();
                Assert.True(winner.Length == 1, $"seed {seed}, {ofKey.Key}: {string.Join(", ", ofKey)}");
                Assert.All(
                    ofKey.Where(sent => sent.Status != "accepted"),
                    sent =>
                        Assert.True(
                            sent.Status == (sent.Amount == winner[0].Amount ? "duplicate" : "conflict"),
                            $"seed {seed}: {sent} beside {winner[0]}"
                        )
                );
                (keys, amounts) = (keys + 1, amounts + winner[0].Amount);
            }
        }

        await polaris.UntilAsync("counting every key", async () => await tenant.UsageAsync("calls") >= keys);
        Assert.Equal((keys, amounts), (await tenant.UsageAsync("calls"), await tenant.UsageAsync("amount")));
    }

    /// <summary>1 to 12 events over at most 4 keys, so that most keys are repeated; one in five has different content.</summary>
    private static (string Key, int Amount)[] Batch(int seed, Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 13)).Select(_ => ($"{seed}-{random.Next(4)}", random.Next(5) == 0 ? random.Next(2, 4) : 1))];

    private static async Task<IEnumerable<Sent>> SendAsync(Tenant tenant, (string Key, int Amount)[] body)
    {
        var events = body.Select(line => new
        {
            idempotency_key = line.Key,
            type = "call",
            customer = line.Key,
            timestamp = Started,
            properties = new { amount = line.Amount },
        });
        var (status, answer) = await tenant.IngestAsync(events.ToArray(), "?receipts=all");
        Assert.True(status == 202 || body.Length == 1 && status == 409, $"{status}: {answer}");
        var results = answer.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(body.Length, results.Length);
        return results.Select(result => new Sent(
            result.GetProperty("idempotency_key").GetString()!,
            body[result.GetProperty("index").GetInt32()].Amount,
            Known(result.GetProperty("status").GetString()!)
        ));
    }

    [Fact]
    public async Task Of_many_corrections_of_the_same_events_at_two_replicas_one_of_each_is_accepted_and_it_is_the_one_that_counts()
    {
        const int Targets = 25;
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        await using var replica = await polaris.StartReplicaAsync("ingestion");
        using var original = new Tenant(polaris.App.GetEndpoint("ingestion"), tenant.OrgId.ToString(), tenant.ApiKey);
        using var other = new Tenant(replica.Url, tenant.OrgId.ToString(), tenant.ApiKey);
        var (seed, calls, amount) = (RandomNumberGenerator.GetInt32(1_000_000), 0, 0);
        output.WriteLine($"seeds {seed} to {seed + 7}");
        for (var round = seed; round < seed + 8; round++)
        {
            var random = new Random(round);
            Assert.Equal(
                202,
                (
                    await original.IngestAsync(
                        Enumerable
                            .Range(0, Targets)
                            .Select(i => new
                            {
                                idempotency_key = $"{round}-{i}",
                                type = "call",
                                customer = $"c{i % 3}",
                                properties = new { amount = 1000 },
                            })
                    )
                ).Status
            );
            // Every request corrects each event, in random order, with a void or a replacement.
            var requests = Enumerable
                .Range(0, 8)
                .Select(request =>
                    Enumerable
                        .Range(0, Targets)
                        .OrderBy(_ => random.Next())
                        .Select(target => (Key: $"{round}-{request}-of-{target}", Target: $"{round}-{target}", Amount: random.Next(0, 4)))
                        .ToArray()
                )
                .ToArray();
            var answers = await Task.WhenAll(
                requests.Select(
                    (request, i) => (i % 2 == 0 ? original : other).IngestAsync(request.Select(Correction).ToArray(), "?receipts=all")
                )
            );
            Assert.All(answers, answer => Assert.Equal(202, answer.Status));
            var tried = answers
                .SelectMany(
                    (answer, i) =>
                        answer
                            .Body.GetProperty("results")
                            .EnumerateArray()
                            .Select(result => (Sent: requests[i][result.GetProperty("index").GetInt32()], Result: result))
                )
                .ToArray();
            foreach (var ofTarget in tried.GroupBy(attempt => attempt.Sent.Target))
            {
                var winner = Assert.Single(ofTarget, attempt => attempt.Result.GetProperty("status").GetString() == "accepted").Sent;
                Assert.Equal(
                    7,
                    ofTarget.Count(attempt =>
                        attempt.Result.TryGetProperty("code", out var code) && code.GetString() == "already_corrected"
                    )
                );
                Assert.Equal(winner.Key, (await tenant.EventAsync(winner.Target)).GetProperty("corrected_by").GetString());
                (calls, amount) = (calls + (winner.Amount > 0 ? 1 : 0), amount + winner.Amount);
            }
        }

        await polaris.UntilAsync(
            "counting the corrected events",
            async () => await tenant.UsageAsync("calls") == calls && await tenant.UsageAsync("amount") == amount
        );

        // An amount of 0 represents a void.
        static object Correction((string Key, string Target, int Amount) correction) =>
            correction.Amount == 0
                ? new { idempotency_key = correction.Key, voids = correction.Target }
                : new
                {
                    idempotency_key = correction.Key,
                    replaces = correction.Target,
                    properties = new { amount = correction.Amount },
                };
    }

    private static string Known(string status)
    {
        Assert.Contains(status, Statuses);
        return status;
    }
}
