using System.Globalization;
using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Usage;

namespace Polaris.Billing.GraphQL;

[Name("AuditFinding")]
public sealed record AuditFindingType(DriftKind Kind, Instant BucketStart, string Place, string Stored, string Expected, Instant FoundAt, Instant? HealedAt)
{
    internal static AuditFindingType Of(AuditFinding one) => new(one.Kind, one.BucketStart, one.Place, one.Stored, one.Expected, one.FoundAt, one.HealedAt);
}

[Name("Audit")]
public sealed record AuditType(
    Instant? LastCheckedAt, Instant? LastPassAt, int BucketsInLastPass, int DriftFound, int DriftHealed, IReadOnlyList<AuditFindingType> Findings)
{
    internal static AuditType Of(AuditState state) => new(
        state.LastCheckedAt, state.LastPassAt, checked((int)state.BucketsInLastPass), checked((int)state.DriftFound), checked((int)state.DriftHealed),
        [.. state.Findings.Select(AuditFindingType.Of)]);
}

[Name("AuditReport")]
public sealed record AuditReportType(
    Instant From, Instant To, Instant CheckedThrough, int Buckets, int Events, int DriftFound, int DriftHealed, IReadOnlyList<AuditFindingType> Findings, int Milliseconds)
{
    internal static AuditReportType Of(AuditReport report) => new(
        report.From, report.To, report.CheckedThrough, report.Buckets, checked((int)report.Events), report.Findings.Count, report.Findings.Count(one => one.HealedAt is not null),
        [.. report.Findings.Select(AuditFindingType.Of)], report.Milliseconds);
}

[Name("DeadLetter")]
public sealed record DeadLetterType(
    [property: Id] Guid Id, string Reason, string Source, int Bytes, Instant SeenAt, int Attempts, Instant? ResolvedAt)
{
    internal static DeadLetterType Of(DeadLetter one) => new(
        one.Id, one.Reason, string.Create(CultureInfo.InvariantCulture, $"{one.Topic} [{one.Partition}] @{one.Offset}"), one.Bytes, one.SeenAt, one.Attempts, one.ResolvedAt);
}

[Name("DeadLetterReplay")]
public sealed record DeadLetterReplayType(int Replayed, int Resolved, IReadOnlyList<DeadLetterType> Failed)
{
    internal static DeadLetterReplayType Of(DeadLetterReplay one) => new(one.Replayed, one.Resolved, [.. one.Failed.Select(DeadLetterType.Of)]);
}
