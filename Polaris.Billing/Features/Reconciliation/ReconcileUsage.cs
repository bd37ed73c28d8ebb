using Grpc.Core;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>The result of a reconciliation on demand.</summary>
public sealed record ReconciliationReport(
    Instant From,
    Instant To,
    Instant CheckedThrough,
    int Buckets,
    long Events,
    IReadOnlyList<ReconciliationFinding> Findings,
    int Milliseconds
);

/// <summary>
/// Reconciles a span of an org on demand: its buckets against Ingestion's batches and every aggregate against the stored events, and
/// repairs differences. Bounded in time: the report says how far it came, and the next call continues there.
/// </summary>
internal sealed class ReconcileUsage(
    ReconcileBuckets reconcile,
    CompareAggregates aggregates,
    ReconciliationRecords records,
    TimeProvider time
) : IDisposable
{
    /// <summary>Shorter than the gateway's timeout for a service.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(15);

    /// <summary>Maximum concurrency, over all orgs.</summary>
    private const int MaxConcurrency = 2;

    private const int MaxSums = 50_000;

    /// <summary>Approximate number of events folded together.</summary>
    private const int MaxEvents = 50_000;

    private readonly SemaphoreSlim slots = new(MaxConcurrency);

    /// <exception cref="RefusedException">
    /// The span is not aligned to buckets, too many reconciliations are running, or Ingestion is unavailable.
    /// </exception>
    public async Task<ReconciliationReport> HandleAsync(Guid org, Instant from, Instant to, CancellationToken ct)
    {
        StatedDates.Check("from", from);
        StatedDates.Check("to", to);
        if (!Buckets.IsAligned(from))
            throw new RefusedException(
                Refusal.Invalid("from", "not_aligned", "'from' must be a multiple of 15 minutes, such as 10:15:00Z.")
            );
        if (!Buckets.IsAligned(to))
            throw new RefusedException(Refusal.Invalid("to", "not_aligned", "'to' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (to <= from)
            throw new RefusedException(Refusal.Invalid("to", "empty_span", "'to' must be after 'from'."));
        if (!await slots.WaitAsync(TimeSpan.Zero, ct))
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "reconciliation_busy", "Too many reconciliations are running. Try again in a moment.")
            );
        try
        {
            return await RunAsync(org, from, to, ct);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again.")
            );
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<ReconciliationReport> RunAsync(Guid org, Instant from, Instant to, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        var (through, buckets, events, findings) = (from, 0, 0L, new List<Finding>());
        while (through < to && TimeProvider.System.GetElapsedTime(began) < TimeLimit)
        {
            var (comparison, found) = await reconcile.HandleAsync(org, through, to, MaxSums, ct);
            if (comparison.Through == through)
                throw new RefusedException(
                    new Refusal(
                        RefusalKind.Unavailable,
                        "usage_under_way",
                        $"Too many batches of the bucket {through} are in flight. Try again in a moment."
                    )
                );
            findings.AddRange(found);
            foreach (var (start, end, count, size) in Chunks(comparison, through))
            {
                findings.AddRange(await aggregates.HandleAsync(org, start, end, ct));
                (through, buckets, events) = (end, buckets + size, events + count);
                if (TimeProvider.System.GetElapsedTime(began) >= TimeLimit)
                    break;
            }
        }

        await records.RecordAsync(org, buckets, inPass: 0, passDone: false, findings, ct);
        var now = time.GetCurrentInstant();
        return new ReconciliationReport(
            from,
            to,
            through,
            buckets,
            events,
            [
                .. findings.Select(finding => new ReconciliationFinding(
                    finding.Kind,
                    finding.BucketStart,
                    finding.Place,
                    finding.Stored,
                    finding.Expected,
                    now,
                    finding.Customer is null ? now : null
                )),
            ],
            (int)TimeProvider.System.GetElapsedTime(began).TotalMilliseconds
        );
    }

    /// <summary>
    /// Splits the compared span into chunks of about <see cref="MaxEvents"/> events; stretches without events belong to an adjacent
    /// chunk.
    /// </summary>
    private static IEnumerable<(Instant Start, Instant End, long Events, int Buckets)> Chunks(BucketComparison comparison, Instant from)
    {
        var (start, events, buckets) = (from, 0L, 0);
        foreach (var (bucket, count) in comparison.EventsByBucket)
        {
            if (buckets > 0 && events + count > MaxEvents)
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
