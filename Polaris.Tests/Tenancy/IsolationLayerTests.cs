using System.Security.Cryptography;
using Npgsql;
using Polaris.ServiceDefaults.Access;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>
/// Two layers isolate orgs: the application's query filters and the database's row-level security. Each is removed in turn, on a platform
/// of its own, and the other must hold alone. With both removed the same calls do leak, which proves that the attack works.
/// </summary>
[Collection(nameof(OwnPlatform))]
public sealed class IsolationLayerTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private const string WithSecurity = """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
        """;

    /// <summary>
    /// Calls that are isolated by something else too: orgs by Identity's answer, meters by their ids, plans by the other service's answer,
    /// a partition by the org's hash, what is read for several orgs at once by the org of each row, statements by a join on org_id or by an
    /// EF condition that the switch does not remove.
    /// </summary>
    private static readonly string[] Kept =
    [
        "Query.organization",
        "Query.organizations",
        "Query.recentEvents",
        "Query.usage",
        "Live.usageChanged",
        "Query.usageTimeline",
        "Query.usageReport",
        "Query.uncountedEvents",
        "Query.whatIf",
        "Query.invoiceLineEvents",
        "Query.auditLog",
        "polaris.ingestion.v1.Ingestion/StreamEvents",
        "polaris.ingestion.v1.Ingestion/GetBatches",
        "polaris.billing.v1.Billing/LocateEvents",
    ];

    [Fact]
    public async Task Filters_alone_and_row_level_security_alone_each_keep_orgs_apart_and_without_both_they_leak()
    {
        var began = TimeProvider.System.GetTimestamp();
        var surfaces = await AccessTableTests.ReadAsync(polaris);
        var state = Path.Combine(Path.GetTempPath(), $"polaris-isolation-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        await using var app = await PolarisApp.StartAsync(state, ["--no-demo"]);
        try
        {
            var platform = new LeakPlatform(app, state);
            using var world = await LeakWorld.CreateAsync(platform);
            Say("seeded");
            await using var replaced = await platform.ReplaceServicesAsync("POLARIS_TEST_TENANCY", "no-filters");
            Say("services without filters started");
            var bySecurity = await AttackAsync(world, surfaces);
            Say($"row-level security alone: {bySecurity.Count} leaks");
            foreach (var database in Catalog.Databases)
                await SecurityAsync(platform, database, "DISABLE");
            var open = await AttackAsync(world, surfaces);
            Say($"neither: {open.Count} leaks");
            await replaced.DisposeAsync();
            var byFilters = await AttackAsync(world, surfaces);
            Say($"filters alone: {byFilters.Count} leaks");

            string[] leaks =
            [
                .. bySecurity.Select(leak => "Row-level security alone: " + leak),
                .. byFilters.Select(leak => "Filters alone: " + leak),
            ];
            Assert.True(leaks.Length == 0, string.Join('\n', leaks));
            string[] telling =
            [
                .. LeakCases.Queries.Where(leakCase => leakCase.Shows).Select(leakCase => leakCase.Field).Distinct(),
                .. LeakWireCases.Grpc.Where(leakCase => leakCase.Shows && leakCase.AllOrgs is null).Select(leakCase => leakCase.Method),
            ];
            Assert.Equal(
                [],
                telling
                    .Except(Kept)
                    .Where(what =>
                        !open.Any(leak =>
                            leak.StartsWith(what + " ", StringComparison.Ordinal) || leak.StartsWith(what + ":", StringComparison.Ordinal)
                        )
                    )
            );
            Assert.True(open.Count(leak => leak.Contains(" shows ", StringComparison.Ordinal)) > 20, string.Join('\n', open));
        }
        finally
        {
            await app.DisposeAsync();
            Directory.Delete(state, recursive: true);
        }

        void Say(string what) => output.WriteLine($"{TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s: {what}");
    }

    /// <summary>Makes every call as the wrong org, directly at the services.</summary>
    private static async Task<IReadOnlyList<string>> AttackAsync(LeakWorld world, IReadOnlyList<Surface> surfaces)
    {
        var serviceOf = surfaces
            .Where(surface => surface.Kind != Surface.Http)
            .ToDictionary(surface => surface.Name, surface => surface.Service);
        var mine = world.Tokens.Of("read billing admin", world.Mine.Alike);
        var customer = world.TokenFor("customer", world.Mine.Alike);
        var service = world.Tokens.Of(LeakTokens.Service, null);
        var found = new List<string>();
        found.AddRange(
            await LeakWorld.EachAsync(
                LeakCases.Queries.SelectMany(leakCase => world.Pairs().Select(pair => (leakCase, pair))),
                item =>
                    world.CompareAsync(
                        item.leakCase.Field,
                        item.pair.Theirs,
                        item.pair.Missing,
                        known => world.Subgraphs[serviceOf[item.leakCase.Field]].Operation(item.leakCase, known),
                        operation =>
                            world.Probe.GraphQLAsync(
                                world.Platform.Http(serviceOf[item.leakCase.Field]),
                                item.leakCase.Field == "Query.portal" ? customer : mine,
                                operation
                            ),
                        item.leakCase.IsPlace
                    )
            )
        );
        found.AddRange(
            await LeakWorld.EachAsync(
                LeakWireCases.Grpc,
                leakCase => LeakTests.GrpcLeaksAsync(world, serviceOf[leakCase.Method], leakCase, service)
            )
        );
        return found;
    }

    private static async Task SecurityAsync(LeakPlatform platform, string database, string what)
    {
        await using var connection = await platform.OpenDatabaseAsync(database);
        foreach (var table in await Catalog.OffendersAsync(connection, WithSecurity))
        {
            await using var command = new NpgsqlCommand($"ALTER TABLE \"{table}\" {what} ROW LEVEL SECURITY", connection);
            await command.ExecuteNonQueryAsync();
        }
    }
}
