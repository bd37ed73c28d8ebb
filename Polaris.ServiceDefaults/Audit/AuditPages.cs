using Microsoft.EntityFrameworkCore;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.ServiceDefaults.Audit;

/// <summary>A page of the log, newest first.</summary>
public sealed record AuditPage(IReadOnlyList<AuditRow> Rows, string? EndCursor, bool HasNextPage);

/// <summary>Reads a log page by page.</summary>
public static class AuditPages
{
    /// <summary>Maximum number of entries of a page.</summary>
    public const int MaxPage = 200;

    /// <summary>Checks a page's arguments, before a transaction begins.</summary>
    /// <returns>The cursor: an entry's id.</returns>
    /// <exception cref="RefusedException">The page is too large, or the cursor is none.</exception>
    public static Guid? Check(int first, string? after) =>
        first is >= 1 and <= MaxPage
            ? Cursors.Id(after)
            : throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxPage}, not {first}."));

    /// <summary>Reads the entries after a cursor, newest first.</summary>
    public static async Task<AuditPage> ReadAsync(IQueryable<AuditRow> matching, int first, Guid? after, CancellationToken ct)
    {
        if (after is { } id)
            matching = matching.Where(row => row.Id.CompareTo(id) < 0);
        var rows = await matching.AsNoTracking().OrderByDescending(row => row.Id).Take(first + 1).ToListAsync(ct);
        var more = rows.Count > first;
        if (more)
            rows.RemoveAt(rows.Count - 1);
        return new AuditPage(rows, rows.Count == 0 ? null : rows[^1].Id.ToString(), more);
    }
}
