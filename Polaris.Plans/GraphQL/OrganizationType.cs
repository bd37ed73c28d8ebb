using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

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

    /// <summary>The org's meters, oldest first.</summary>
    /// <param name="archived">Also those that are archived.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<IEnumerable<MeterType>?> Meters(IResolveFieldContext context, bool archived = false) =>
        context.LoadInOrgs<ReadPlansOfOrgs, Guid, List<MeterRow>, IEnumerable<MeterType>>(
            ("Organization.meters", archived),
            Id,
            org => org,
            (read, orgs, ct) => read.MetersAsync(orgs, archived, ct),
            rows => rows.Select(MeterType.Of)
        );

    /// <summary>The org's plans, ordered by key.</summary>
    /// <param name="archived">Also those that are archived.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<IEnumerable<PlanType>?> Plans(IResolveFieldContext context, bool archived = false) =>
        context.LoadInOrgs<ReadPlansOfOrgs, Guid, List<PlanRow>, IEnumerable<PlanType>>(
            ("Organization.plans", archived),
            Id,
            org => org,
            (read, orgs, ct) => read.PlansAsync(orgs, archived, ct),
            rows => rows.Select(PlanType.Of)
        );
}
