using System.Globalization;
using System.Text.RegularExpressions;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Executes the examples in docs/pricing.md.</summary>
public sealed partial class PricingDocTests
{
    private static readonly string Doc = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/pricing.md"));

    [Fact]
    public void Every_example_costs_what_the_page_says()
    {
        var (examples, lives) = (Example().Matches(Doc), PricingDocLife.Run(Doc));
        foreach (Match example in examples)
        {
            var (kind, json) = (example.Groups["kind"].Value, example.Groups["json"].Value);
            var plan =
                kind == "charge"
                    ? PublicFormat.Plan($"[{json}]")
                    : PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"1"}""", terms: json);
            var rows = Row().Matches(example.Groups["table"].Value);
            Assert.NotEmpty(rows);
            foreach (Match row in rows)
            {
                var quantity = decimal.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture);
                var usage = new PeriodUsage(
                    new Dictionary<string, MeterUsage> { ["m"] = new(quantity, 10, 0) },
                    new Dictionary<string, IReadOnlyList<DimensionUsage>>
                    {
                        ["m_by_region"] = [new("us", new(10, 1, 0)), new("eu", new(quantity, 1, 0))],
                    }
                );
                Assert.Equal(
                    $"{json} {quantity}: {row.Groups[2].Value}",
                    $"{json} {quantity}: {PublicFormat.Rate(plan, usage).Total.ToString(CultureInfo.InvariantCulture)}"
                );
            }
        }

        // An example that the pattern misses would not be executed.
        Assert.Equal(Regex.Count(Doc, "^```json", RegexOptions.Multiline), examples.Count + lives);
    }

    [Fact]
    public void Every_price_model_has_an_example()
    {
        foreach (
            var model in Enum.GetValues<Polaris.Plans.V1.Price.ModelOneofCase>()
                .Where(model => model != Polaris.Plans.V1.Price.ModelOneofCase.None)
        )
            Assert.Contains(
                $"\"model\": \"{Regex.Replace(model.ToString(), "(?<=.)([A-Z])", "_$1").ToUpperInvariant()}\"",
                Doc,
                StringComparison.Ordinal
            );
    }

    [GeneratedRegex(
        @"^```json (?<kind>charge|terms)\n(?<json>.*?)\n```\n\n(?<table>(?:\|[^\n]*\n)+)",
        RegexOptions.Multiline | RegexOptions.Singleline
    )]
    private static partial Regex Example();

    [GeneratedRegex(@"^\| (-?[0-9.]+) \| (-?[0-9.]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;
}
