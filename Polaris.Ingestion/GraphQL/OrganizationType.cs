using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using Polaris.Ingestion.Features.Events;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Ingestion.GraphQL;

/// <summary>An org that the caller is in. Its fields come from the services that own them.</summary>
[Name("Organization"), Key("id")]
public sealed class OrganizationType : IInOrg
{
    private OrganizationType(AccessInOrg access) => Access = access;

    /// <summary>The org's id.</summary>
    [Id]
    public Guid Id => Access.OrgId;

    [Ignore]
    public AccessInOrg Access { get; }

    [FederationResolver]
    public static IDataLoaderResult<OrganizationType?> Resolve(IResolveFieldContext context, [Id] Guid id) =>
        context.OrgEntity(id, access => new OrganizationType(access));

    /// <summary>The events that were received last, newest first.</summary>
    /// <param name="limit">How many, 1 to 500.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<IEnumerable<UsageEventType>?> RecentEvents(IResolveFieldContext context, int limit = 50) =>
        context.LoadInOrgs<FindEvents, Guid, IReadOnlyList<FoundEvent>, IEnumerable<UsageEventType>>(
            ("Organization.recentEvents", limit),
            Id,
            org => org,
            (find, orgs, ct) => find.RecentOfOrgsAsync(orgs, limit, ct),
            rows => rows.Select(UsageEventType.Of)
        );
}
