using System.Globalization;
using GraphQL;
using NodaTime;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Reconciliation;

namespace Polaris.Billing.GraphQL;

/// <summary>A difference between what was counted and the stored events.</summary>
/// <param name="Kind">What kind of difference it is.</param>
/// <param name="BucketStart">The beginning of the quarter of an hour that it is in.</param>
/// <param name="Place">What differs, for people: a partition, batches, or a customer and meter.</param>
/// <param name="Stored">What was found.</param>
/// <param name="Expected">What it should have been.</param>
/// <param name="FoundAt">When it was found.</param>
/// <param name="RepairedAt">When it was repaired; null while it is not.</param>
[Name("ReconciliationFinding")]
public sealed record ReconciliationFindingType(
    DriftKind Kind,
    Instant BucketStart,
    string Place,
    string Stored,
    string Expected,
    Instant FoundAt,
    Instant? RepairedAt
)
{
    internal static ReconciliationFindingType Of(ReconciliationFinding finding) =>
        new(finding.Kind, finding.BucketStart, finding.Place, finding.Stored, finding.Expected, finding.FoundAt, finding.RepairedAt);
}

/// <summary>What reconciliation has compared, found and repaired in the org.</summary>
/// <param name="LastCheckedAt">When something of the org was last compared; null for never.</param>
/// <param name="LastPassAt">When all of the org was last compared; null for never.</param>
/// <param name="BucketsInLastPass">The number of quarters of an hour that the last whole pass compared.</param>
/// <param name="DriftFound">The number of differences that were ever found.</param>
/// <param name="DriftRepaired">The number of those that were repaired.</param>
/// <param name="Findings">The latest differences, newest first, at most 100 of the last 90 days.</param>
[Name("Reconciliation")]
public sealed record ReconciliationType(
    Instant? LastCheckedAt,
    Instant? LastPassAt,
    long BucketsInLastPass,
    long DriftFound,
    long DriftRepaired,
    IReadOnlyList<ReconciliationFindingType> Findings
)
{
    internal static ReconciliationType Of(ReconciliationState state) =>
        new(
            state.LastCheckedAt,
            state.LastPassAt,
            state.BucketsInLastPass,
            state.DriftFound,
            state.DriftRepaired,
            [.. state.Findings.Select(ReconciliationFindingType.Of)]
        );
}

/// <summary>What one reconciliation compared, found and repaired.</summary>
/// <param name="From">The beginning of the span, inclusive.</param>
/// <param name="To">The end of the span, exclusive.</param>
/// <param name="CheckedThrough">How far it came; before <c>to</c> when time ran out.</param>
/// <param name="Buckets">The number of quarters of an hour that were compared.</param>
/// <param name="Events">The number of stored events in them.</param>
/// <param name="DriftFound">The number of differences that were found.</param>
/// <param name="DriftRepaired">The number of those that were repaired.</param>
/// <param name="Findings">The differences that were found.</param>
/// <param name="Milliseconds">How long it took.</param>
[Name("ReconciliationReport")]
public sealed record ReconciliationReportType(
    Instant From,
    Instant To,
    Instant CheckedThrough,
    int Buckets,
    long Events,
    int DriftFound,
    int DriftRepaired,
    IReadOnlyList<ReconciliationFindingType> Findings,
    int Milliseconds
)
{
    internal static ReconciliationReportType Of(ReconciliationReport report) =>
        new(
            report.From,
            report.To,
            report.CheckedThrough,
            report.Buckets,
            report.Events,
            report.Findings.Count,
            report.Findings.Count(finding => finding.RepairedAt is not null),
            [.. report.Findings.Select(ReconciliationFindingType.Of)],
            report.Milliseconds
        );
}

/// <summary>A record of usage that could not be counted.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="Reason">Why it could not be counted.</param>
/// <param name="Source">Where it was read: topic, partition and offset.</param>
/// <param name="Bytes">The record's size.</param>
/// <param name="SeenAt">When it was read.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="ResolvedAt">When it was counted after all; null while it is not.</param>
[Name("DeadLetter")]
public sealed record DeadLetterType(
    [property: Id] Guid Id,
    string Reason,
    string Source,
    int Bytes,
    Instant SeenAt,
    int Attempts,
    Instant? ResolvedAt
)
{
    internal static DeadLetterType Of(DeadLetter letter) =>
        new(
            letter.Id,
            letter.Reason,
            string.Create(CultureInfo.InvariantCulture, $"{letter.Topic} [{letter.Partition}] @{letter.Offset}"),
            letter.Bytes,
            letter.SeenAt,
            letter.Attempts,
            letter.ResolvedAt
        );
}

/// <summary>What became of dead letters that were tried again.</summary>
/// <param name="Replayed">How many were tried.</param>
/// <param name="Resolved">How many are counted now.</param>
/// <param name="Failed">Those that still could not be counted, with the new reason.</param>
[Name("DeadLetterReplay")]
public sealed record DeadLetterReplayType(int Replayed, int Resolved, IReadOnlyList<DeadLetterType> Failed)
{
    internal static DeadLetterReplayType Of(DeadLetterReplay replay) =>
        new(replay.Replayed, replay.Resolved, [.. replay.Failed.Select(DeadLetterType.Of)]);
}
