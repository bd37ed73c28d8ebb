using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>Key of an aggregate: customer, meter, bucket and dimension values.</summary>
internal readonly record struct AggregateKey(Guid OrgId, string Customer, Guid MeterId, long BucketMicroseconds, string Dimensions = "");

internal readonly record struct BucketKey(Guid OrgId, long BucketMicroseconds, int Partition);

/// <summary>Identifies a stored event. Idempotency keys are unique in an org; the batch locates the event.</summary>
internal readonly record struct EventIdentity(Guid OrgId, Guid BatchId, string IdempotencyKey);

/// <summary>The customer and time span of a usage query; <paramref name="Index"/> identifies it in the result.</summary>
/// <param name="Index">Unique in the query.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="Start">Inclusive.</param>
/// <param name="End">Exclusive.</param>
/// <param name="Whole">The period over which a level is averaged; null: the span itself.</param>
internal readonly record struct UsageSpan(int Index, string Customer, Instant Start, Instant End, BillingPeriod? Whole = null)
{
    public BilledSpan Billed => new(new BillingPeriod(Start, End), Whole ?? new BillingPeriod(Start, End));
}
