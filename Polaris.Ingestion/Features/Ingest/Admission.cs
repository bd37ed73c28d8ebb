using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>The org is over its limit: 429.</summary>
internal sealed class OverLimitException(string code, string message, TimeSpan retryAfter) : Exception(message)
{
    public string Code { get; } = code;

    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>
/// Keeps memory bounded and orgs apart: a rate for each org, a bound on the events of each that wait for the store, and one on the bytes of
/// all requests under way. Counts in this process only, so n replicas let n times as much through.
/// </summary>
internal sealed class Admission : IDisposable
{
    /// <summary>What an event takes in memory beside its bytes, about.</summary>
    private const int BytesPerEvent = 256;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WhenQueueIsFull = TimeSpan.FromSeconds(1);

    private readonly IngestionOptions options;
    private readonly PartitionedRateLimiter<Guid> rates;
    private readonly ConcurrentDictionary<Guid, int> queued = new();
    private long bytesUnderWay;

    public Admission(IOptions<IngestionOptions> options)
    {
        this.options = options.Value;
        var rate = this.options.EventsPerSecond;
        rates = PartitionedRateLimiter.Create<Guid, Guid>(org => RateLimitPartition.GetTokenBucketLimiter(org, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Math.Max(rate, Limits.MaxEvents),
            TokensPerPeriod = Math.Max(rate / 10, 1),
            ReplenishmentPeriod = rate < 10 ? TimeSpan.FromSeconds(1) / rate : Period,
            QueueLimit = 0,
        }));
    }

    /// <summary>Before the body is read: room for its bytes, held until the request is answered.</summary>
    /// <exception cref="StorageUnavailableException">Too much is under way.</exception>
    public Room Enter(long? announcedBytes)
    {
        var bytes = Math.Min(announcedBytes ?? Limits.MaxRequestBytes, Limits.MaxRequestBytes);
        var room = new Room(this);
        room.Take(bytes);
        return room;
    }

    public void Dispose() => rates.Dispose();

    /// <summary>What one request holds.</summary>
    internal sealed class Room(Admission admission) : IDisposable
    {
        private long bytes;
        private Guid org;
        private int events;

        public void Take(long more)
        {
            bytes += more;
            if (Interlocked.Add(ref admission.bytesUnderWay, more) <= admission.options.MaxBytesUnderWay) return;
            Dispose();
            throw new StorageUnavailableException("Too many requests are under way.");
        }

        /// <summary>As soon as it is known whose events they are and how many.</summary>
        /// <exception cref="OverLimitException">The org sends too many.</exception>
        /// <exception cref="StorageUnavailableException">Too much is under way.</exception>
        public void Admit(Guid ofOrg, int count)
        {
            Take((long)count * BytesPerEvent);
            using (var lease = admission.rates.AttemptAcquire(ofOrg, count))
            {
                if (!lease.IsAcquired)
                {
                    var after = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Period;
                    throw new OverLimitException("rate_limited", $"An organization sends at most {admission.options.EventsPerSecond} events a second.", after);
                }
            }

            (org, events) = (ofOrg, count);
            if (admission.queued.AddOrUpdate(org, count, (_, before) => before + count) > admission.options.MaxQueuedEventsPerOrg)
                throw new OverLimitException("too_many_queued", $"At most {admission.options.MaxQueuedEventsPerOrg} events of an organization wait to be stored at once.", WhenQueueIsFull);
        }

        public void Dispose()
        {
            Interlocked.Add(ref admission.bytesUnderWay, -bytes);
            bytes = 0;
            if (events == 0) return;
            var left = admission.queued.AddOrUpdate(org, 0, (_, before) => before - events);
            // Removed only when it still is zero: another request may have come in between.
            if (left == 0) admission.queued.TryRemove(new KeyValuePair<Guid, int>(org, 0));
            events = 0;
        }
    }
}
