using System.Globalization;
using GraphQL;
using NodaTime;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Reconciliation;

namespace Polaris.Billing.GraphQL;

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

[Name("DeadLetterReplay")]
public sealed record DeadLetterReplayType(int Replayed, int Resolved, IReadOnlyList<DeadLetterType> Failed)
{
    internal static DeadLetterReplayType Of(DeadLetterReplay replay) =>
        new(replay.Replayed, replay.Resolved, [.. replay.Failed.Select(DeadLetterType.Of)]);
}
