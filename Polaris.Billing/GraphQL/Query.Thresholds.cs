using GraphQL;
using Polaris.Billing.Features.Thresholds;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>The org's thresholds, ordered by key; with <c>archived</c> also those that are not checked any more.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<ThresholdType>> Thresholds(
        [FromServices] ReadThresholds thresholds,
        CancellationToken ct,
        bool archived = false
    ) => (await thresholds.ListAsync(archived, ct)).Select(ThresholdType.Of);

    /// <summary>What crossed the org's thresholds, latest first.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<ThresholdCrossingPageType> ThresholdCrossings(
        [FromServices] ReadThresholds thresholds,
        string? customer,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => ThresholdCrossingPageType.Of(await thresholds.CrossingsAsync(customer, first, after, ct));
}
