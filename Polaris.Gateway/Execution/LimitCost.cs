using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.RateLimiting;

namespace Polaris.Gateway.Execution;

/// <summary>
/// What an org's documents may ask for per second, over all replicas of the gateway: a few large ones weigh as much as many small ones.
/// </summary>
internal sealed class LimitCost([FromKeyedServices(RateBudgets.Cost)] OrgRateLimiter limiter)
{
    /// <summary>Spends the cost of an answer more; how long to wait when the org has spent too much.</summary>
    public TimeSpan? Refuses(HttpContext context, long cost) =>
        context.User.OrgId() is { } org && limiter.Take(org, cost) is { Allowed: false } decision ? decision.RetryAfter : null;

    /// <summary>Spends the cost of an operation; false when the org has spent too much, which is answered.</summary>
    public async Task<bool> AdmitAsync(HttpContext context, long cost)
    {
        if (context.User.OrgId() is not { } org)
            return true;
        var decision = limiter.Take(org, cost);
        decision.WriteTo(context.Response, RateBudgets.Cost);
        if (decision.Allowed)
            return true;
        await context.WriteProblemAsync(
            RefusalMapping.Problem(
                429,
                "rate_limited",
                $"An organization may ask for at most {decision.PerSecond} values per second, and this operation asks for {cost}. "
                    + "Nothing was done; try again later, or select fewer fields or smaller pages."
            )
        );
        return false;
    }
}
