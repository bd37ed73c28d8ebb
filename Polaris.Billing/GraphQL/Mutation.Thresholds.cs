using GraphQL;
using Polaris.Billing.Features.Thresholds;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Mutation
{
    /// <summary>
    /// Creates a threshold: <c>usage.threshold_crossed</c> is announced when a subscription reaches one of its values, once a billing
    /// period. It is checked from the next usage on. An identical one is returned as it is.
    /// </summary>
    /// <param name="input">The threshold to create.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<ThresholdType> CreateThreshold(
        [FromServices] EditThresholds thresholds,
        CreateThresholdInput input,
        CancellationToken ct
    ) => ThresholdType.Of(await thresholds.CreateAsync(input.ToNewThreshold(), ct));

    /// <summary>Changes a threshold's name or values.</summary>
    /// <param name="input">The threshold and the changes.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<ThresholdType> UpdateThreshold(
        [FromServices] EditThresholds thresholds,
        UpdateThresholdInput input,
        CancellationToken ct
    ) => ThresholdType.Of(await thresholds.UpdateAsync(input.Key, input.Name, input.Values, ct));

    /// <summary>Ends a threshold: it is not checked any more. Its key stays taken, its crossings stay.</summary>
    /// <param name="key">The threshold's key.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<ThresholdType> ArchiveThreshold([FromServices] EditThresholds thresholds, string key, CancellationToken ct) =>
        ThresholdType.Of(await thresholds.ArchiveAsync(key, ct));
}
