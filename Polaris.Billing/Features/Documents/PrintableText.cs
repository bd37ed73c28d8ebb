using System.Globalization;
using System.Text;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// Text as it can be printed: what the fonts have. What they do not have becomes <see cref="Missing"/>, so that it is missed. The HTML
/// shows everything.
/// </summary>
internal static class PrintableText
{
    /// <summary>Printed for a character without a glyph.</summary>
    public const string Missing = "[?]";

    /// <summary>Without what has no glyph; line ends stay, all other white space but the no-break space is a space.</summary>
    public static string Of(string text)
    {
        var printable = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '\n')
                printable.Append('\n');
            else if (rune.Value == 0xa0)
                printable.Append('\u00a0');
            else if (rune.Value == '\r' || IsInvisible(rune))
                continue;
            else if (Rune.IsWhiteSpace(rune))
                printable.Append(' ');
            else if (PrintFonts.Has(rune.Value))
                printable.Append(rune);
            else
                printable.Append(Missing);
        }

        return printable.ToString();
    }

    /// <summary>Marks of direction, joiners, variants: nothing to see.</summary>
    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format || rune.Value is (>= 0xfe00 and <= 0xfe0f) or (>= 0xe0000 and <= 0xe0fff);
}
