using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// How many GraphQL requests of one caller, and of one org, the gateway works on at a time, and how much these may cost together. Further
/// ones wait in turn, and those over the queue are answered 429, so that no caller takes the places of another.
/// </summary>
internal sealed class CallerConcurrency : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext> callers;
    private readonly PartitionedRateLimiter<HttpContext> orgs;
    private readonly PartitionedRateLimiter<HttpContext> both;
    private readonly PartitionedRateLimiter<HttpContext> costs;
    private readonly int maxCost;

    public CallerConcurrency(IOptions<GraphQLLimits> options)
    {
        var limits = options.Value;
        callers = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            RateLimitPartition.GetConcurrencyLimiter(Caller(context), _ => Places(limits.MaxConcurrentPerCaller, limits.MaxQueuedPerCaller))
        );
        // Whoever waits for a place of the org holds one of the caller's already, so this queue is bounded by the callers.
        orgs = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            context.User.OrgId() is { } org
                ? RateLimitPartition.GetConcurrencyLimiter(
                    org.ToString(),
                    _ => Places(limits.MaxConcurrentPerOrg, limits.MaxQueuedPerCaller)
                )
                : RateLimitPartition.GetNoLimiter("")
        );
        both = PartitionedRateLimiter.CreateChained(callers, orgs);
        maxCost = limits.MaxConcurrentCostPerOrg;
        // Whoever waits for a share holds a place, so this queue is bounded by the places.
        costs = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            RateLimitPartition.GetConcurrencyLimiter(
                context.User.OrgId()?.ToString() ?? Caller(context),
                _ => Places(maxCost, int.MaxValue)
            )
        );
    }

    /// <summary>
    /// Waits until the operations that the org's requests have in progress leave room for one of this cost; one that costs more than all
    /// may together runs alone. Held until it is disposed.
    /// </summary>
    public ValueTask<RateLimitLease> ShareAsync(HttpContext context, long cost, CancellationToken ct) =>
        costs.AcquireAsync(context, (int)Math.Min(cost, maxCost), ct);

    /// <summary>Runs the request when it is its turn, or answers 429.</summary>
    public async Task RunAsync(HttpContext context, Func<Task> run, CancellationToken ct)
    {
        using var place = await both.AcquireAsync(context, 1, ct);
        if (place.IsAcquired)
        {
            await run();
            return;
        }

        context.Response.Headers.RetryAfter = "1";
        await context.WriteProblemAsync(
            RefusalMapping.Problem(
                StatusCodes.Status429TooManyRequests,
                "too_many_requests",
                "Too many GraphQL requests of this caller or its org at once. Try again when some are answered."
            )
        );
    }

    public void Dispose()
    {
        both.Dispose();
        callers.Dispose();
        orgs.Dispose();
        costs.Dispose();
    }

    /// <summary>A user, API key or customer of an org; without a token the address.</summary>
    public static string Caller(HttpContext context) =>
        context.User is { Identity.IsAuthenticated: true } user
            ? string.Join(
                '/',
                user.OrgId(),
                user.FindFirstValue(PolarisClaims.ApiKeyId) ?? user.FindFirstValue("sub"),
                user.FindFirstValue(PolarisClaims.Customer)
            )
            : $"address {context.Connection.RemoteIpAddress}";

    private static ConcurrencyLimiterOptions Places(int places, int queue) =>
        new()
        {
            PermitLimit = places,
            QueueLimit = queue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
}
