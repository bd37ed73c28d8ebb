using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>Many hostile requests at once, and another org beside them.</summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(Attack))]
public sealed class HostileRequestTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private const int Documents = 10_000;

    /// <summary>At once: not more than the gateway works on for one address, so that none of them waits for long.</summary>
    private const int Senders = 8;

    /// <summary>For the slowest, on a busy machine. The deadline of a request is 30 s.</summary>
    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Ten_thousand_hostile_requests_stop_no_process_and_no_neighbour()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        using var hostile = await polaris.SignUpAsync();
        using var reader = await hostile.WithKeyAsync(["read"]);
        await using var neighbour = await Neighbour.StartAsync(polaris);
        using var doors = new GraphQLDoors(polaris);

        var requests = new HostileRequests(seed);
        var bodies = Enumerable.Range(0, Documents).Select(_ => requests.Next()).ToArray();
        var statuses = new ConcurrentDictionary<int, int>();
        var slowest = TimeSpan.Zero;
        await Parallel.ForAsync(
            0,
            Documents,
            new ParallelOptions { MaxDegreeOfParallelism = Senders },
            async (i, _) =>
            {
                // Each to the gateway, and to one subgraph in turn.
                foreach (var door in (string[])["gateway", GraphQLDoors.Subgraphs[i % GraphQLDoors.Subgraphs.Length]])
                {
                    using var body = new ByteArrayContent(bodies[i])
                    {
                        Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
                    };
                    var answer = await doors.SendAsync(door, body, i % 2 == 0 ? reader.ApiKey : null);
                    statuses.AddOrUpdate(answer.Status, 1, (_, count) => count + 1);
                    Assert.True(answer.Status is 200 or 400, $"{door}, number {i} of seed {seed}: {answer}");
                    Assert.True(answer.Took < Slowest, $"{door}, number {i} of seed {seed}: {answer.Took}");
                    Assert.False(
                        answer.Body.ToString().Contains("Error trying to resolve", StringComparison.Ordinal),
                        $"{door}, number {i} of seed {seed}: {answer}"
                    );
                    if (answer.Took > slowest)
                        slowest = answer.Took;
                }
            }
        );

        output.WriteLine($"{string.Join(", ", statuses)}; slowest {slowest}");
        Assert.Empty(doors.Ended);
        Assert.True(statuses.GetValueOrDefault(200) > Documents / 100, "Hardly any document was good enough to be executed.");
        await neighbour.EndAsync(polaris, output);
    }
}
