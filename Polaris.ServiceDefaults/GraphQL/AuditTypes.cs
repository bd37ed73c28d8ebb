using GraphQL;
using GraphQL.Federation;
using NodaTime;
using Polaris.ServiceDefaults.Audit;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>What was done in the org, when and by whom. The same type in every service that has a log.</summary>
/// <param name="Id">The entry's id; ids are in order of time.</param>
/// <param name="At">When it was done.</param>
/// <param name="Action">A stable name of what was done; in the logs of plans, billing and notifications it is the mutation.</param>
/// <param name="ActorKind">Who did it: user, api_key or system.</param>
/// <param name="ActorId">The id of the person or API key; null for the system.</param>
/// <param name="Subject">The id or key of what was acted on; null when it is about the org as a whole.</param>
/// <param name="Detail">More of it, such as a role or the mutation's input as JSON, without secrets; may be null.</param>
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
/// <param name="Nodes">The entries of the page, newest first.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
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
