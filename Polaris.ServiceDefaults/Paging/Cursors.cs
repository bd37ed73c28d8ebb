using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Paging;

/// <summary>
/// Cursors of pages, which clients take from an earlier page's <c>endCursor</c>. Any other text is refused: read as "from the start", it
/// would make a client read the first page for ever.
/// </summary>
public static class Cursors
{
    private const string Field = "after";

    /// <summary>A cursor that is a row's id; null for the first page.</summary>
    /// <exception cref="RefusedException">It is none.</exception>
    public static Guid? Id(string? after) =>
        after is null ? null
        : Guid.TryParseExact(after, "D", out var id) ? id
        : throw Bad();

    /// <summary>A cursor that is a key of the org; null for the first page.</summary>
    /// <exception cref="RefusedException">No key is like that.</exception>
    public static string? Key(string? after) => Checked(after, after is { Length: > 0 and <= Limits.MaxTextLength });

    /// <summary>A cursor of another kind; null for the first page.</summary>
    /// <exception cref="RefusedException"><paramref name="isCursor"/> is false.</exception>
    public static string? Checked(string? after, bool isCursor) => after is null || isCursor ? after : throw Bad();

    /// <summary>
    /// A cursor as clients see it: with the name of its list, so that one of another list is not taken for a place in this one.
    /// </summary>
    public static string Name(string list, string cursor) => Base64UrlTextEncoder.Encode(Encoding.UTF8.GetBytes($"{list}\n{cursor}"));

    /// <summary>The place in the list.</summary>
    /// <exception cref="RefusedException">It is no cursor, or one of another list.</exception>
    public static string Unname(string list, string after)
    {
        ArgumentNullException.ThrowIfNull(list);
        ArgumentNullException.ThrowIfNull(after);
        string text;
        try
        {
            text = Encoding.UTF8.GetString(Base64UrlTextEncoder.Decode(after));
        }
        catch (FormatException)
        {
            throw Bad();
        }

        return text.StartsWith(list + "\n", StringComparison.Ordinal) ? text[(list.Length + 1)..] : throw Bad();
    }

    private static RefusedException Bad() =>
        new(Refusal.Invalid(Field, "invalid_cursor", "'after' must be the 'endCursor' of an earlier page of the same list."));
}
