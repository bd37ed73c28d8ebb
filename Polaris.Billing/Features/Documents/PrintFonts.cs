using System.Globalization;
using PdfSharp.Fonts;
using PdfSharp.WPFonts;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// The fonts of printed invoices: those that come with PDFsharp, because a server has none and an invoice must look the same on all of
/// them. They cover Latin, Greek and Cyrillic.
/// </summary>
internal sealed class PrintFonts : IFontResolver
{
    public const string Family = "Segoe WP";

    private const string Regular = "regular";
    private const string Bold = "bold";

    /// <summary>Characters that both have, as hexadecimal ranges (by <c>fc-query</c>).</summary>
    private const string Characters = """
        20-7e a0-17f 18f 192 1dd 1fa-1ff 218-21b 237 259 2bb-2bc 2c6-2c7 2c9 2d8-2dd 384-386 388-38a 38c 38e-3a1 3a3-3ce 3d8-3d9
        3dc-3dd 3e0-3e1 3fa-3fb 400-45f 490-493 496-497 49a-49d 4a2-4a3 4ae-4af 4b2-4b3 4b8-4bb 4d8-4d9 4e8-4e9 1e80-1e85
        1ef2-1ef3 2013-2015 2018-201e 2020-2022 2026 2030 2032-2033 2039-203a 203c 203e 2044 207f 20a3-20a4 20a7 20ac 2113 2116
        2122 2126 212e 2153-2154 215b-215e 2190-2195 21a8 2202 2206 220f 2211-2212 2215 2219-221a 221e-221f 2229 222b 2248
        2260-2261 2264-2265 2302 2310 2320-2321
        """;

    private static readonly (int First, int Last)[] Ranges = ReadRanges();

    private static readonly Lock Sync = new();

    private static bool installed;

    /// <summary>Makes the library use them; its setting is one of the process.</summary>
    public static void Install()
    {
        lock (Sync)
        {
            if (!installed)
                GlobalFontSettings.FontResolver = new PrintFonts();
            installed = true;
        }
    }

    /// <summary>Whether both fonts have a glyph of the character.</summary>
    public static bool Has(int character) => Ranges.Any(range => character >= range.First && character <= range.Last);

    public FontResolverInfo ResolveTypeface(string familyName, bool bold, bool italic) => new(bold ? Bold : Regular);

    public byte[] GetFont(string faceName) => faceName == Bold ? FontDataHelper.SegoeWPBold : FontDataHelper.SegoeWP;

    private static (int First, int Last)[] ReadRanges() =>
        [
            .. Characters
                .Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
                .Select(range => range.Split('-'))
                .Select(ends => (Number(ends[0]), Number(ends[^1]))),
        ];

    private static int Number(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
