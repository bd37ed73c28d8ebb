using System.Globalization;

namespace Polaris.Bench;

/// <summary>Actual figures beside the expected ones, compared as exact decimals.</summary>
internal sealed class Comparison
{
    private readonly List<(string Name, string Expected, string Actual, bool Ok)> rows = [];

    public int Differences => rows.Count(row => !row.Ok);

    public int Count => rows.Count;

    public void Check(string name, decimal expected, decimal actual) => rows.Add((name, Text(expected), Text(actual), expected == actual));

    public void Check(string name, string expected, string actual) => rows.Add((name, expected, actual, expected == actual));

    /// <summary>Prints all rows that differ and the headline ones; the rest are only counted.</summary>
    public void Print(string title)
    {
        Console.WriteLine($"\n{title}");
        Console.WriteLine($"  {"figure", -44} {"expected", 18} {"actual", 18}");
        foreach (var (name, expected, actual, ok) in rows.Where(row => !row.Ok || !row.Name.Contains('/', StringComparison.Ordinal)))
            Console.WriteLine($"  {name, -44} {expected, 18} {actual, 18}  {(ok ? "ok" : "DIFFERENT")}");
        var folded = rows.Count(row => row.Ok && row.Name.Contains('/', StringComparison.Ordinal));
        Console.WriteLine($"  and {folded} more that are equal (hours, customers, invoices)");
    }

    private static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
