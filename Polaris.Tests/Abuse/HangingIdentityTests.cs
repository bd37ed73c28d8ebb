using System.Diagnostics;
using Polaris.Tests.Identity;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>Identity accepts connections and says nothing. It is the shared one, so this test runs alone.</summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(PromiseTests))]
public sealed class HangingIdentityTests(PolarisApp polaris) : PlatformTests
{
    private const int Stop = 19;
    private const int Continue = 18;

    /// <summary>What a caller who had to wait for Identity would not come below.</summary>
    private static readonly TimeSpan Waited = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task While_Identity_hangs_known_keys_and_tokens_are_served_at_once()
    {
        await polaris.UntilHealthyAsync();
        var account = await Account.SignUpAsync(polaris);
        using var one = account.WithKey();
        using var other = await polaris.SignUpAsync();
        using var person = await account.SignInAsync();
        foreach (var known in new[] { one, other, person })
            Assert.Equal(200, (await known.SendQueryAsync("{ meters { key } }")).Status());
        foreach (var known in new[] { one, other })
            Assert.Equal(202, (await known.IngestAsync(new { idempotency_key = "before", type = "call" })).Status);

        polaris.App.Signal("identity", Stop);
        try
        {
            var slow = new List<TimeSpan>();
            // Longer than a verdict is fresh, and than a call to Identity may take.
            for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(6); )
            {
                var since = Stopwatch.GetTimestamp();
                var key = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
                var stored = await Task.WhenAll(
                    one.IngestAsync(new { idempotency_key = key, type = "call" }),
                    other.IngestAsync(new { idempotency_key = key, type = "call" })
                );
                Assert.All(stored, answer => Assert.Equal(202, answer.Status));
                foreach (var known in new[] { one, person })
                {
                    var answer = await known.SendQueryAsync("{ meters { key } }");
                    Assert.True(answer.Status() == 200, answer.ToString());
                }
                slow.Add(Stopwatch.GetElapsedTime(since));
            }

            Assert.All(slow, took => Assert.True(took < Waited, $"A round took {took.TotalSeconds:0.0} s."));
            // At most the first calls at each service waited, and none after them.
            Assert.True(slow.Count > 20, $"Only {slow.Count} rounds in six seconds: each waits for Identity.");
        }
        finally
        {
            polaris.App.Signal("identity", Continue);
        }

        await polaris.UntilHealthyAsync();
        var id = await OidcTests.KeyIdAsync(one, one.ApiKey);
        await one.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        await polaris.UntilAsync(
            "refusal of a revoked key after Identity went on",
            async () => (await one.IngestAsync(new { idempotency_key = "late", type = "call" })).Status == 401
        );
    }
}
