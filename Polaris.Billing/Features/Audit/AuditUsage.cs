using NodaTime;
using Grpc.Core;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Audit;

/// <summary>What an audit on demand looked at and found.</summary>
public sealed record AuditReport(Instant From, Instant To, Instant CheckedThrough, int Buckets, long Events, IReadOnlyList<AuditFinding> Findings, int Milliseconds);

/// <summary>
/// Audits a span of an org at once, and deeply: its buckets against Ingestion's batches, and every aggregate against the stored events. Heals
/// what it finds. Bounded in time: the report tells how far it came, and the next call goes on there.
/// </summary>
internal sealed class AuditUsage(AuditBuckets audit, CompareAggregates aggregates, AuditRecords records, TimeProvider time) : IDisposable
{
    /// <summary>Shorter than what the gateway waits for a service.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>So many run at once, whoever's they are.</summary>
    private const int AtOnce = 2;

    private const int SumsAtOnce = 50_000;

    /// <summary>About as many events are folded in one go.</summary>
    private const int EventsAtOnce = 50_000;

    private readonly SemaphoreSlim slots = new(AtOnce);

    /// <exception cref="RefusedException">The span is no span of buckets, other audits are running, or raw events cannot be read now.</exception>
    public async Task<AuditReport> HandleAsync(Guid org, Instant from, Instant to, CancellationToken ct)
    {
        if (!Buckets.IsAligned(from)) throw new RefusedException(Refusal.Invalid("from", "not_aligned", "'from' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (!Buckets.IsAligned(to)) throw new RefusedException(Refusal.Invalid("to", "not_aligned", "'to' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (to <= from) throw new RefusedException(Refusal.Invalid("to", "empty_span", "'to' must be after 'from'."));
        if (from < NodaConstants.UnixEpoch || to > SlowCycle.End) throw new RefusedException(Refusal.Invalid("to", "out_of_range", "A span lies between the years 1970 and 2500."));
        if (!await slots.WaitAsync(TimeSpan.Zero, ct)) throw new RefusedException(new Refusal(RefusalKind.Unavailable, "audit_busy", "Other audits are running. Try again in a moment."));
        try
        {
            return await RunAsync(org, from, to, ct);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again."));
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<AuditReport> RunAsync(Guid org, Instant from, Instant to, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        var (through, buckets, events, findings) = (from, 0, 0L, new List<Finding>());
        while (through < to && TimeProvider.System.GetElapsedTime(began) < Patience)
        {
            var (comparison, found) = await audit.HandleAsync(org, through, to, SumsAtOnce, ct);
            if (comparison.Through == through)
                throw new RefusedException(new Refusal(RefusalKind.Unavailable, "usage_under_way", $"Too much usage of {through} is under way. Try again in a moment."));
            findings.AddRange(found);
            foreach (var (start, end, count, size) in Chunks(comparison, through))
            {
                findings.AddRange(await aggregates.HandleAsync(org, start, end, ct));
                (through, buckets, events) = (end, buckets + size, events + count);
                if (TimeProvider.System.GetElapsedTime(began) >= Patience) break;
            }
        }

        await records.NoteAsync(org, buckets, inPass: 0, passDone: false, findings, ct);
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        return new AuditReport(
            from, to, through, buckets, events,
            [.. findings.Select(one => new AuditFinding(one.Kind, one.BucketStart, one.Place, one.Stored, one.Expected, now, one.Customer is null ? now : null))],
            (int)TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
    }

    /// <summary>The compared span, cut where about <see cref="EventsAtOnce"/> events are together; stretches without events belong to a neighbour.</summary>
    private static IEnumerable<(Instant Start, Instant End, long Events, int Buckets)> Chunks(BucketComparison comparison, Instant from)
    {
        var (start, events, buckets) = (from, 0L, 0);
        foreach (var (bucket, count) in comparison.EventsByBucket)
        {
            if (buckets > 0 && events + count > EventsAtOnce)
            {
                yield return (start, bucket, events, buckets);
                (start, events, buckets) = (bucket, 0, 0);
            }

            (events, buckets) = (events + count, buckets + 1);
        }

        yield return (start, comparison.Through, events, buckets);
    }

    public void Dispose() => slots.Dispose();
}
