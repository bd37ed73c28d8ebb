using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Polaris.Identity.V1;

namespace Polaris.ServiceDefaults.RateLimiting;

public static class RateLimitingExtensions
{
    /// <summary>Registers the limiter of a budget, by the budget's name as its key.</summary>
    /// <param name="services">The service collection.</param>
    /// <param name="budget">One of <see cref="RateBudgets"/>.</param>
    public static IServiceCollection AddOrgRateLimiter(this IServiceCollection services, string budget)
    {
        services.TryAddSingleton<IRateLeases, IdentityRateLeases>();
        return services.AddKeyedSingleton(
            budget,
            (provider, _) =>
                new OrgRateLimiter(
                    budget,
                    provider.GetRequiredService<IRateLeases>(),
                    provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<ILoggerFactory>().CreateLogger<OrgRateLimiter>()
                )
        );
    }

    /// <summary>
    /// <c>RateLimit-Policy</c> and <c>RateLimit</c> (draft-ietf-httpapi-ratelimit-headers), and <c>Retry-After</c> in whole seconds when
    /// refused. Several budgets of one request stand one after another.
    /// </summary>
    public static void WriteTo(this RateDecision decision, HttpResponse response, string budget)
    {
        ArgumentNullException.ThrowIfNull(response);
        Add("RateLimit-Policy", string.Create(CultureInfo.InvariantCulture, $"\"{budget}\";q={decision.PerSecond};w=1"));
        Add(
            "RateLimit",
            string.Create(CultureInfo.InvariantCulture, $"\"{budget}\";r={Math.Min(decision.Remaining, decision.PerSecond)};t=1")
        );
        if (!decision.Allowed)
            response.Headers.RetryAfter = RetryAfterSeconds(decision.RetryAfter);

        void Add(string header, string item) =>
            response.Headers[header] = response.Headers[header] is { Count: > 0 } before ? $"{before}, {item}" : item;
    }

    public static string RetryAfterSeconds(TimeSpan wait) =>
        Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private sealed class IdentityRateLeases(Identity.V1.Identity.IdentityClient identity) : IRateLeases
    {
        /// <summary>Outside the request that happens to need it: its trace, tenant and time are not the lease's.</summary>
        public Task<RateLease> LeaseAsync(Guid org, string budget, long wanted, CancellationToken ct)
        {
            using (ExecutionContext.SuppressFlow())
                return Task.Run(() => CallAsync(org, budget, wanted, ct), ct);
        }

        private async Task<RateLease> CallAsync(Guid org, string budget, long wanted, CancellationToken ct)
        {
            var lease = await identity.LeaseRateAsync(
                new LeaseRateRequest
                {
                    OrgId = org.ToString(),
                    Budget = budget,
                    Wanted = wanted,
                },
                cancellationToken: ct
            );
            return new RateLease(lease.Granted, lease.PerSecond, lease.Remaining);
        }
    }
}
