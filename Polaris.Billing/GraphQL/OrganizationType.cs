using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Orgs;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

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

    /// <summary>The org's invoices, newest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="customer">Only this customer's.</param>
    /// <param name="status">Only those with this status.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<InvoicePageType?> Invoices(
        IResolveFieldContext context,
        string? after,
        string? customer,
        InvoiceStatus? status,
        int first = 50
    ) => InvoicesOf(context, new Owner(Id), first, after, customer, status);

    /// <summary>The org's customers, ordered by key.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="search">Only those with this text in their key or name.</param>
    /// <param name="archived">Also those that are archived.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<CustomerPageType?> Customers(
        IResolveFieldContext context,
        string? after,
        string? search,
        int first = 50,
        bool archived = false
    ) =>
        context.LoadInOrgs<ReadOfOrgs, Owner, Page<CustomerRow>, CustomerPageType>(
            ("Organization.customers", first, after, search, archived),
            new Owner(Id),
            owner => owner.Org,
            (read, owners, ct) => read.CustomersAsync(owners, first, after, search, archived, ct),
            CustomerPageType.Of
        );

    /// <summary>The org's subscriptions, oldest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="customer">Only this customer's.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<SubscriptionPageType?> Subscriptions(
        IResolveFieldContext context,
        string? after,
        string? customer,
        int first = 50
    ) => SubscriptionsOf(context, new Owner(Id), first, after, customer);

    /// <summary>A meter's usage; null when the org has no such meter. A new meter is there within seconds.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    /// <param name="customer">Only this customer's.</param>
    [RequireScope(Scopes.Read)]
    public IDataLoaderResult<UsageType?> Usage(IResolveFieldContext context, string meter, Instant from, Instant to, string? customer) =>
        UsageOf(context, new Owner(Id, customer), meter, from, to);

    internal static IDataLoaderResult<InvoicePageType?> InvoicesOf(
        IResolveFieldContext context,
        Owner owner,
        int first,
        string? after,
        string? customer,
        InvoiceStatus? status
    ) =>
        context.LoadInOrgs<ReadOfOrgs, Owner, Page<InvoiceRow>, InvoicePageType>(
            ("invoices", owner.Customer is null, first, after, customer, status),
            owner,
            one => one.Org,
            (read, owners, ct) =>
                read.InvoicesAsync(owners, first, after, customer, status is { } wanted ? Query.StoredStatus(wanted) : null, ct),
            InvoicePageType.Of
        );

    internal static IDataLoaderResult<SubscriptionPageType?> SubscriptionsOf(
        IResolveFieldContext context,
        Owner owner,
        int first,
        string? after,
        string? customer
    ) =>
        context.LoadInOrgs<ReadOfOrgs, Owner, (Page<SubscriptionRow> Page, Instant Now), SubscriptionPageType>(
            ("subscriptions", owner.Customer is null, first, after, customer),
            owner,
            one => one.Org,
            (read, owners, ct) => read.SubscriptionsAsync(owners, first, after, customer, ct),
            found => SubscriptionPageType.Of(found.Page, found.Now)
        );

    internal static IDataLoaderResult<UsageType?> UsageOf(
        IResolveFieldContext context,
        Owner owner,
        string meter,
        Instant from,
        Instant to
    ) =>
        context.LoadInOrgs<ReadUsageOfOrgs, Owner, OwnedUsage, UsageType>(
            ("usage", owner.Customer is null, meter, from, to),
            owner,
            one => one.Org,
            (read, owners, ct) => read.TotalsAsync(owners, meter, from, to, ct),
            found =>
                found.Refusal is { } refusal
                    ? throw new ServiceDefaults.Errors.RefusedException(refusal)
                    : new UsageType(meter, from, to, found.Usage.Quantity, found.Usage.EventCount)
        );
}
