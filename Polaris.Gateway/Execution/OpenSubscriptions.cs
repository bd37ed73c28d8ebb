using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// How many subscriptions of one caller, of one org and of all are open at this replica. They have places of their own, so that they take
/// none of those for requests (<see cref="CallerConcurrency"/>), and nobody waits for one: a place may be kept for long.
/// </summary>
internal sealed class OpenSubscriptions : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext>[] each;
    private readonly PartitionedRateLimiter<HttpContext> all;

    public OpenSubscriptions(IOptions<GraphQLLimits> options)
    {
        var limits = options.Value;
        each =
        [
            By(CallerConcurrency.Caller, limits.MaxSubscriptionsPerCaller),
            By(context => context.User.OrgId()?.ToString(), limits.MaxSubscriptionsPerOrg),
            By(_ => "", limits.MaxSubscriptions),
        ];
        all = PartitionedRateLimiter.CreateChained(each);
    }

    /// <summary>A place, if there is one, until it is disposed.</summary>
    public RateLimitLease Take(HttpContext context) => all.AttemptAcquire(context);

    public void Dispose()
    {
        all.Dispose();
        foreach (var one in each)
            one.Dispose();
    }

    private static PartitionedRateLimiter<HttpContext> By(Func<HttpContext, string?> whose, int places) =>
        PartitionedRateLimiter.Create<HttpContext, string>(context =>
            whose(context) is { } one
                ? RateLimitPartition.GetConcurrencyLimiter(one, _ => new ConcurrencyLimiterOptions { PermitLimit = places, QueueLimit = 0 })
                : RateLimitPartition.GetNoLimiter("")
        );
}
