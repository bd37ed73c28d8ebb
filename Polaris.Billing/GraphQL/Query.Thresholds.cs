using GraphQL;
using Polaris.Billing.Features.Thresholds;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>The org's thresholds, ordered by key; at most 1,000.</summary>
    /// <param name="archived">Also those that are not checked any more.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<ThresholdType>> Thresholds(
        [FromServices] ReadThresholds thresholds,
        CancellationToken ct,
        bool archived = false
    ) => (await thresholds.ListAsync(archived, ct)).Select(ThresholdType.Of);

    /// <summary>What crossed the org's thresholds, latest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="customer">Only those of this customer's subscriptions, by its key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<ThresholdCrossingPageType> ThresholdCrossings(
        [FromServices] ReadThresholds thresholds,
        string? customer,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => ThresholdCrossingPageType.Of(await thresholds.CrossingsAsync(customer, first, after, ct));
}
