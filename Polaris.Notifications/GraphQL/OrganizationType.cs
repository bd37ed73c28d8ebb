using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Features.Orgs;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Notifications.GraphQL;

/// <summary>An org that the caller is in. Its fields come from the services that own them.</summary>
[Name("Organization"), Key("id")]
public sealed class OrganizationType : IInOrg
{
    private OrganizationType(AccessInOrg access) => Access = access;

    /// <summary>The org's id, by which every service knows it.</summary>
    [Id]
    public Guid Id => Access.OrgId;

    [Ignore]
    public AccessInOrg Access { get; }

    [FederationResolver]
    public static IDataLoaderResult<OrganizationType?> Resolve(IResolveFieldContext context, [Id] Guid id) =>
        context.OrgEntity(id, access => new OrganizationType(access));

    /// <summary>The org's webhook endpoints, oldest first.</summary>
    /// <param name="archived">Also those that are archived.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<IEnumerable<EndpointType>?> Webhooks(IResolveFieldContext context, bool archived = false) =>
        context.LoadInOrgs<ReadOfOrgs, Guid, List<EndpointRow>, IEnumerable<EndpointType>>(
            ("Organization.webhooks", archived),
            Id,
            org => org,
            (read, orgs, ct) => read.EndpointsAsync(orgs, archived, ct),
            rows => rows.Select(EndpointType.Of)
        );

    /// <summary>The org's deliveries, newest first, kept for 30 days.</summary>
    /// <param name="first">The page size, 1 to 200.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="endpointId">Only those of this endpoint.</param>
    /// <param name="eventType">Only those of this event type.</param>
    /// <param name="status">Only those with this status.</param>
    /// <param name="channel">Only those delivered this way.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<DeliveryPageType?> Deliveries(
        IResolveFieldContext context,
        [Id] Guid? endpointId,
        string? eventType,
        DeliveryStatus? status,
        DeliveryChannel? channel,
        string? after,
        int first = 50
    ) =>
        context.LoadInOrgs<ReadOfOrgs, Guid, DeliveryPage, DeliveryPageType>(
            ("Organization.deliveries", endpointId, eventType, status, channel, after, first),
            Id,
            org => org,
            (read, orgs, ct) => read.DeliveriesAsync(orgs, Query.Filter(endpointId, eventType, status, channel), first, after, ct),
            DeliveryPageType.Of
        );
}
