using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Billing.Features.Orgs;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

// How objects of Billing lead to one another. Every relation is loaded for all objects of a level by a fixed number of statements.

public sealed partial record InvoiceType
{
    internal Guid OrgId { get; init; }

    /// <summary>The customer as it is now; null until the org creates it. The invoice itself says whom it was made out to.</summary>
    public IDataLoaderResult<CustomerType?> Customer(IResolveFieldContext context) => CustomerType.ByKey(context, (OrgId, CustomerKey));

    /// <summary>The subscription that is invoiced.</summary>
    public IDataLoaderResult<SubscriptionType?> Subscription(IResolveFieldContext context) =>
        context.LoadInOrgs<ReadOfOrgs, (Guid Org, Guid Id), TimedSubscription, SubscriptionType>(
            "subscription",
            (OrgId, SubscriptionId),
            key => key.Org,
            (read, keys, ct) => read.SubscriptionsByIdAsync(keys, ct),
            found => SubscriptionType.Of(found.Row, found.Now)
        );
}

public sealed partial record SubscriptionType
{
    internal Guid OrgId { get; init; }

    /// <summary>The customer who has the subscription.</summary>
    public IDataLoaderResult<CustomerType?> Customer(IResolveFieldContext context) => CustomerType.ByKey(context, (OrgId, CustomerKey));

    /// <summary>The current plan version, or the first one before the start. Null only while Plans cannot be reached.</summary>
    public PlanVersionReference? PlanVersion() => new(OrgId, PlanVersionId);
}

[Key("orgId key")]
public sealed partial record CustomerType
{
    [FederationResolver]
    public static IDataLoaderResult<CustomerType?> Resolve(IResolveFieldContext context, [Id] Guid orgId, string key) =>
        ByKey(context, (orgId, key));

    /// <summary>The customer's subscriptions, oldest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    public IDataLoaderResult<SubscriptionPageType?> Subscriptions(IResolveFieldContext context, string? after, int first = 50) =>
        OrganizationType.SubscriptionsOf(context, new Owner(OrgId, Key), first, after, null);

    /// <summary>The customer's invoices, newest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="status">Only those with this status.</param>
    public IDataLoaderResult<InvoicePageType?> Invoices(
        IResolveFieldContext context,
        string? after,
        InvoiceStatus? status,
        int first = 50
    ) => OrganizationType.InvoicesOf(context, new Owner(OrgId, Key), first, after, null, status);

    /// <summary>The customer's usage of a meter; null when the org has no such meter. A new meter is there within seconds.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    public IDataLoaderResult<UsageType?> Usage(IResolveFieldContext context, string meter, Instant from, Instant to) =>
        OrganizationType.UsageOf(context, new Owner(OrgId, Key), meter, from, to);

    internal static IDataLoaderResult<CustomerType?> ByKey(IResolveFieldContext context, (Guid Org, string Key) key) =>
        context.LoadInOrgs<ReadOfOrgs, (Guid Org, string Key), CustomerRow, CustomerType>(
            "customer",
            key,
            one => one.Org,
            (read, keys, ct) => read.CustomersByKeyAsync(keys, ct),
            Of
        );
}

/// <summary>A plan version, which Plans knows by its org and id.</summary>
/// <param name="OrgId">The org that it belongs to.</param>
/// <param name="Id">The version's id.</param>
[Name("PlanVersion"), Key("orgId id")]
public sealed record PlanVersionReference([property: Id] Guid OrgId, [property: Id] Guid Id)
{
    /// <summary>Billing has nothing more to say of it, and so nothing to look up.</summary>
    [FederationResolver]
    public static PlanVersionReference Resolve([Id] Guid orgId, [Id] Guid id) => new(orgId, id);
}
