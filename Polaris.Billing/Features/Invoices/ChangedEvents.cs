using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Why an event counts now and did not when its invoice became final, or the other way round.</summary>
public enum ChangeOfEvent
{
    /// <summary>It came later.</summary>
    Late,

    /// <summary>It came later and replaces an earlier one.</summary>
    Replacement,

    /// <summary>It was voided or replaced later.</summary>
    TakenBack,
}

/// <param name="IdempotencyKey">Unique in the org.</param>
/// <param name="Type">Its type.</param>
/// <param name="At">Its timestamp.</param>
/// <param name="Change">What happened.</param>
/// <param name="ChangedAt">When Polaris took the event, or what takes it back.</param>
public sealed record ChangedEvent(string IdempotencyKey, string Type, Instant At, ChangeOfEvent Change, Instant ChangedAt);

/// <summary>
/// Collects, of all events that a recomputation reads, those that changed after a final invoice. The first by timestamp and key are kept,
/// the others only counted.
/// </summary>
internal sealed class ChangedEvents(Instant since)
{
    public const int MaxNamed = 100;

    /// <summary>More are not counted.</summary>
    public const int MaxCounted = 100_000;

    private static readonly Comparer<ChangedEvent> ByPlace = Comparer<ChangedEvent>.Create(
        (one, other) => one.At != other.At ? one.At.CompareTo(other.At) : string.CompareOrdinal(one.IdempotencyKey, other.IdempotencyKey)
    );

    private readonly SortedSet<ChangedEvent> named = new(ByPlace);
    private readonly HashSet<string> counted = new(StringComparer.Ordinal);

    public IReadOnlyList<ChangedEvent> Named => [.. named];

    public int Count => counted.Count;

    /// <summary>An event that a meter of the invoice measures; it may be seen several times.</summary>
    public void See(UsageBatch batch, UsageEvent one)
    {
        // A void itself never counts.
        if (one.Corrects is { Replaces: false })
            return;
        var received = EventPlace.ReceivedAt(batch.BatchId.Span);
        var takenBack = one.CorrectedBy.Length > 0 ? EventPlace.ReceivedAt(one.CorrectedBy.Span) : (Instant?)null;
        if (received < since == takenBack is null || takenBack < since)
            return; // It counted and still does, or counts neither then nor now.
        if (counted.Count >= MaxCounted || !counted.Add(one.IdempotencyKey))
            return;
        named.Add(
            new ChangedEvent(
                one.IdempotencyKey,
                one.Type,
                Buckets.FromMicroseconds(one.TimestampUs),
                takenBack is not null ? ChangeOfEvent.TakenBack
                    : one.Corrects is null ? ChangeOfEvent.Late
                    : ChangeOfEvent.Replacement,
                takenBack ?? received
            )
        );
        if (named.Count > MaxNamed)
            named.Remove(named.Max!);
    }
}
