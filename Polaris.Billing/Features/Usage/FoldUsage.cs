using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Ingestion.Domain;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>Where a customer's usage of a meter is summed up: a bucket, and in it the values of the meter's dimensions.</summary>
internal readonly record struct AggregateKey(Guid OrgId, string Customer, Guid MeterId, long BucketMicroseconds, string Dimensions = "");

internal readonly record struct BucketKey(Guid OrgId, long BucketMicroseconds, int Partition);

/// <summary>Events of any number of batches, folded into what the database adds up. Pure: neither order nor grouping of events matters.</summary>
/// <param name="metersByOrg">What is counted.</param>
/// <param name="corrected">Events that an applied correction names: they are in the buckets' digests, like every event, and count for no meter.</param>
internal sealed class FoldUsage(IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>> metersByOrg, IReadOnlySet<EventIdentity>? corrected = null)
{
    private static readonly IReadOnlyList<MeterDefinition> NoMeters = [];

    public Dictionary<AggregateKey, UsageTotals> Aggregates { get; } = [];

    public Dictionary<BucketKey, UsageTotals> Buckets { get; } = [];

    public int EventCount { get; private set; }

    /// <summary>Meters whose level lasts beyond the period in which an event changes it.</summary>
    public IReadOnlySet<Guid> Lasting { get; } = metersByOrg.Values.SelectMany(meters => meters).Where(meter => meter.Aggregation == Aggregation.WeightedSum).Select(meter => meter.Id).ToHashSet();

    public void Add(UsageBatch batch)
    {
        var (orgId, batchId) = (OrgOf(batch), IdOf(batch));
        var meters = metersByOrg.GetValueOrDefault(orgId, NoMeters);
        foreach (var usageEvent in batch.Events)
        {
            EventCount++;
            var hash = UsageDigest.EventHash(usageEvent.ContentHash.Span);
            var bucket = Domain.Buckets.StartOf(usageEvent.TimestampUs);
            Totals(Buckets, new BucketKey(orgId, bucket, batch.Partition)).Add(default, hash);
            // A void counts for nothing itself; a replacement counts like any event.
            if (usageEvent.Corrects is { Replaces: false } || IsCorrected(orgId, batchId, usageEvent)) continue;
            foreach (var meter in meters)
            {
                if (meter.Measure(usageEvent.Type, usageEvent.Properties.Span, usageEvent.TimestampUs) is { } measurement)
                    Totals(Aggregates, new AggregateKey(orgId, usageEvent.Customer, meter.Id, bucket, measurement.Dimensions ?? ""), meter.Aggregation).Add(measurement, hash);
            }
        }
    }

    private bool IsCorrected(Guid orgId, Guid batchId, UsageEvent usageEvent) =>
        corrected is { Count: > 0 } && corrected.Contains(new EventIdentity(orgId, batchId, usageEvent.IdempotencyKey));

    public static Guid OrgOf(UsageBatch batch) => new(batch.OrgId.Span, bigEndian: true);

    public static Guid IdOf(UsageBatch batch) => new(batch.BatchId.Span, bigEndian: true);

    /// <summary>The message of a record, or the reason why it is none.</summary>
    public static (UsageBatch? Batch, string? Reason) Parse(byte[]? payload)
    {
        if (payload is not { Length: > 0 }) return (null, "The record has no value.");
        try
        {
            var batch = UsageBatch.Parser.ParseFrom(payload);
            if (batch.BatchId.Length != 16 || batch.OrgId.Length != 16) return (null, "The batch names no batch id or org.");
            foreach (var usageEvent in batch.Events)
            {
                if (usageEvent.Customer.Length == 0 || usageEvent.Type.Length == 0 || usageEvent.ContentHash.Length != 16)
                    return (null, $"The event '{usageEvent.IdempotencyKey}' lacks a customer, type or content hash.");
                if (usageEvent.Corrects is { } earlier && (earlier.BatchId.Length != 16 || earlier.IdempotencyKey.Length == 0 || earlier.Customer.Length == 0))
                    return (null, $"The event '{usageEvent.IdempotencyKey}' corrects an event that it does not name.");
            }

            return (batch, null);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return (null, $"The value is no UsageBatch: {exception.Message}");
        }
    }

    public static Instant InstantOf(long bucketMicroseconds) => Domain.Buckets.FromMicroseconds(bucketMicroseconds);

    private static UsageTotals Totals<TKey>(Dictionary<TKey, UsageTotals> all, TKey key, Aggregation? aggregation = null)
        where TKey : notnull
    {
        if (!all.TryGetValue(key, out var totals)) all.Add(key, totals = new UsageTotals { Aggregation = aggregation });
        return totals;
    }
}
