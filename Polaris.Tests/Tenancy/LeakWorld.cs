using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Polaris.ServiceDefaults.Access;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>
/// Two orgs with similar data on one platform: answers to <see cref="Mine"/> are searched for data of <see cref="Theirs"/>.
/// </summary>
internal sealed partial class LeakWorld : IDisposable
{
    private const int MaxConcurrency = 8;

    public required LeakPlatform Platform { get; init; }
    public required LeakOrg Mine { get; init; }
    public required LeakOrg Theirs { get; init; }
    public required LeakSchema Schema { get; init; }

    /// <summary>Each subgraph's own schema, for operations that go to the service itself: it does not know the others' fields.</summary>
    public required IReadOnlyDictionary<string, LeakSchema> Subgraphs { get; init; }
    public required LeakTokens Tokens { get; init; }

    public LeakProbe Probe { get; } = new();

    /// <summary>Unique to the other org: all texts of its people, its quantities, all ids it can see.</summary>
    public IReadOnlyList<string> Markers { get; private set; } = [];

    public static async Task<LeakWorld> CreateAsync(LeakPlatform platform)
    {
        var tokens = await LeakTokens.OfAsync(platform);
        var orgs = await Task.WhenAll(
            LeakOrg.SeedAsync(platform, tokens, "mine", 5_310_001),
            LeakOrg.SeedAsync(platform, tokens, "theirs", 7_420_003)
        );
        var world = new LeakWorld
        {
            Platform = platform,
            Mine = orgs[0],
            Theirs = orgs[1],
            Schema = await LeakSchema.ReadAsync(orgs[0].Tenant),
            Subgraphs = await SubgraphsAsync(platform, orgs[0].Tenant),
            Tokens = tokens,
        };
        var (theirs, mine) = (await world.SeenByOwnerAsync(world.Theirs), await world.SeenByOwnerAsync(world.Mine));
        string[] written =
        [
            world.Theirs.Marker,
            world.Theirs.OtherCustomerMarker,
            $"{world.Theirs.Quantity}",
            $"{world.Theirs.OtherCustomerQuantity}",
            world.Theirs.Alike.SpareSecret,
            world.Theirs.Private.SpareSecret,
        ];
        Assert.All(written[..4], text => Assert.Contains(text, theirs, StringComparison.Ordinal));
        world.Markers = [.. written, .. Ids(theirs).Except(Ids(mine)).Append(world.Theirs.Tenant.OrgId.ToString()).Distinct()];
        Assert.True(world.Markers.Count > 20, $"Only {world.Markers.Count} markers: the seeded data are not shown to their owner.");
        return world;
    }

    /// <summary>The token of an org's own caller for an entry point.</summary>
    public string TokenFor(string allows, Known known) => Tokens.Of(allows == Surface.Anyone ? "read" : allows, known, known.Customer);

    /// <summary>Markers in an answer, except those in the request.</summary>
    public IEnumerable<string> LeaksIn(Answer answer, string asked) =>
        Markers.Where(marker => !asked.Contains(marker, StringComparison.Ordinal) && Holds(answer, marker));

    /// <summary>Runs calls concurrently and collects their findings.</summary>
    public static async Task<IReadOnlyList<string>> EachAsync<T>(IEnumerable<T> items, Func<T, Task<IEnumerable<string>>> check)
    {
        var wrong = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrency },
            async (item, _) =>
            {
                foreach (var one in await check(item))
                    wrong.Add(one);
            }
        );
        return [.. wrong.Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// What a call as my org with their keys and ids reveals, and whether its answer differs from that for keys and ids that do not exist.
    /// </summary>
    public async Task<IEnumerable<string>> CompareAsync(
        string what,
        Known theirs,
        Known missing,
        Func<Known, string> request,
        Func<string, Task<Answer>> call,
        bool isPlace = false
    )
    {
        var (asked, other) = (request(theirs), request(missing));
        var answer = await call(asked);
        var wrong = LeaksIn(answer, asked).Select(marker => $"{what} shows {marker}: {Short(answer.Text)}").ToList();
        if (answer.IsFault)
            wrong.Add($"{what}: {answer.Status} {answer.Refusal}: {Short(answer.Text)}");
        if (asked == other || isPlace)
            return wrong;
        var (mine, nobodys) = (LeakProbe.Normal(answer, theirs, missing), LeakProbe.Normal(await call(other), missing, theirs));
        if (mine != nobodys)
            wrong.Add($"{what} answers of theirs: {Short(mine)}\n  and of what does not exist: {Short(nobodys)}");
        return wrong;
    }

    /// <summary>
    /// What I may name: their own keys, and keys that both orgs use, each with their ids; and the same with ids that do not exist.
    /// </summary>
    public IEnumerable<(Known Theirs, Known Missing)> Pairs()
    {
        var nobodys = Known.Missing();
        yield return (Theirs.Private, nobodys);
        yield return (
            Theirs.Alike,
            nobodys with
            {
                Meter = Theirs.Alike.Meter,
                Customer = Theirs.Alike.Customer,
                Plan = Theirs.Alike.Plan,
                Event = Theirs.Alike.Event,
            }
        );
    }

    public void Dispose()
    {
        Probe.Dispose();
        Tokens.Dispose();
        Mine.Tenant.Dispose();
        Theirs.Tenant.Dispose();
    }

    public static string Short(string text) => text.Length <= 300 ? text : text[..300] + "…";

    /// <summary>Whether an answer contains a text or an id, as text or as 16 bytes.</summary>
    public static bool Holds(Answer answer, string marker) =>
        answer.Text.Contains(marker, StringComparison.OrdinalIgnoreCase)
        || answer.Bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(marker)) >= 0
        || (
            Guid.TryParse(marker, out var id)
            && (
                answer.Bytes.AsSpan().IndexOf(id.ToByteArray(bigEndian: true)) >= 0
                || answer.Text.Contains(id.ToString("N"), StringComparison.OrdinalIgnoreCase)
            )
        );

    private static async Task<Dictionary<string, LeakSchema>> SubgraphsAsync(LeakPlatform platform, Tenant anyone)
    {
        var schemas = new Dictionary<string, LeakSchema>();
        foreach (var service in LeakPlatform.Services)
        {
            using var direct = new Tenant(platform.Http(service), anyone.OrgId.ToString(), anyone.ApiKey);
            schemas.Add(service, await LeakSchema.ReadAsync(direct));
        }

        return schemas;
    }

    private async Task<string> SeenByOwnerAsync(LeakOrg org)
    {
        var seen = new StringBuilder();
        foreach (var one in LeakCases.Queries.Where(one => one.Shows))
        {
            foreach (var known in new[] { org.Alike, org.Private })
            {
                var answer = await Probe.GraphQLAsync(Platform.Gateway, org.Tenant.ApiKey, Schema.Operation(one, known));
                Assert.True(answer.Refusal.Length == 0 && answer.Status == 200, $"{one.Field} refuses its owner: {answer.Text}");
                seen.Append(answer.Text);
            }
        }

        return seen.ToString();
    }

    private static HashSet<string> Ids(string text) => [.. Id().Matches(text).Select(match => match.Value)];

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Id();
}
