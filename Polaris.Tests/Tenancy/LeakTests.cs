using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>The two orgs that the tenant isolation tests share.</summary>
public sealed class LeakFixture(PolarisApp polaris) : IAsyncLifetime
{
    internal LeakWorld World { get; private set; } = null!;

    internal IReadOnlyList<Surface> Surfaces { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        await polaris.StartedAsync();
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
/// Attacks every entry point that the platform declares: GraphQL by introspection, gRPC by descriptors, HTTP by the services' routes. No
/// byte of another org may leak, its ids are answered like missing ones, no input causes a server error, and only a valid token is
/// accepted.
/// </summary>
public sealed class LeakTests(LeakFixture fixture) : PlatformTests, IClassFixture<LeakFixture>
{
    private static readonly string[] AllScopes =
    [
        "ingest",
        "read",
        "billing",
        "admin",
        "customer",
        "platform",
        "platform.read",
        LeakTokens.Service,
    ];

    private LeakWorld World => fixture.World;

    private IEnumerable<Surface> Of(string kind) => fixture.Surfaces.Where(surface => surface.Kind == kind);

    [Fact]
    public void Every_surface_has_a_case_and_every_case_a_surface()
    {
        var callable = World.Schema.Callable().ToArray();
        var roots = callable.Where(field => field.Name.Split('.')[0] is "Query" or "Mutation" or "Live").Select(field => field.Name);
        Assert.Equal(
            Of(Surface.GraphQL).Select(surface => surface.Name).Order(StringComparer.Ordinal),
            roots.Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            LeakProbe.GrpcMethods.Order(StringComparer.Ordinal),
            Of(Surface.Grpc).Select(surface => surface.Name).Order(StringComparer.Ordinal)
        );

        string[] cases =
        [
            .. LeakCases.All.Select(leakCase => leakCase.Field),
            .. LeakWireCases.Grpc.Select(leakCase => leakCase.Method),
            .. LeakWireCases.Http.Select(leakCase => leakCase.Route),
        ];
        string[] surfaces =
        [
            .. callable.Select(field => field.Name),
            .. Of(Surface.Grpc).Select(surface => surface.Name),
            .. Of(Surface.Http).Select(surface => surface.Name),
        ];
        None(surfaces.Except(cases), "have no case: add a way to call them to LeakCases (GraphQL) or LeakWireCases (gRPC, HTTP)");
        None(cases.Except(surfaces), "are cases of what does not exist: take them out");
        None(
            callable.SelectMany(field =>
                field
                    .Arguments.Where(argument =>
                        !LeakCases.All.Any(leakCase =>
                            leakCase.Field == field.Name
                            && leakCase.Arguments(World.Theirs.Alike).Contains($"{argument}:", StringComparison.Ordinal)
                        )
                    )
                    .Select(argument => $"{field.Name}({argument})")
            ),
            "are arguments that no case gives: add them to a case of LeakCases"
        );

        // Entry points open to others than an org's members are also listed here, so that a change needs two places.
        Assert.Equal(
            [
                "Mutation.acceptInvitation",
                "Mutation.proveEmail",
                "Mutation.requestPasswordReset",
                "Mutation.resetPassword",
                "Mutation.signUp",
            ],
            Of(Surface.GraphQL).Where(surface => surface.Allows == Surface.Anyone).Select(surface => surface.Name)
        );
        Assert.Equal(["Query.portal"], Of(Surface.GraphQL).Where(surface => surface.Allows == "customer").Select(surface => surface.Name));
        Assert.All(Of(Surface.Grpc), surface => Assert.Equal(LeakTokens.Service, surface.Allows));
    }

    [Fact]
    public async Task Another_org_sees_and_changes_nothing_by_GraphQL()
    {
        var before = await OwnersViewAsync();
        var mine = World.Tokens.Of("read admin billing", World.Mine.Alike);
        var customer = World.TokenFor("customer", World.Mine.Alike);
        Task<Answer> Ask(FieldCase leakCase, string operation) =>
            World.Probe.GraphQLAsync(
                World.Platform.Gateway,
                leakCase.Field == "Query.portal" ? customer
                    : leakCase.Field == "Mutation.signOut" ? World.Tokens.OfNewSession("read", World.Mine.Alike)
                    : mine,
                operation
            );

        var wrong = await LeakWorld.EachAsync(
            LeakCases.Queries.SelectMany(leakCase => World.Pairs().Select(pair => (leakCase, pair))),
            item =>
                World.CompareAsync(
                    item.leakCase.Field,
                    item.pair.Theirs,
                    item.pair.Missing,
                    known => World.Schema.Operation(item.leakCase, known),
                    operation => Ask(item.leakCase, operation),
                    item.leakCase.IsPlace
                )
        );
        None(wrong, "give another org away");
        foreach (var leakCase in LeakCases.Mutations)
        {
            foreach (var (theirs, missing) in World.Pairs())
                None(
                    await World.CompareAsync(
                        leakCase.Field,
                        theirs,
                        missing,
                        known => World.Schema.Operation(leakCase, known),
                        operation => Ask(leakCase, operation)
                    ),
                    "give another org away"
                );
        }

        Assert.Equal(before, await OwnersViewAsync());
        // The same calls succeed for their owner: they were rejected because of the org, not because of their form.
        foreach (var leakCase in LeakCases.Mutations)
        {
            var answer = await World.Probe.GraphQLAsync(
                World.Platform.Gateway,
                leakCase.Field == "Mutation.signOut"
                    ? World.Tokens.OfNewSession("read", World.Theirs.Private)
                    : World.Tokens.Of("read admin", World.Theirs.Private),
                World.Schema.Operation(leakCase, World.Theirs.Private)
            );
            Assert.True(
                answer.Refusal == leakCase.RefusesOwner,
                $"{leakCase.Field} to its owner: {answer.Status} '{answer.Refusal}': {answer.Text}"
            );
        }

        await AuditedMutations.CheckAsync(World.Theirs.Tenant, Of(Surface.GraphQL));
    }

    [Fact]
    public async Task No_GraphQL_field_answers_a_caller_without_the_right_token()
    {
        var callers = await CallersAsync();
        var calls =
            from surface in Of(Surface.GraphQL)
            where surface.Allows != Surface.Anyone && LeakCases.All.Any(leakCase => leakCase.Field == surface.Name)
            from caller in callers(surface.Allows, World.Theirs.Alike).Concat(OfOtherRoles(surface))
            from target in (Uri[])[World.Platform.Gateway, World.Platform.Http(surface.Service)]
            select (surface, caller, target);
        None(
            await LeakWorld.EachAsync(
                calls,
                async call =>
                {
                    var schema = call.target == World.Platform.Gateway ? World.Schema : World.Subgraphs[call.surface.Service];
                    var operation = schema.Operation(
                        LeakCases.All.First(leakCase => leakCase.Field == call.surface.Name),
                        World.Theirs.Alike
                    );
                    return Refused(
                        $"{call.surface.Name} at {call.target.Port}",
                        call.caller,
                        await World.Probe.GraphQLAsync(call.target, call.caller.Token, operation),
                        operation
                    );
                }
            ),
            "answer a caller whom they must not"
        );
    }

    [Fact]
    public async Task Grpc_answers_services_only_and_of_the_org_they_name()
    {
        var callers = await CallersAsync();
        var service = World.Tokens.Of(LeakTokens.Service, null);
        None(
            await LeakWorld.EachAsync(
                LeakWireCases.Grpc,
                async leakCase =>
                {
                    var surface = Of(Surface.Grpc).Single(surface => surface.Name == leakCase.Method);
                    var wrong = new List<string>();
                    foreach (var caller in callers(surface.Allows, World.Theirs.Alike))
                    {
                        var request = leakCase.Request(World.Theirs.Alike);
                        wrong.AddRange(
                            Refused(
                                leakCase.Method,
                                caller,
                                await World.Probe.GrpcAsync(World.Platform.Grpc(surface.Service), caller.Token, leakCase.Method, request),
                                request
                            )
                        );
                    }

                    wrong.AddRange(await GrpcLeaksAsync(World, surface.Service, leakCase, service));
                    return wrong;
                }
            ),
            "answer whom or what they must not"
        );
    }

    [Fact]
    public async Task No_HTTP_route_shows_another_org_or_admits_a_caller_without_the_right_token()
    {
        var callers = await CallersAsync();
        None(
            await LeakWorld.EachAsync(
                Of(Surface.Http),
                async surface =>
                {
                    var leakCase = LeakWireCases.Http.Single(leakCase => leakCase.Route == surface.Name);
                    var (at, wrong) = (
                        surface.Service == "gateway" ? World.Platform.Gateway : World.Platform.Http(surface.Service),
                        new List<string>()
                    );
                    var what = $"{surface.Service} {surface.Name}";
                    foreach (var caller in callers(surface.Allows, World.Theirs.Alike))
                    {
                        var answer = await World.Probe.HttpAsync(at, caller.Token, leakCase.Request(World.Theirs.Alike));
                        if (surface.Allows != Surface.Anyone)
                            wrong.AddRange(Refused(what, caller, answer, ""));
                        else if (answer.IsFault)
                            wrong.Add($"{what} to {caller.Name}: {answer.Status} {LeakWorld.Short(answer.Text)}");
                        // A public route reveals no secrets; a proxied one reveals them only to their own org.
                        if ((!leakCase.Shows && !(leakCase.ShowsCustomer && caller.Name == "scope customer")) || caller.Bad)
                            wrong.AddRange(
                                World
                                    .LeaksIn(answer, Text(leakCase, World.Theirs.Alike))
                                    .Select(marker => $"{what} shows {marker} to {caller.Name}")
                            );
                    }

                    var mine =
                        leakCase.ShowsCustomer ? World.TokenFor("customer", World.Mine.Alike)
                        : surface.Allows == Surface.Anyone ? World.Mine.Tenant.ApiKey
                        : World.Tokens.Of(surface.Allows, World.Mine.Alike);
                    foreach (var (theirs, missing) in World.Pairs())
                        wrong.AddRange(
                            await World.CompareAsync(
                                what,
                                theirs,
                                missing,
                                known => Text(leakCase, known),
                                async asked =>
                                    await World.Probe.HttpAsync(
                                        at,
                                        mine,
                                        leakCase.Request(asked == Text(leakCase, theirs) ? theirs : missing)
                                    )
                            )
                        );
                    if (
                        leakCase.Shows
                        && !LeakWorld.Holds(
                            await World.Probe.HttpAsync(at, World.Theirs.Tenant.ApiKey, leakCase.Request(World.Theirs.Alike)),
                            World.Theirs.Marker
                        )
                    )
                        wrong.Add($"{what} shows its owner nothing");
                    return wrong;
                }
            ),
            "answer whom or what they must not"
        );
    }

    [Fact]
    public async Task A_customers_token_shows_that_customer_alone()
    {
        foreach (var known in new[] { World.Theirs.Alike, World.Theirs.Private })
        {
            // Another test may have finalized, and even voided, it.
            var status = (await World.Theirs.Tenant.QueryAsync($"{{ invoice(id: \"{known.Invoice}\") {{ status }} }}"))
                .GetProperty("invoice")
                .GetProperty("status")
                .GetString();
            if (status == "DRAFT")
                await World.Theirs.Tenant.QueryAsync($"mutation {{ finalizeInvoice(id: \"{known.Invoice}\") {{ id }} }}");
        }

        string[] own = [World.Theirs.Marker, $"{World.Theirs.Quantity}", World.Theirs.Alike.Invoice, World.Theirs.Alike.Subscription];
        string[] other =
        [
            World.Theirs.OtherCustomerMarker,
            $"{World.Theirs.OtherCustomerQuantity}",
            World.Theirs.Private.Invoice,
            World.Theirs.Private.Subscription,
            World.Theirs.Private.Customer,
        ];
        var combinations = LeakCases.Nested.GroupBy(leakCase => leakCase.Field).Select(group => group.ToArray()).ToArray();
        for (var i = 0; i < combinations.Max(cases => cases.Length); i++)
        {
            var nested = combinations.Select(cases => cases[Math.Min(i, cases.Length - 1)]).ToDictionary(leakCase => leakCase.Field);
            // Also with names of the other customer's data.
            foreach (var named in new[] { World.Theirs.Alike, World.Theirs.Private with { Meter = World.Theirs.Alike.Meter } })
            {
                var operation = World.Schema.Operation(
                    LeakCases.Queries.Single(leakCase => leakCase.Field == "Query.portal"),
                    named,
                    nested
                );
                var answer = await World.Probe.GraphQLAsync(
                    World.Platform.Gateway,
                    World.TokenFor("customer", World.Theirs.Alike),
                    operation
                );
                Assert.True(answer is { Status: 200, Refusal: "" }, answer.Text);
                if (i == 0)
                    Assert.All(own, text => Assert.True(LeakWorld.Holds(answer, text), $"{text} is not in {answer.Text}"));
                Assert.All(
                    other,
                    text =>
                        Assert.False(
                            LeakWorld.Holds(answer, text) && !operation.Contains(text, StringComparison.Ordinal),
                            $"{text} is in {answer.Text}"
                        )
                );
            }
        }

        // Its types are isolated: none has a field with arguments, and none is reachable from the org's fields, where another service might
        // extend it.
        var reachable = World.Schema.ReachableFrom("Portal").Where(type => type != "Portal").ToArray();
        Assert.Equal(
            [
                "CurrentUsage",
                "ExplanationStep",
                "PortalCustomer",
                "PortalInvoice",
                "PortalInvoiceLine",
                "PortalInvoicePage",
                "PortalSubscription",
                "PortalSubscriptionPage",
                "Usage",
                "UsagePoint",
            ],
            reachable.Order(StringComparer.Ordinal)
        );
        Assert.All(reachable, type => Assert.All(World.Schema.FieldsOf(type), field => Assert.Empty(field.Arguments)));
    }

    /// <summary>
    /// What a service is told about another org when it names mine, and whether it is told anything when it names theirs.
    /// </summary>
    internal static async Task<IEnumerable<string>> GrpcLeaksAsync(LeakWorld world, string service, GrpcCase leakCase, string token)
    {
        if (leakCase.AllOrgs is not null)
            return [];
        var (at, wrong) = (world.Platform.Grpc(service), new List<string>());
        foreach (var (theirs, missing) in world.Pairs())
        {
            wrong.AddRange(
                await world.CompareAsync(
                    leakCase.Method,
                    theirs with
                    {
                        Org = world.Mine.Alike.Org,
                    },
                    missing with
                    {
                        Org = world.Mine.Alike.Org,
                    },
                    leakCase.Request,
                    asked => world.Probe.GrpcAsync(at, token, leakCase.Method, asked)
                )
            );
        }

        var owners = leakCase.Request(world.Theirs.Alike);
        var shown = await world.Probe.GrpcAsync(at, token, leakCase.Method, owners);
        if (shown.Refusal.Length > 0)
            wrong.Add($"{leakCase.Method} refuses a service: {shown.Text}");
        else if (leakCase.Shows && !world.LeaksIn(shown, owners).Any() && !LeakWorld.Holds(shown, world.Theirs.Marker))
            wrong.Add($"{leakCase.Method} shows nothing of the org that it is asked about: {LeakWorld.Short(shown.Text)}");
        return wrong;
    }

    private sealed record Caller(string Name, string? Token, bool Bad);

    /// <summary>
    /// Returns, for a scope, all callers to reject. <c>Bad</c> ones are not authenticated; the others belong to the org and have other
    /// scopes.
    /// </summary>
    private async Task<Func<string, Known, IEnumerable<Caller>>> CallersAsync()
    {
        using var key = await World.Theirs.Tenant.WithKeyAsync(["ingest", "read", "admin"]);
        var keys = (await World.Theirs.Tenant.QueryAsync("{ apiKeys { id prefix } }")).GetProperty("apiKeys").EnumerateArray();
        var id = keys.Single(listed => key.ApiKey.StartsWith(listed.GetProperty("prefix").GetString()!, StringComparison.Ordinal))
            .GetProperty("id")
            .GetString();
        await World.Theirs.Tenant.QueryAsync($"mutation {{ revokeApiKey(id: \"{id}\") {{ id }} }}");
        using var ingest = await World.Theirs.Tenant.WithKeyAsync(["ingest"]);
        using var read = await World.Theirs.Tenant.WithKeyAsync(["read"]);
        var (ingestKey, readKey, revoked) = (ingest.ApiKey, read.ApiKey, key.ApiKey);
        return (allows, known) =>
        {
            var org = allows == LeakTokens.Service ? null : known;
            return
            [
                new Caller("nobody", null, Bad: true),
                new Caller("a revoked key", revoked, Bad: true),
                .. World
                    .Tokens.Bad(allows == Surface.Anyone ? "read admin" : allows, org, known.Customer)
                    .Select(bad => new Caller($"a token {bad.Name}", bad.Token, Bad: true)),
                .. AllScopes
                    .Where(scope => !Suffices(scope, allows))
                    .Select(scope => new Caller($"scope {scope}", World.Tokens.Of(scope, known, known.Customer), Bad: false)),
                .. allows == "ingest" ? [] : new[] { new Caller("a key for ingest", ingestKey, Bad: false) },
                .. allows == "read" ? [] : new[] { new Caller("a key for reading", readKey, Bad: false) },
            ];
        };
    }

    /// <summary>Members with the scope and another role, and a key, which has no role.</summary>
    private IEnumerable<Caller> OfOtherRoles(Surface surface) =>
        surface.Roles is not { } roles
            ? []
            :
            [
                .. Roles
                    .All.Except(roles.Split(" or "))
                    .Select(role => new Caller(
                        $"role {role}",
                        World.Tokens.Of(surface.Allows, World.Theirs.Alike, role: role),
                        Bad: false
                    )),
                new Caller("a key with every scope", World.Theirs.Tenant.ApiKey, Bad: false),
            ];

    private static bool Suffices(string held, string needed) =>
        held == needed || (held, needed) is ("admin", "billing" or "read") or ("billing", "read") or ("platform", "platform.read");

    private IEnumerable<string> Refused(string what, Caller caller, Answer answer, string asked)
    {
        if (answer.IsFault)
            yield return $"{what} to {caller.Name}: {answer.Status} {answer.Refusal}: {LeakWorld.Short(answer.Text)}";
        else if (answer.Refusal != (caller.Bad ? "UNAUTHENTICATED" : "FORBIDDEN"))
            yield return $"{what} lets in {caller.Name}: {answer.Status} '{answer.Refusal}' {LeakWorld.Short(answer.Text)}";
        foreach (var marker in World.LeaksIn(answer, asked))
            yield return $"{what} shows {marker} to {caller.Name}";
    }

    private static string Text(HttpCase leakCase, Known known)
    {
        using var request = leakCase.Request(known);
        return request.RequestUri + " " + request.Content?.ReadAsStringAsync().GetAwaiter().GetResult();
    }

    /// <summary>Everything that the owner sees, except what changes over time.</summary>
    private async Task<string> OwnersViewAsync()
    {
        var seen = new List<string>();
        foreach (
            var leakCase in LeakCases.Queries.Where(leakCase =>
                leakCase.Field
                    is not "Query.reconciliation"
                        and not "Query.clock"
                        and not "Query.portal"
                        and not "Query.me"
                        and not "Query.deliveries"
                        and not "Query.delivery"
            )
        )
        {
            foreach (var known in new[] { World.Theirs.Alike, World.Theirs.Private })
                seen.Add(
                    $"{leakCase.Field} "
                        + LeakProbe.Still(
                            await World.Probe.GraphQLAsync(
                                World.Platform.Gateway,
                                World.Theirs.Tenant.ApiKey,
                                World.Schema.Operation(leakCase, known)
                            )
                        )
                );
        }

        return string.Join('\n', seen);
    }

    private static void None(IEnumerable<string> found, string what)
    {
        var all = found.ToArray();
        Assert.True(all.Length == 0, $"{all.Length} {what}:\n{string.Join('\n', all.Take(40))}");
    }
}
