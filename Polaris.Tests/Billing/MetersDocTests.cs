using System.Text;
using System.Text.RegularExpressions;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>The examples of docs/meters.md, from their inputs to amounts.</summary>
public sealed partial class MetersDocTests
{
    private static readonly string[] Sections = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../docs/meters.md"))
        .Split("\n## ")[1..];

    [Fact]
    public void A_fee_of_each_event_is_the_documented_one()
    {
        var meter = Meter(Sections[0]);
        var rows = Rows(Sections[0]);
        Assert.Equal(5, rows.Length);
        foreach (var row in rows)
            Assert.Equal(ExactDecimal.Parse(row[1]), Measure(meter, row[0], "2026-03-01T00:00:00Z").Value);
    }

    [Fact]
    public void Seats_cost_what_the_document_says_after_each_change()
    {
        var meter = Meter(Sections[1]);
        var march = PublicFormat.Period("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
        var totals = new UsageTotals { Aggregation = meter.Aggregation };
        var rows = Rows(Sections[1]);
        Assert.Equal(3, rows.Length);
        foreach (var row in rows)
        {
            totals.Add(Measure(meter, row[0], row[1]), 1);
            var quantity = totals.ToUsage(meter.Aggregation, march, 0m).Quantity;
            Assert.Equal(ExactDecimal.Parse(row[2]), quantity);
            var plan = PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"10"}""");
            Assert.Equal(ExactDecimal.Parse(row[3]), PublicFormat.Rate(plan, quantity).Total);
        }

        // Half of March: an event at the start of the subscription.
        var half = new BilledSpan(march with { Start = PublicFormat.At("2026-03-16T12:00:00Z") }, march);
        var first = new UsageTotals { Aggregation = meter.Aggregation };
        first.Add(Measure(meter, "5", "2026-03-16T12:00:00Z"), 1);
        Assert.Equal(2.5m, first.ToUsage(meter.Aggregation, half, 0m).Quantity);
        Assert.Contains("are 2.5 and cost 25.00", Sections[1].ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    private static Measurement Measure(MeterDefinition meter, string value, string at) =>
        meter
            .Measure(
                meter.EventType,
                Encoding.UTF8.GetBytes($$"""{"{{meter.Property}}":{{value}}}"""),
                PublicFormat.At(at).ToUnixTimeTicks() / 10
            )!
            .Value;

    private static MeterDefinition Meter(string section) => PublicFormat.Meter(Example().Match(section).Groups[1].Value);

    private static string[][] Rows(string section) =>
        [
            .. section
                .Split('\n')
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
                .Skip(2)
                .Select(line => line.Trim('|', ' ').Split(" | ")),
        ];

    [GeneratedRegex("```json meter\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
