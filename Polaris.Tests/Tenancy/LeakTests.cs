using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>The two orgs that the leak tests share.</summary>
public sealed class LeakFixture(PolarisApp polaris) : IAsyncLifetime
{
    internal LeakWorld World { get; private set; } = null!;

    internal IReadOnlyList<Surface> Surfaces { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        Surfaces = await AccessTableTests.ReadAsync(polaris);
        World = await LeakWorld.CreateAsync(new LeakPlatform(polaris.App, polaris.State));
    }

    public ValueTask DisposeAsync()
    {
        World?.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// An attack on every surface that the platform says it has: GraphQL by introspection, gRPC by its descriptors, HTTP by the routes of the
/// running services. Not one byte of another org, the same answer as for what does not exist, no fault; and nobody without the right token.
/// </summary>
public sealed class LeakTests(LeakFixture fixture) : IClassFixture<LeakFixture>
{
    private static readonly string[] AllScopes = ["ingest", "read", "billing", "admin", "customer", "platform", LeakTokens.Service];

    private LeakWorld World => fixture.World;

    private IEnumerable<Surface> Of(string kind) => fixture.Surfaces.Where(surface => surface.Kind == kind);

    [Fact]
    public void Every_surface_has_a_case_and_every_case_a_surface()
    {
        var callable = World.Schema.Callable().ToArray();
        var roots = callable.Where(field => field.Name.StartsWith("Query.", StringComparison.Ordinal) || field.Name.StartsWith("Mutation.", StringComparison.Ordinal)).Select(field => field.Name);
        Assert.Equal(Of(Surface.GraphQL).Select(surface => surface.Name).Order(StringComparer.Ordinal), roots.Order(StringComparer.Ordinal));
        Assert.Equal(LeakProbe.GrpcMethods.Order(StringComparer.Ordinal), Of(Surface.Grpc).Select(surface => surface.Name).Order(StringComparer.Ordinal));

        string[] cases = [.. LeakCases.All.Select(one => one.Field), .. LeakWireCases.Grpc.Select(one => one.Method), .. LeakWireCases.Http.Select(one => one.Route)];
        string[] surfaces = [.. callable.Select(field => field.Name), .. Of(Surface.Grpc).Select(one => one.Name), .. Of(Surface.Http).Select(one => one.Name)];
        None(surfaces.Except(cases), "have no case: add a way to call them to LeakCases (GraphQL) or LeakWireCases (gRPC, HTTP)");
        None(cases.Except(surfaces), "are cases of what does not exist: take them out");
        None(
            callable.SelectMany(field => field.Arguments.Where(argument => !LeakCases.All.Any(one => one.Field == field.Name && one.Arguments(World.Theirs.Alike).Contains($"{argument}:", StringComparison.Ordinal)))
                .Select(argument => $"{field.Name}({argument})")),
            "are arguments that no case gives: add them to a case of LeakCases");

        // What lets in more than an org's own people stands here, too: it is not widened in one place alone.
        Assert.Equal(["Mutation.acceptInvitation", "Mutation.signUp"], Of(Surface.GraphQL).Where(surface => surface.Admits == Surface.Anyone).Select(surface => surface.Name));
        Assert.Equal(["Query.portal"], Of(Surface.GraphQL).Where(surface => surface.Admits == "customer").Select(surface => surface.Name));
        Assert.All(Of(Surface.Grpc), surface => Assert.Equal(LeakTokens.Service, surface.Admits));
    }

    [Fact]
    public async Task Another_org_sees_and_changes_nothing_by_GraphQL()
    {
        var before = await OwnersViewAsync();
        var mine = World.Tokens.Of("read admin billing", World.Mine.Alike);
        var customer = World.TokenFor("customer", World.Mine.Alike);
        Task<Answer> Ask(FieldCase one, string operation) => World.Probe.GraphQLAsync(World.Platform.Gateway, one.Field == "Query.portal" ? customer : mine, operation);

        var wrong = await LeakWorld.EachAsync(
            LeakCases.Queries.SelectMany(one => World.Pairs().Select(pair => (one, pair))),
            item => World.CompareAsync(item.one.Field, item.pair.Theirs, item.pair.Missing, known => World.Schema.Operation(item.one, known), operation => Ask(item.one, operation), item.one.IsPlace));
        None(wrong, "give another org away");
        foreach (var one in LeakCases.Mutations)
        {
            foreach (var (theirs, missing) in World.Pairs())
                None(await World.CompareAsync(one.Field, theirs, missing, known => World.Schema.Operation(one, known), operation => Ask(one, operation)), "give another org away");
        }

        Assert.Equal(before, await OwnersViewAsync());
        // The same calls work for their owner: they were refused to the other for whose it is, not for how they were made.
        foreach (var one in LeakCases.Mutations)
        {
            var answer = await World.Probe.GraphQLAsync(World.Platform.Gateway, World.Tokens.Of("read admin", World.Theirs.Private), World.Schema.Operation(one, World.Theirs.Private));
            Assert.True(answer.Refusal == one.RefusesOwner, $"{one.Field} to its owner: {answer.Status} '{answer.Refusal}': {answer.Text}");
        }
    }

    [Fact]
    public async Task No_GraphQL_field_answers_a_caller_without_the_right_token()
    {
        var callers = await CallersAsync();
        var calls = from surface in Of(Surface.GraphQL)
                    where surface.Admits != Surface.Anyone && LeakCases.All.Any(one => one.Field == surface.Name)
                    from caller in callers(surface.Admits, World.Theirs.Alike).Concat(OfOtherRoles(surface))
                    from target in (Uri[])[World.Platform.Gateway, World.Platform.Http(surface.Service)]
                    select (surface, caller, target);
        None(await LeakWorld.EachAsync(calls, async call =>
        {
            var operation = World.Schema.Operation(LeakCases.All.First(one => one.Field == call.surface.Name), World.Theirs.Alike);
            return Refused($"{call.surface.Name} at {call.target.Port}", call.caller, await World.Probe.GraphQLAsync(call.target, call.caller.Token, operation), operation);
        }), "answer a caller whom they must not");
    }

    [Fact]
    public async Task Grpc_answers_services_only_and_of_the_org_they_name()
    {
        var callers = await CallersAsync();
        var service = World.Tokens.Of(LeakTokens.Service, null);
        None(await LeakWorld.EachAsync(LeakWireCases.Grpc, async one =>
        {
            var surface = Of(Surface.Grpc).Single(surface => surface.Name == one.Method);
            var wrong = new List<string>();
            foreach (var caller in callers(surface.Admits, World.Theirs.Alike))
            {
                var request = one.Request(World.Theirs.Alike);
                wrong.AddRange(Refused(one.Method, caller, await World.Probe.GrpcAsync(World.Platform.Grpc(surface.Service), caller.Token, one.Method, request), request));
            }

            wrong.AddRange(await GrpcLeaksAsync(World, surface.Service, one, service));
            return wrong;
        }), "answer whom or what they must not");
    }

    [Fact]
    public async Task No_HTTP_route_shows_another_org_or_admits_a_caller_without_the_right_token()
    {
        var callers = await CallersAsync();
        None(await LeakWorld.EachAsync(Of(Surface.Http), async surface =>
        {
            var one = LeakWireCases.Http.Single(one => one.Route == surface.Name);
            var (at, wrong) = (surface.Service == "gateway" ? World.Platform.Gateway : World.Platform.Http(surface.Service), new List<string>());
            var what = $"{surface.Service} {surface.Name}";
            foreach (var caller in callers(surface.Admits, World.Theirs.Alike))
            {
                var answer = await World.Probe.HttpAsync(at, caller.Token, one.Request(World.Theirs.Alike));
                if (surface.Admits != Surface.Anyone) wrong.AddRange(Refused(what, caller, answer, ""));
                else if (answer.IsFault) wrong.Add($"{what} to {caller.Name}: {answer.Status} {LeakWorld.Short(answer.Text)}");
                // A public route tells nobody's secrets; one that passes on tells them to their own org alone.
                if (!one.Shows || caller.Bad) wrong.AddRange(World.LeaksIn(answer, Text(one, World.Theirs.Alike)).Select(marker => $"{what} shows {marker} to {caller.Name}"));
            }

            var mine = surface.Admits == Surface.Anyone ? World.Mine.Tenant.ApiKey : World.Tokens.Of(surface.Admits, World.Mine.Alike);
            foreach (var (theirs, missing) in World.Pairs())
                wrong.AddRange(await World.CompareAsync(what, theirs, missing, known => Text(one, known), async asked => await World.Probe.HttpAsync(at, mine, one.Request(asked == Text(one, theirs) ? theirs : missing))));
            if (one.Shows && !LeakWorld.Holds(await World.Probe.HttpAsync(at, World.Theirs.Tenant.ApiKey, one.Request(World.Theirs.Alike)), World.Theirs.Marker)) wrong.Add($"{what} shows its owner nothing");
            return wrong;
        }), "answer whom or what they must not");
    }

    [Fact]
    public async Task A_customers_token_shows_that_customer_alone()
    {
        foreach (var known in new[] { World.Theirs.Alike, World.Theirs.Private })
            await World.Theirs.Tenant.QueryAsync($"mutation {{ finalizeInvoice(id: \"{known.Invoice}\") {{ id }} }}");
        string[] own = [World.Theirs.Marker, $"{World.Theirs.Quantity}", World.Theirs.Alike.Invoice, World.Theirs.Alike.Subscription];
        string[] other = [World.Theirs.OtherCustomerMarker, $"{World.Theirs.OtherCustomerQuantity}", World.Theirs.Private.Invoice, World.Theirs.Private.Subscription, World.Theirs.Private.Customer];
        var combinations = LeakCases.Nested.GroupBy(one => one.Field).Select(group => group.ToArray()).ToArray();
        for (var i = 0; i < combinations.Max(cases => cases.Length); i++)
        {
            var nested = combinations.Select(cases => cases[Math.Min(i, cases.Length - 1)]).ToDictionary(one => one.Field);
            // Also where it names what belongs to the other customer.
            foreach (var named in new[] { World.Theirs.Alike, World.Theirs.Private with { Meter = World.Theirs.Alike.Meter } })
            {
                var operation = World.Schema.Operation(LeakCases.Queries.Single(one => one.Field == "Query.portal"), named, nested);
                var answer = await World.Probe.GraphQLAsync(World.Platform.Gateway, World.TokenFor("customer", World.Theirs.Alike), operation);
                Assert.True(answer is { Status: 200, Refusal: "" }, answer.Text);
                if (i == 0) Assert.All(own, text => Assert.True(LeakWorld.Holds(answer, text), $"{text} is not in {answer.Text}"));
                Assert.All(other, text => Assert.False(LeakWorld.Holds(answer, text) && !operation.Contains(text, StringComparison.Ordinal), $"{text} is in {answer.Text}"));
            }
        }

        // Its types lead nowhere: none has a field with arguments, none is one that the org's own fields lead to and another service might extend.
        var reachable = World.Schema.ReachableFrom("Portal").Where(type => type != "Portal").ToArray();
        Assert.Equal(["CurrentUsage", "ExplanationStep", "PortalCustomer", "PortalInvoice", "PortalInvoiceLine", "PortalInvoicePage", "PortalSubscription", "PortalSubscriptionPage", "Usage", "UsagePoint"], reachable.Order(StringComparer.Ordinal));
        Assert.All(reachable, type => Assert.All(World.Schema.FieldsOf(type), field => Assert.Empty(field.Arguments)));
    }

    /// <summary>What a service that names my org is told of theirs, and whether one that names theirs is told anything.</summary>
    internal static async Task<IEnumerable<string>> GrpcLeaksAsync(LeakWorld world, string service, GrpcCase one, string token)
    {
        if (one.AllOrgs is not null) return [];
        var (at, wrong) = (world.Platform.Grpc(service), new List<string>());
        foreach (var (theirs, missing) in world.Pairs())
        {
            wrong.AddRange(await world.CompareAsync(
                one.Method, theirs with { Org = world.Mine.Alike.Org }, missing with { Org = world.Mine.Alike.Org }, one.Request, asked => world.Probe.GrpcAsync(at, token, one.Method, asked)));
        }

        var owners = one.Request(world.Theirs.Alike);
        var shown = await world.Probe.GrpcAsync(at, token, one.Method, owners);
        if (shown.Refusal.Length > 0) wrong.Add($"{one.Method} refuses a service: {shown.Text}");
        else if (one.Shows && !world.LeaksIn(shown, owners).Any() && !LeakWorld.Holds(shown, world.Theirs.Marker)) wrong.Add($"{one.Method} shows nothing of the org that it is asked about: {LeakWorld.Short(shown.Text)}");
        return wrong;
    }

    private sealed record Caller(string Name, string? Token, bool Bad);

    /// <summary>For a scope: everybody who must not get in. Whoever is <c>Bad</c> is nobody at all; the others are of the org, with other scopes.</summary>
    private async Task<Func<string, Known, IEnumerable<Caller>>> CallersAsync()
    {
        using var key = await World.Theirs.Tenant.WithKeyAsync(["ingest", "read", "admin"]);
        var keys = (await World.Theirs.Tenant.QueryAsync("{ apiKeys { id prefix } }")).GetProperty("apiKeys").EnumerateArray();
        var id = keys.Single(one => key.ApiKey.StartsWith(one.GetProperty("prefix").GetString()!, StringComparison.Ordinal)).GetProperty("id").GetString();
        await World.Theirs.Tenant.QueryAsync($"mutation {{ revokeApiKey(id: \"{id}\") {{ id }} }}");
        using var ingest = await World.Theirs.Tenant.WithKeyAsync(["ingest"]);
        using var read = await World.Theirs.Tenant.WithKeyAsync(["read"]);
        var (ingestKey, readKey, revoked) = (ingest.ApiKey, read.ApiKey, key.ApiKey);
        return (admits, known) =>
        {
            var org = admits == LeakTokens.Service ? null : known;
            return
            [
                new Caller("nobody", null, Bad: true), new Caller("a revoked key", revoked, Bad: true),
                .. World.Tokens.Bad(admits == Surface.Anyone ? "read admin" : admits, org, known.Customer).Select(bad => new Caller($"a token {bad.Name}", bad.Token, Bad: true)),
                .. AllScopes.Where(scope => !Suffices(scope, admits)).Select(scope => new Caller($"scope {scope}", World.Tokens.Of(scope, known, known.Customer), Bad: false)),
                .. admits == "ingest" ? [] : new[] { new Caller("a key for ingest", ingestKey, Bad: false) },
                .. admits == "read" ? [] : new[] { new Caller("a key for reading", readKey, Bad: false) },
            ];
        };
    }

    /// <summary>People of the org with the scope and another role, and a key, which has none.</summary>
    private IEnumerable<Caller> OfOtherRoles(Surface surface) => surface.Roles is not { } roles ? [] :
    [
        .. Roles.All.Except(roles.Split(" or ")).Select(role => new Caller($"role {role}", World.Tokens.Of(surface.Admits, World.Theirs.Alike, role: role), Bad: false)),
        new Caller("a key with every scope", World.Theirs.Tenant.ApiKey, Bad: false),
    ];

    private static bool Suffices(string held, string needed) => held == needed || (held, needed) is ("admin", "billing" or "read") or ("billing", "read");

    private IEnumerable<string> Refused(string what, Caller caller, Answer answer, string asked)
    {
        if (answer.IsFault) yield return $"{what} to {caller.Name}: {answer.Status} {answer.Refusal}: {LeakWorld.Short(answer.Text)}";
        else if (answer.Refusal != (caller.Bad ? "UNAUTHENTICATED" : "FORBIDDEN")) yield return $"{what} lets in {caller.Name}: {answer.Status} '{answer.Refusal}' {LeakWorld.Short(answer.Text)}";
        foreach (var marker in World.LeaksIn(answer, asked)) yield return $"{what} shows {marker} to {caller.Name}";
    }

    private static string Text(HttpCase one, Known known)
    {
        using var request = one.Request(known);
        return request.RequestUri + " " + request.Content?.ReadAsStringAsync().GetAwaiter().GetResult();
    }

    /// <summary>All that their owner sees, less what changes without anybody's doing.</summary>
    private async Task<string> OwnersViewAsync()
    {
        var seen = new List<string>();
        foreach (var one in LeakCases.Queries.Where(one => one.Field is not "Query.audit" and not "Query.clock" and not "Query.portal" and not "Query.me" and not "Query.deliveries"))
        {
            foreach (var known in new[] { World.Theirs.Alike, World.Theirs.Private })
                seen.Add($"{one.Field} {LeakProbe.Still(await World.Probe.GraphQLAsync(World.Platform.Gateway, World.Theirs.Tenant.ApiKey, World.Schema.Operation(one, known)))}");
        }

        return string.Join('\n', seen);
    }

    private static void None(IEnumerable<string> found, string what)
    {
        var all = found.ToArray();
        Assert.True(all.Length == 0, $"{all.Length} {what}:\n{string.Join('\n', all.Take(40))}");
    }
}
