using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.ServiceDefaults.RateLimiting;

/// <summary>What an org is limited in, per second.</summary>
public static class RateBudgets
{
    /// <summary>Events sent to <c>/ingest</c>.</summary>
    public const string Events = "events";

    /// <summary>GraphQL requests at the gateway.</summary>
    public const string Requests = "requests";

    /// <summary>Values that GraphQL documents ask for at the gateway, see <see cref="GraphQL.DocumentCost"/>.</summary>
    public const string Cost = "cost";

    public static readonly IReadOnlyList<string> All = [Events, Requests, Cost];

    /// <summary>What a full budget holds: one second's worth, or the largest request if that is more.</summary>
    public static long Burst(string budget, long perSecond) =>
        Math.Max(perSecond, budget == Cost ? GraphQLLimits.DefaultMaxCost : Limits.MaxEvents);

    /// <summary>The limit of an org without one of its own, unless the installation sets another.</summary>
    public static long DefaultPerSecond(string budget) =>
        budget switch
        {
            Events => 200_000,
            Requests => 500,
            Cost => 20 * GraphQLLimits.DefaultMaxCost,
            _ => throw new ArgumentOutOfRangeException(nameof(budget), budget, null),
        };
}

/// <summary>A part of an org's budget, for the replica that asked to spend.</summary>
/// <param name="Granted">Units, at most as many as were asked for.</param>
/// <param name="PerSecond">The org's limit.</param>
/// <param name="Remaining">Units that the budget still has.</param>
public sealed record RateLease(long Granted, long PerSecond, long Remaining);

/// <summary>Where budgets are kept, once for all replicas.</summary>
public interface IRateLeases
{
    Task<RateLease> LeaseAsync(Guid org, string budget, long wanted, CancellationToken ct);
}

/// <param name="Allowed">Whether the units may be spent.</param>
/// <param name="PerSecond">The org's limit.</param>
/// <param name="Remaining">Units left, as far as this replica knows.</param>
/// <param name="RetryAfter">When to try again, if not allowed.</param>
public readonly record struct RateDecision(bool Allowed, long PerSecond, long Remaining, TimeSpan RetryAfter);

/// <summary>
/// One budget of each org, shared by all replicas: each leases a tenth of a second's worth from Identity and spends it. A request never
/// waits for a lease: what is spent before one arrives is a debt of at most that much, which the next lease pays first, so the rate is
/// exact over time. While Identity is away, each replica grants itself the last known rate.
/// </summary>
public sealed partial class OrgRateLimiter(string budget, IRateLeases leases, TimeProvider time, ILogger log) : IDisposable
{
    /// <summary>Orgs whose spending is known; one that is forgotten begins anew, with a lease.</summary>
    public const int Capacity = 50_000;

    private const int LeasesPerSecond = 10;

    /// <summary>What was leased and not spent is gone after this: others of the org's replicas may need it.</summary>
    private static readonly TimeSpan LeaseLifetime = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(100);

    private readonly MemoryCache orgs = new(new MemoryCacheOptions { SizeLimit = Capacity });

    /// <summary>Spends so many units, or none.</summary>
    public RateDecision Take(Guid org, long units)
    {
        if (!orgs.TryGetValue(org, out Account? account))
            account = orgs.Set(
                org,
                new Account(budget, time.GetUtcNow()),
                new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = TimeSpan.FromMinutes(5) }
            );
        long wanted;
        RateDecision decision;
        lock (account!)
        {
            var now = time.GetUtcNow();
            if (now - account.LeasedAt > LeaseLifetime)
                account.Balance = Math.Min(account.Balance, 0);
            var share = Math.Max(account.PerSecond / LeasesPerSecond, 1);
            // A whole request may be more than a share: it is allowed when the budget, as last heard of, has that much.
            var remaining = account.RemainingAt(now);
            var allowed = account.Balance >= units || (now >= account.EmptyUntil && account.Balance + remaining + share >= units);
            if (allowed)
                account.Balance -= units;
            decision = new RateDecision(
                allowed,
                account.PerSecond,
                (long)Math.Max(0, account.Balance + remaining),
                allowed ? TimeSpan.Zero : Max(account.EmptyUntil - now, ShortestWait)
            );
            if (account.Balance >= Math.Max(share / 2, 1) || now < account.EmptyUntil || account.Leasing)
                return decision;
            account.Leasing = true;
            wanted = share - account.Balance;
        }

        _ = LeaseAsync(org, account, wanted);
        return decision;
    }

    public void Dispose() => orgs.Dispose();

    private async Task LeaseAsync(Guid org, Account account, long wanted)
    {
        RateLease? lease = null;
        using (var deadline = new CancellationTokenSource(Deadline, time))
        {
            try
            {
                lease = await leases.LeaseAsync(org, budget, wanted, deadline.Token);
            }
            catch (Exception exception)
            {
                LogAway(exception, budget);
            }
        }

        lock (account)
        {
            var now = time.GetUtcNow();
            // Without Identity, the budget is what it was when last heard of, and fills at the same rate.
            var before = account.RemainingAt(now);
            var granted = lease?.Granted ?? Math.Min(wanted, (long)before);
            account.PerSecond = lease?.PerSecond ?? account.PerSecond;
            account.Remaining = lease?.Remaining ?? before - granted;
            account.Balance += granted;
            account.LeasedAt = now;
            account.Leasing = false;
            if (granted < wanted)
                account.EmptyUntil =
                    now + Max(TimeSpan.FromSeconds(Math.Min(1, (double)Math.Max(0, -account.Balance) / account.PerSecond)), ShortestWait);
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    [LoggerMessage(Level = LogLevel.Warning, Message = "No lease of the budget '{Budget}': this replica grants it by itself.")]
    private partial void LogAway(Exception exception, string budget);

    private sealed class Account(string budget, DateTimeOffset now)
    {
        public long PerSecond { get; set; } = RateBudgets.DefaultPerSecond(budget);

        /// <summary>Leased and not spent; below zero, spent and not leased.</summary>
        public long Balance { get; set; }

        /// <summary>What the budget had after the last lease; before the first one it is taken for full.</summary>
        public double Remaining { get; set; } = double.MaxValue;

        public double RemainingAt(DateTimeOffset now) =>
            Math.Min(RateBudgets.Burst(budget, PerSecond), Remaining + (PerSecond * Math.Max(0, (now - LeasedAt).TotalSeconds)));

        public DateTimeOffset LeasedAt { get; set; } = now;

        /// <summary>The budget had less than was wanted: nothing is allowed before this.</summary>
        public DateTimeOffset EmptyUntil { get; set; }

        public bool Leasing { get; set; }
    }
}
