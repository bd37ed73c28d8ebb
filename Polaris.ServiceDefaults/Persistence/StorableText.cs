using System.Buffers;
using System.Data.Common;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// Text that PostgreSQL cannot store: with U+0000, or with half of a surrogate pair. The server refuses the first and the driver the second
/// only while the statement's values are sent, which costs the connection; here it is refused before. Every parameter passes this check,
/// whatever door its text came in by.
/// </summary>
public static class StorableText
{
    public const string Code = "invalid_text";

    public const string Rule = "Text must not contain U+0000 or half of a surrogate pair.";

    private static readonly SearchValues<char> Zero = SearchValues.Create('\0');

    public static bool IsStorable(ReadOnlySpan<char> text)
    {
        if (text.ContainsAny(Zero))
            return false;
        for (var at = text.IndexOfAnyInRange('\ud800', '\udfff'); at >= 0; )
        {
            if (!char.IsHighSurrogate(text[at]) || at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1]))
                return false;
            text = text[(at + 2)..];
            at = text.IndexOfAnyInRange('\ud800', '\udfff');
        }

        return true;
    }

    /// <exception cref="RefusedException">The value is a string, or a list of them, that cannot be stored.</exception>
    internal static void Check(object? value)
    {
        var storable = value switch
        {
            string text => IsStorable(text),
            IEnumerable<string?> texts => texts.All(text => IsStorable(text)),
            _ => true,
        };
        if (!storable)
            throw new RefusedException(new Refusal(RefusalKind.InvalidInput, Code, Rule));
    }

    internal static void Check(DbCommand command)
    {
        foreach (DbParameter parameter in command.Parameters)
            Check(parameter.Value);
    }
}
