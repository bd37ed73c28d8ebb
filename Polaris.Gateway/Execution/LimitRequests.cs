using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.RateLimiting;

namespace Polaris.Gateway.Execution;

/// <summary>An org's requests per second, over all replicas of the gateway.</summary>
internal sealed class LimitRequests([FromKeyedServices(RateBudgets.Requests)] OrgRateLimiter limiter) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (http.User.OrgId() is not { } org)
            return await next(context);
        var decision = limiter.Take(org, 1);
        decision.WriteTo(http.Response, RateBudgets.Requests);
        if (decision.Allowed)
            return await next(context);
        await http.WriteProblemAsync(
            RefusalMapping.Problem(
                429,
                "rate_limited",
                $"An organization may send at most {decision.PerSecond} requests per second. Nothing was done; try again later."
            )
        );
        return Results.Empty;
    }
}
