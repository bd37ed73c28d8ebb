using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.RateLimiting;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>The org exceeds its limit: 429.</summary>
internal sealed class OverLimitException(string code, string message, TimeSpan retryAfter) : Exception(message)
{
    public string Code { get; } = code;

    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>
/// Bounds memory and isolates orgs from each other: a rate per org over all replicas, and per process limits on each org's events that are
/// waiting to be stored and on the bytes of its requests in progress, on the requests of each key, and on the bytes of all together.
/// </summary>
internal sealed class IngestLimiter(IOptions<IngestionOptions> options, [FromKeyedServices(RateBudgets.Events)] OrgRateLimiter rates)
{
    /// <summary>Approximate memory of an event beside its bytes.</summary>
    private const int BytesPerEvent = 256;

    private static readonly TimeSpan WhenFull = TimeSpan.FromSeconds(1);

    private readonly Shares<Guid> events = new();
    private readonly Shares<Guid> orgBytes = new();
    private readonly Shares<string> requests = new();
    private long bytesInFlight;

    private IngestionOptions Options { get; } = options.Value;

    private OrgRateLimiter Rates { get; } = rates;

    /// <summary>Admits a request, before its body is read; what it reserves is held until it is disposed.</summary>
    /// <param name="org">The caller's org.</param>
    /// <param name="caller">The API key, or whoever else sends.</param>
    /// <exception cref="OverLimitException">Too many requests of this caller are in progress.</exception>
    public Reservation Enter(Guid org, string caller) =>
        requests.TryAdd(caller, 1, Options.MaxRequestsPerKey)
            ? new Reservation(this, org, caller)
            : throw new OverLimitException(
                "too_many_requests",
                $"An API key may have at most {Options.MaxRequestsPerKey} requests in progress.",
                WhenFull
            );

    /// <summary>What one request has reserved.</summary>
    internal sealed class Reservation(IngestLimiter limiter, Guid org, string caller) : IDisposable
    {
        private long bytes;
        private int events;
        private bool left;

        /// <summary>The org's rate, once the number of events is known.</summary>
        public RateDecision? Rate { get; private set; }

        /// <summary>Called as memory is taken for what has arrived of the body, not for what was announced.</summary>
        /// <exception cref="OverLimitException">The org has too many bytes in progress.</exception>
        /// <exception cref="StorageUnavailableException">All orgs together have.</exception>
        public void AddBytes(long more)
        {
            if (!limiter.orgBytes.TryAdd(org, more, limiter.Options.MaxBytesInFlightPerOrg))
                throw new OverLimitException(
                    "too_many_bytes",
                    $"An organization's requests in progress may hold at most {limiter.Options.MaxBytesInFlightPerOrg} bytes.",
                    WhenFull
                );
            bytes += more;
            if (Interlocked.Add(ref limiter.bytesInFlight, more) > limiter.Options.MaxBytesInFlight)
                throw new StorageUnavailableException("Too many requests are in progress.");
        }

        /// <summary>Called once the number of events is known.</summary>
        /// <exception cref="OverLimitException">The org exceeds its limit.</exception>
        /// <exception cref="StorageUnavailableException">Too many bytes are in progress.</exception>
        public void AddEvents(int count)
        {
            AddBytes((long)count * BytesPerEvent);
            Rate = limiter.Rates.Take(org, count);
            if (!Rate.Value.Allowed)
                throw new OverLimitException(
                    "rate_limited",
                    $"An organization may send at most {Rate.Value.PerSecond} events per second.",
                    Rate.Value.RetryAfter
                );
            if (!limiter.events.TryAdd(org, count, limiter.Options.MaxQueuedEventsPerOrg))
                throw new OverLimitException(
                    "too_many_queued",
                    $"An organization may have at most {limiter.Options.MaxQueuedEventsPerOrg} events waiting to be stored.",
                    WhenFull
                );
            events += count;
        }

        public void Dispose()
        {
            if (left)
                return;
            left = true;
            Interlocked.Add(ref limiter.bytesInFlight, -bytes);
            limiter.orgBytes.Remove(org, bytes);
            limiter.events.Remove(org, events);
            limiter.requests.Remove(caller, 1);
        }
    }

    /// <summary>How much each holds; nothing is kept of who holds nothing.</summary>
    private sealed class Shares<TKey>
        where TKey : notnull
    {
        private readonly ConcurrentDictionary<TKey, long> held = new();

        public bool TryAdd(TKey key, long amount, long max)
        {
            if (held.AddOrUpdate(key, amount, (_, before) => before + amount) <= max)
                return true;
            Remove(key, amount);
            return false;
        }

        public void Remove(TKey key, long amount)
        {
            if (amount == 0)
                return;
            // Removed only while it is still zero: another request may have reserved in between.
            if (held.AddOrUpdate(key, 0, (_, before) => before - amount) == 0)
                held.TryRemove(new KeyValuePair<TKey, long>(key, 0));
        }
    }
}
