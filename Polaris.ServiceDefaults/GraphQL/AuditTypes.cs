using GraphQL;
using GraphQL.Federation;
using NodaTime;
using Polaris.ServiceDefaults.Audit;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>What was done in the org, when and by whom. The same type in every service that has a log.</summary>
[Name("AuditEntry")]
[Shareable]
public sealed record AuditEntryType(
    [property: Id] Guid Id,
    Instant At,
    string Action,
    string ActorKind,
    [property: Id] string? ActorId,
    string? Subject,
    string? Detail
)
{
    [Ignore]
    public static AuditEntryType Of(AuditRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new(row.Id, row.At, row.Action, row.ActorKind, row.ActorId, row.Subject, row.Detail);
    }
}

/// <summary>A page of a log, newest first.</summary>
[Name("AuditPage")]
[Shareable]
public sealed record AuditPageType(IReadOnlyList<AuditEntryType> Nodes, string? EndCursor, bool HasNextPage)
{
    [Ignore]
    public static AuditPageType Of(AuditPage page)
    {
        ArgumentNullException.ThrowIfNull(page);
        return new([.. page.Rows.Select(AuditEntryType.Of)], page.EndCursor, page.HasNextPage);
    }
}
