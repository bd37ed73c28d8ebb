using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features;

/// <summary>A page of rows and the cursor of the next one.</summary>
internal sealed record Page<TRow>(IReadOnlyList<TRow> Rows, int TotalCount, string? EndCursor, bool HasNextPage);

internal static class Paging
{
    public const int MaxPage = 1_000;

    /// <exception cref="RefusedException"><paramref name="first"/> is not 1 to <see cref="MaxPage"/>.</exception>
    public static int Check(int first) =>
        first is >= 1 and <= MaxPage
            ? first
            : throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' is 1 to {MaxPage}, not {first}."));

    /// <param name="rows">One row more than asked for when there are more.</param>
    /// <param name="first">The page size.</param>
    /// <param name="total">The number of rows on all pages.</param>
    /// <param name="cursor">The row's key in the sort order.</param>
    public static Page<TRow> ToPage<TRow>(List<TRow> rows, int first, int total, Func<TRow, string> cursor)
    {
        var more = rows.Count > first;
        if (more)
            rows.RemoveAt(rows.Count - 1);
        return new Page<TRow>(rows, total, rows.Count == 0 ? null : cursor(rows[^1]), more);
    }
}
