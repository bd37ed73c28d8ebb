using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>How a printed figure separates decimals and groups of three digits.</summary>
public enum FigureStyle
{
    /// <summary>Like 1,234.56.</summary>
    Point,

    /// <summary>Like 1.234,56.</summary>
    Comma,

    /// <summary>Like 1 234,56, with a no-break space.</summary>
    Space,

    /// <summary>Like 1'234.56.</summary>
    Apostrophe,

    /// <summary>Like 1234.56.</summary>
    Plain,
}

/// <summary>Decimals as they are printed. Nothing is rounded here: a figure with more places than asked for shows all of them.</summary>
internal static class Figures
{
    /// <param name="value">Any decimal.</param>
    /// <param name="style">The separators.</param>
    /// <param name="places">Decimal places to show at least; further ones are shown as far as they are not zero.</param>
    public static string Text(decimal value, FigureStyle style, int places = 0)
    {
        var digits = Math.Abs(value).ToString("0.############################", CultureInfo.InvariantCulture);
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var (whole, fraction) = point < 0 ? (digits, "") : (digits[..point], digits[(point + 1)..]);
        fraction = fraction.PadRight(places, '0');
        var (group, separator) = style switch
        {
            FigureStyle.Point => (",", "."),
            FigureStyle.Comma => (".", ","),
            FigureStyle.Space => ("\u00a0", ","),
            FigureStyle.Apostrophe => ("'", "."),
            FigureStyle.Plain => ("", "."),
            _ => throw new ArgumentOutOfRangeException(nameof(style)),
        };
        var sign = value < 0 ? "-" : "";
        return sign + Grouped(whole, group) + (fraction.Length == 0 ? "" : separator + fraction);
    }

    private static string Grouped(string digits, string group)
    {
        for (var at = digits.Length - 3; at > 0; at -= 3)
            digits = digits.Insert(at, group);
        return digits;
    }
}
