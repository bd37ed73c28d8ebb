using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Executes the examples of docs/pricing.md that have a subscription's whole life: its invoices and their totals.</summary>
internal static partial class PricingDocLife
{
    /// <summary>Checks every example; returns how many there are.</summary>
    public static int Run(string doc)
    {
        var examples = Example().Matches(doc);
        foreach (Match example in examples)
        {
            var life = Of(JsonDocument.Parse(example.Groups["json"].Value).RootElement);
            var table = Row().Matches(example.Groups["table"].Value).Select(row => row.Groups[1].Value);
            var rated = life.Invoices()
                .Select(period => (Period: period, Invoice: life.Rate(period)))
                .Where(one => !one.Period.IsEmpty || one.Invoice.Lines.Count > 0)
                .Select(one =>
                    $"{Day(one.Period.Start)} to {Day(one.Period.End)} | {one.Invoice.Total.ToString(CultureInfo.InvariantCulture)}"
                );
            Assert.Equal(table, rated);
        }

        return examples.Count;
    }

    private static Life Of(JsonElement json)
    {
        var number = 0;
        var plans = new List<PlanVersion> { Plan(json.GetProperty("plan")) };
        var changes = new List<PlanChange>();
        foreach (var change in List(json, "changes"))
        {
            plans.Add(Plan(change));
            changes.Add(new PlanChange(At(change, "at")!.Value, plans[^1].Id, change.TryGetProperty("afterBilling", out _)));
        }

        var start = At(json, "start")!.Value;
        var anchor = json.TryGetProperty("anchorDay", out var day) ? day.GetInt32() : start.InUtc().Day;
        var calendar = new PeriodCalendar(start, At(json, "end"), new BillingCycle(BillingInterval.Month, anchor), DateTimeZone.Utc);
        Instant? paidUntil = null;
        if (At(json, "endedAt") is { } ended)
            (calendar, paidUntil) = (calendar with { End = ended }, calendar.Containing(ended - Buckets.Size)!.Value.End);
        return new Life(
            calendar,
            new PlanHistory(plans[0].Id, changes),
            [.. plans],
            paidUntil,
            span => Usage(json, span),
            period => Extras(json, period)
        );

        PlanVersion Plan(JsonElement plan) =>
            PublicFormat.Plan(
                plan.GetProperty("charges").GetRawText(),
                plan.TryGetProperty("terms", out var terms) ? terms.GetRawText() : "{}"
            ) with
            {
                Id = new Guid(++number, 0, 0, new byte[8]),
            };
    }

    private static PeriodUsage Usage(JsonElement json, BilledSpan span)
    {
        var usage = PeriodUsage.New();
        foreach (var meter in json.GetProperty("meters").EnumerateObject())
        {
            var aggregation = Enum.Parse<MeterAggregation>(
                meter.Value.GetString()!.Replace("_", "", StringComparison.Ordinal),
                ignoreCase: true
            );
            var (totals, level) = (new UsageTotals(), default(ExactTotal));
            foreach (var sent in List(json, "usage").Where(sent => sent[1].GetString() == meter.Name))
            {
                var (at, value) = (At(sent[0]), GoldenTests.Number(sent[2]));
                if (span.Billed.Contains(at))
                    totals.Add(new Measurement(value, Guid.Empty, at.ToUnixTimeTicks() / 10, ChangesLevel: true), 0);
                else if (at < span.Billed.Start)
                    level += value;
            }

            usage.Add(meter.Name, totals.ToUsage(aggregation, span, level), []);
            if (!aggregation.IsSum())
                usage.AddUnsummed(meter.Name);
        }

        return usage;
    }

    private static InvoiceExtras Extras(JsonElement json, BillingPeriod period) =>
        new(
            [
                .. List(json, "coupons")
                    .Select(coupon => new SubscriptionDiscount(
                        new Discount(
                            coupon.GetProperty("key").GetString()!,
                            "Coupon",
                            coupon.TryGetProperty("percent", out var percent) ? GoldenTests.Number(percent) / 100 : null,
                            coupon.TryGetProperty("amount", out var amount) ? GoldenTests.Number(amount) : null
                        ),
                        At(coupon, "appliedAt")!.Value,
                        At(coupon, "until")
                    )),
            ],
            [
                .. List(json, "oneOffs")
                    .Where(single => period.Contains(At(single, "at")!.Value))
                    .Select(single => new OneOff(
                        single.GetProperty("key").GetString()!,
                        "Single",
                        GoldenTests.Number(single.GetProperty("amount"))
                    )),
            ]
        );

    private static JsonElement[] List(JsonElement json, string name) =>
        json.TryGetProperty(name, out var list) ? [.. list.EnumerateArray()] : [];

    private static Instant? At(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? At(value) : null;

    private static Instant At(JsonElement value) =>
        LocalDatePattern.Iso.Parse(value.GetString()!).Value.AtStartOfDayInZone(DateTimeZone.Utc).ToInstant();

    private static string Day(Instant at) => LocalDatePattern.Iso.Format(at.InUtc().Date);

    [GeneratedRegex(@"^```json life\n(?<json>.*?)\n```\n\n(?<table>(?:\|[^\n]*\n)+)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"^\| (20[0-9-]+ to [0-9-]+ \| -?[0-9.]+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
