using System.Globalization;
using System.Text.Json;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Worked examples published by other billing systems, run through Polaris's public plan format.</summary>
public sealed class GoldenTests
{
    /// <summary>Cases whose rule differs from Polaris's; docs/pricing.md has the reasons.</summary>
    private static readonly string[] NotShared = ["lago-upgrade-may11", "lago-invoice-creditnote", "flexprice-sum-multiplier"];

    private static readonly string Root = Path.GetFullPath(Path.Combine(Here(), "../.."));

    public static TheoryData<string> Shared() => [.. All(GoldenCases.Json).Keys.Except(NotShared)];

    [Theory]
    [MemberData(nameof(Shared))]
    public void A_published_example_costs_here_what_it_costs_there(string id) => Check(All(GoldenCases.Json)[id]);

    [Fact]
    public void The_collection_of_examples_holds_nothing_that_we_leave_out()
    {
        // The collection is beside the repository on some machines; GoldenCases has its cases for all others.
        var file = Path.GetFullPath(Path.Combine(Root, "../shared/golden/pricing.json"));
        var cases = All(File.Exists(file) ? File.ReadAllText(file) : GoldenCases.Json);
        foreach (var one in cases.Where(one => !NotShared.Contains(one.Key)))
            Check(one.Value);
        Assert.Equal(cases.Keys.Order(), All(GoldenCases.Json).Keys.Order());
        Assert.All(NotShared, id => Assert.Contains(id, cases.Keys));
        var told = File.ReadAllText(Path.Combine(Root, "docs/pricing.md"));
        Assert.All(NotShared, id => Assert.Contains(id, told, StringComparison.Ordinal));
    }

    [Fact]
    public void Up_to_credit_notes_and_prepaid_credits_Lagos_invoice_is_ours()
    {
        // 50 and 20, less a coupon of 10, and 10 % tax on the 60 left. Credits are applied at payment, not on the invoice.
        var plan = PublicFormat.Plan(
            """
            [{"key":"fee","price":{"model":"FLAT","amount":"50"}},
            {"key":"c","meter":"m","price":{"model":"PER_UNIT","unitPrice":"1"}}]
            """,
            """{"discounts":[{"key":"coupon","amount":"10"}],"taxes":[{"key":"vat","percent":"10"}]}"""
        );
        Assert.Equal(66, PublicFormat.Rate(plan, 20).Total);
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private static Dictionary<string, JsonElement> All(string json) =>
        JsonDocument.Parse(json).RootElement.EnumerateArray().ToDictionary(one => one.GetProperty("id").GetString()!);

    private static void Check(JsonElement one)
    {
        var (model, parameters, usage, expected) = (
            one.GetProperty("model").GetString()!,
            one.GetProperty("params"),
            one.GetProperty("usage"),
            one.GetProperty("expected")
        );
        switch (model)
        {
            case "volume" or "graduated" or "per_unit" or "package" or "stairstep" or "tiered_blocks":
                Assert.Equal(
                    Number(expected),
                    PublicFormat.Rate(PublicFormat.PlanOf(PriceOf(model, parameters), AroundOf(parameters)), Number(usage)).Total
                );
                break;
            case "tiered_blocks(multi-unit)":
                Assert.Equal(Number(expected), TwoUnits(parameters).Total);
                break;
            case "graduated_percentage(incremental)":
                var plan = PublicFormat.PlanOf(PriceOf(model, parameters));
                var before = Number(usage.GetProperty("already_used"));
                Assert.Equal(
                    Number(expected),
                    PublicFormat.Rate(plan, before + Number(usage.GetProperty("this"))).Total - PublicFormat.Rate(plan, before).Total
                );
                break;
            case "minimum_spend":
                CheckMinimum(Number(parameters.GetProperty("minimum")), Number(usage.GetProperty("usage_charge")), Number(expected));
                break;
            case "proration":
                CheckProration(parameters, expected);
                break;
            case "discounts" or "tax":
                CheckTerms(model, parameters, usage, Number(expected));
                break;
            case "aggregation" or "weighted_sum":
                // A divided quantity has twelve places.
                Assert.Equal(Naive.Round(new Fraction(Number(expected)), Exact.Places), GoldenUsage.QuantityOf(parameters, usage));
                break;
            default:
                Assert.Fail($"No rule for '{model}'.");
                break;
        }
    }

    private static string PriceOf(string model, JsonElement parameters)
    {
        string Text(string name) => Number(parameters.GetProperty(name)).ToString(CultureInfo.InvariantCulture);
        var tiers = model switch
        {
            "tiered_blocks" => parameters
                .GetProperty("blocks")
                .EnumerateArray()
                .Select(block => $$"""{"upTo":"{{block.GetProperty("max")}}","unitPrice":"{{block.GetProperty("price").GetString()}}"}""")
                .ToArray(),
            _ when parameters.TryGetProperty("tiers", out var given) => [.. given.EnumerateArray().Select(TierOf)],
            _ => [],
        };
        // Some systems let the last tier end; a Polaris plan must price every quantity.
        if (tiers.Length > 0)
            tiers[^1] = System.Text.RegularExpressions.Regex.Replace(tiers[^1], "\"upTo\":\"[0-9]+\",", "");
        return model switch
        {
            "per_unit" => $$"""{"model":"PER_UNIT","unitPrice":"{{Text("unit_amount")}}"}""",
            "package" => $$"""
                {"model":"PACKAGE","packageSize":"{{Text("package_size")}}","packagePrice":"{{Text("package_amount")}}",
                "freeUnits":"{{(parameters.TryGetProperty("free_units", out var free) ? Number(free) : 0)}}"}
                """,
            "graduated_percentage(incremental)" => $$"""{"model":"GRADUATED_PERCENTAGE","tiers":[{{string.Join(',', tiers)}}]}""",
            "stairstep" => $$"""{"model":"STAIR_STEP","tiers":[{{string.Join(',', tiers)}}]}""",
            "volume" => $$"""{"model":"VOLUME","tiers":[{{string.Join(',', tiers)}}]}""",
            _ => $$"""{"model":"GRADUATED","tiers":[{{string.Join(',', tiers)}}]}""",
        };
    }

    private static string TierOf(JsonElement tier)
    {
        var fields = new List<string>();
        if (tier.GetProperty("up_to").ValueKind != JsonValueKind.Null)
            fields.Add($"\"upTo\":\"{tier.GetProperty("up_to")}\"");
        foreach (var (theirs, ours) in new[] { ("unit", "unitPrice"), ("flat", "flatFee"), ("rate_percent", "percent") })
        {
            if (tier.TryGetProperty(theirs, out var value))
                fields.Add($"\"{ours}\":\"{value.GetString()}\"");
        }

        return $"{{{string.Join(',', fields)}}}";
    }

    // "At least one package a period" is a minimum of the charge.
    private static string AroundOf(JsonElement parameters) =>
        parameters.TryGetProperty("minimum_packages", out var packages)
            ? string.Create(
                CultureInfo.InvariantCulture,
                $",\"minimum\":\"{Number(packages) * Number(parameters.GetProperty("package_amount"))}\""
            )
            : "";

    private static RatedInvoice TwoUnits(JsonElement parameters)
    {
        var units = parameters
            .EnumerateObject()
            .Where(one => one.Value.ValueKind == JsonValueKind.Array)
            .ToDictionary(one => one.Name == "Mbytes" ? "mb" : one.Name, one => one.Value.EnumerateArray().ToArray());
        var charges = units.Select(unit =>
        {
            var below = 0m;
            var tiers = unit
                .Value.Select(
                    (block, i) =>
                        "{"
                        + (i == unit.Value.Length - 1 ? "" : $"\"upTo\":\"{below += Number(block.GetProperty("qty"))}\",")
                        + $"\"unitPrice\":\"{block.GetProperty("price").GetString()}\"}}"
                )
                .ToArray();
            return $$$"""
                {"key":"{{{unit.Key}}}","meter":"{{{unit.Key}}}",
                "price":{"model":"GRADUATED","tiers":[{{{string.Join(',', tiers)}}}]}}
                """;
        });
        return PublicFormat.Rate(
            PublicFormat.Plan($"[{string.Join(',', charges)}]"),
            new PeriodUsage(
                units.ToDictionary(
                    unit => unit.Key,
                    unit => new MeterUsage(unit.Value.Sum(block => Number(block.GetProperty("qty"))), 1, 0)
                )
            )
        );
    }

    private static void CheckMinimum(decimal minimum, decimal used, decimal missing)
    {
        const string Price = """{"model":"PER_UNIT","unitPrice":"1"}""";
        foreach (
            var (terms, kind) in new[]
            {
                ($$"""{"minimum":"{{minimum}}"}""", LineKind.Minimum),
                ($$$"""{"commitment":{"amount":"{{{minimum}}}"}}""", LineKind.Commitment),
            }
        )
        {
            var invoice = PublicFormat.Rate(PublicFormat.PlanOf(Price, terms: terms), used);
            Assert.Equal((kind, missing), (invoice.Lines[^1].Kind, invoice.Lines[^1].Amount));
            Assert.Equal(Math.Max(used, minimum), invoice.Total);
        }
    }

    private static void CheckProration(JsonElement parameters, JsonElement expected)
    {
        var (part, whole) = DaysOf(parameters);
        var start = PublicFormat.At("2022-04-01T00:00:00Z");
        var period = new BillingPeriod(start, start + Duration.FromDays(whole));
        var rest = new BillingPeriod(period.End - Duration.FromDays(part), period.End);
        foreach (var proration in new[] { "DAYS", "SECONDS" })
        {
            RatedInvoice Fee(string amount, string timing, BillingPeriod billed, BillingPeriod? paid = null)
            {
                var plan = PublicFormat.Plan(
                    $$$"""
                    [{"key":"fee","timing":"{{{timing}}}","proration":"{{{proration}}}",
                    "price":{"model":"FLAT","amount":"{{{amount}}}"}}]
                    """
                );
                return PublicFormat.Rate(
                    plan,
                    0,
                    period: new InvoicePeriod(
                        new BilledSpan(billed, period),
                        [new PlanPart(billed, plan)],
                        paid is { } earlier ? new BilledSpan(earlier, period) : null,
                        null,
                        DateTimeZone.Utc,
                        InvoiceExtras.None
                    )
                );
            }

            if (parameters.TryGetProperty("amount", out var amount))
            {
                Assert.Equal(Number(expected), Fee(amount.GetString()!, "ARREARS", rest).Total);
                continue;
            }

            // A plan change: the old subscription ends early and refunds unused time, the new one starts with the remaining time.
            var credit = Fee(parameters.GetProperty("old").GetString()!, "ADVANCE", period with { End = rest.Start }, period).Total;
            var charge = Fee(parameters.GetProperty("new").GetString()!, "ADVANCE", rest).Total;
            if (expected.ValueKind == JsonValueKind.Object)
                Assert.Equal((Number(expected.GetProperty("credit")), Number(expected.GetProperty("charge"))), (credit, charge));
            Assert.Equal(Number(expected.ValueKind == JsonValueKind.Object ? expected.GetProperty("net") : expected), credit + charge);
        }
    }

    private static (int Part, int Whole) DaysOf(JsonElement parameters)
    {
        int Whole(string name) => parameters.GetProperty(name).GetInt32();
        if (parameters.TryGetProperty("fraction_remaining", out var fraction))
            return ((int)(Number(fraction) * 30), 30);
        if (parameters.TryGetProperty("days_billed", out _))
            return (Whole("days_billed"), Whole("days_in_period"));
        return parameters.TryGetProperty("days_remaining", out _) ? (Whole("days_remaining"), Whole("days")) : (16, 30);
    }

    private static void CheckTerms(string model, JsonElement parameters, JsonElement usage, decimal expected)
    {
        string List(string name, string field) =>
            string.Join(
                ',',
                parameters.GetProperty(name).EnumerateArray().Select((one, i) => $$"""{"key":"k{{i}}","{{field}}":"{{one}}"}""")
            );
        var terms =
            model == "tax" ? $$"""{"taxes":[{{List("rates_percent", "percent")}}]}"""
            : parameters.TryGetProperty("coupons_percent", out _) ? $$"""{"discounts":[{{List("coupons_percent", "percent")}}]}"""
            : $$"""{"discounts":[{{List("coupons", "amount")}}]}""";
        var base_ = Number(usage.GetProperty(model == "tax" ? "taxable" : "subtotal"));
        var invoice = PublicFormat.Rate(PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"1"}""", terms: terms), base_);
        Assert.Equal(expected, model == "tax" ? invoice.Tax : invoice.Total);
        if (model == "tax")
            Assert.Equal(base_ + expected, invoice.Total);
    }

    internal static decimal Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDecimal() : decimal.Parse(value.GetString()!, CultureInfo.InvariantCulture);
}
