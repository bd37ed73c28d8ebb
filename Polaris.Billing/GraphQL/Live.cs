using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// What is told at once and again whenever it changes: the root of subscriptions. A type of the graph is called Subscription already.
/// </summary>
[Name("Live")]
internal sealed class Live
{
    /// <summary>
    /// A meter's usage in a time: now, and again when it has changed, at most once a second. A meter that the org does not have is refused
    /// with NOT_FOUND.
    /// </summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    /// <param name="customer">Only usage of the customer with this key.</param>
    /// <param name="orgId">An org that the caller is in. Default: that of the token or key.</param>
    [RequireScope(Scopes.Read)]
    public static Task<UsageType> UsageChanged(
        [FromServices] InOrgs orgs,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        [Id] Guid? orgId,
        CancellationToken ct
    ) =>
        orgs.RunAsync<LiveUsage, UsageType>(
            orgId,
            Scopes.Read,
            async (usage, org) =>
            {
                var total = await usage.TotalAsync(org, new UsageAsked(meter, from, to, customer), ct);
                return new UsageType(meter, from, to, total.Quantity, total.EventCount);
            },
            ct
        );
}
