using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// Events of any number of batches, folded into the sums that the database adds. Pure: independent of the order and grouping of events.
/// </summary>
/// <param name="metersByOrg">The meters of each org.</param>
/// <param name="corrected">
/// Events that an applied correction voids or replaces: like all events they are in the buckets' digests, but no meter counts them.
/// </param>
internal sealed class FoldUsage(
    IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>> metersByOrg,
    IReadOnlySet<EventIdentity>? corrected = null
)
{
    private static readonly IReadOnlyList<MeterDefinition> NoMeters = [];
    private static readonly long EarliestUs = Limits.Earliest.ToUnixTimeMilliseconds() * 1_000;
    private static readonly long LatestUs = Limits.Latest.ToUnixTimeMilliseconds() * 1_000;

    public Dictionary<AggregateKey, UsageTotals> Aggregates { get; } = [];

    public Dictionary<BucketKey, UsageTotals> BucketTotals { get; } = [];

    public int EventCount { get; private set; }

    /// <summary>Meters whose level outlasts the period of the event that changed it.</summary>
    public IReadOnlySet<Guid> Lasting { get; } =
        metersByOrg
            .Values.SelectMany(meters => meters)
            .Where(meter => meter.Aggregation == MeterAggregation.WeightedSum)
            .Select(meter => meter.Id)
            .ToHashSet();

    public void Add(UsageBatch batch)
    {
        var (orgId, batchId) = (OrgOf(batch), IdOf(batch));
        var meters = metersByOrg.GetValueOrDefault(orgId, NoMeters);
        foreach (var usageEvent in batch.Events)
        {
            EventCount++;
            var hash = UsageDigest.EventHash(usageEvent.ContentHash.Span);
            var bucket = Buckets.StartOf(usageEvent.TimestampUs);
            Totals(BucketTotals, new BucketKey(orgId, bucket, batch.Partition)).Add(default, hash);
            // A void counts for nothing itself; a replacement counts like any event.
            if (usageEvent.Corrects is { Replaces: false } || IsCorrected(orgId, batchId, usageEvent))
                continue;
            foreach (var meter in meters)
            {
                if (meter.Measure(usageEvent.Type, usageEvent.Properties.Span, usageEvent.TimestampUs) is { } measurement)
                    Totals(
                            Aggregates,
                            new AggregateKey(orgId, usageEvent.Customer, meter.Id, bucket, measurement.Dimensions ?? ""),
                            meter.Aggregation
                        )
                        .Add(measurement, hash);
            }
        }
    }

    private bool IsCorrected(Guid orgId, Guid batchId, UsageEvent usageEvent) =>
        corrected is { Count: > 0 } && corrected.Contains(new EventIdentity(orgId, batchId, usageEvent.IdempotencyKey));

    public static Guid OrgOf(UsageBatch batch) => new(batch.OrgId.Span, bigEndian: true);

    public static Guid IdOf(UsageBatch batch) => new(batch.BatchId.Span, bigEndian: true);

    /// <summary>Parses a record's value; returns the reason when it is not a valid batch.</summary>
    public static (UsageBatch? Batch, string? Reason) Parse(byte[]? payload)
    {
        if (payload is not { Length: > 0 })
            return (null, "The record has no value.");
        try
        {
            var batch = UsageBatch.Parser.ParseFrom(payload);
            return ReasonAgainst(batch) is { } reason ? (null, reason) : (batch, null);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return (null, $"The value is no UsageBatch: {exception.Message}");
        }
    }

    /// <summary>Why a batch, from Kafka or from Ingestion's store, cannot be counted; null when it can.</summary>
    public static string? ReasonAgainst(UsageBatch batch)
    {
        if (batch.BatchId.Length != 16 || batch.OrgId.Length != 16)
            return "The batch names no batch id or org.";
        foreach (var usageEvent in batch.Events)
        {
            if (usageEvent.Customer.Length == 0 || usageEvent.Type.Length == 0 || usageEvent.ContentHash.Length != 16)
                return $"The event '{usageEvent.IdempotencyKey}' lacks a customer, type or content hash.";
            if (usageEvent.TimestampUs < EarliestUs || usageEvent.TimestampUs > LatestUs)
                return $"The event '{usageEvent.IdempotencyKey}' has a timestamp outside of the years 1970 to 2200.";
            if (
                usageEvent.Corrects is { } earlier
                && (earlier.BatchId.Length != 16 || earlier.IdempotencyKey.Length == 0 || earlier.Customer.Length == 0)
            )
                return $"The event '{usageEvent.IdempotencyKey}' corrects an event that it does not name.";
        }

        return null;
    }

    private static UsageTotals Totals<TKey>(Dictionary<TKey, UsageTotals> all, TKey key, MeterAggregation? aggregation = null)
        where TKey : notnull
    {
        if (!all.TryGetValue(key, out var totals))
            all.Add(key, totals = new UsageTotals { Aggregation = aggregation });
        return totals;
    }
}
