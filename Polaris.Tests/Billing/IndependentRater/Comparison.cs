using System.Text;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Compares the engine's invoices of a life with those of the independent rater.</summary>
internal static class Comparison
{
    /// <summary>Null when they agree; else every difference.</summary>
    public static string? Difference(Life life)
    {
        var expected = new LifeRules(life).Invoices();
        IReadOnlyList<LifeInvoice> actual;
        try
        {
            actual = new EngineRun(life).Invoices();
        }
        catch (Exception failure) when (failure is InvalidOperationException or ArgumentException or ArithmeticException)
        {
            return $"The engine failed: {failure}";
        }

        var text = new StringBuilder();
        for (var i = 0; i < expected.Count; i++)
        {
            var (rule, engine) = (expected[i], actual[i]);
            var found = new StringBuilder();
            Compare(found, "total", rule.Total, engine.Total);
            Compare(found, "tax", rule.Tax, engine.Tax);
            foreach (var line in rule.Lines.Keys.Except(engine.Lines.Keys))
                found.Append($"  {line}: not a line of the engine\n");
            foreach (var line in engine.Lines.Keys.Except(rule.Lines.Keys))
                found.Append($"  {line}: not a line by the page\n");
            foreach (var line in rule.Lines.Keys.Union(engine.Lines.Keys))
                Compare(found, $"{line}", rule.Lines.GetValueOrDefault(line), engine.Lines.GetValueOrDefault(line));
            foreach (var line in rule.Adjustments.Keys.Union(engine.Adjustments.Keys))
                Compare(
                    found,
                    $"adjustment of invoice {line.Invoice}, {line.Line}",
                    rule.Adjustments.GetValueOrDefault(line),
                    engine.Adjustments.GetValueOrDefault(line)
                );
            if (found.Length > 0)
                text.Append($"invoice {i}, {rule.Period.Start} to {rule.Period.End}:\n{found}");
        }

        return text.Length == 0 ? null : text.ToString();
    }

    private static void Compare<T>(StringBuilder found, string what, T rule, T engine)
        where T : struct, IEquatable<T>
    {
        if (!rule.Equals(engine))
            found.Append($"  {what}: {rule} by the page, {engine} by the engine\n");
    }
}
