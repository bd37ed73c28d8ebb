using Polaris.ServiceDefaults.RateLimiting;

namespace Polaris.Tests.RateLimiting;

/// <summary>Budgets of orgs as Identity keeps them, in memory, answered at once.</summary>
internal sealed class SharedBudget(TimeProvider time, long perSecond, string budget = RateBudgets.Events) : IRateLeases
{
    private readonly Dictionary<Guid, (double Tokens, DateTimeOffset At)> buckets = [];

    public bool IsAway { get; set; }

    public long Burst => RateBudgets.Burst(budget, perSecond);

    public int Leases { get; private set; }

    public Task<RateLease> LeaseAsync(Guid org, string name, long wanted, CancellationToken ct)
    {
        if (IsAway)
            return Task.FromException<RateLease>(new TimeoutException("Away."));
        lock (buckets)
        {
            Leases++;
            var now = time.GetUtcNow();
            var (tokens, at) = buckets.TryGetValue(org, out var known) ? known : (Burst, now);
            tokens = Math.Min(Burst, tokens + (perSecond * (now - at).TotalSeconds));
            var granted = Math.Min(wanted, (long)Math.Floor(tokens));
            buckets[org] = (tokens - granted, now);
            return Task.FromResult(new RateLease(granted, perSecond, (long)(tokens - granted)));
        }
    }
}
