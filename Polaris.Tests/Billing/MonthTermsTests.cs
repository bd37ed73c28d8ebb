using CsCheck;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Properties of any subscription's life with terms, changes, pauses and an end. CsCheck prints the seed of a failure.</summary>
public sealed class MonthTermsTests
{
    private static readonly Instant Start = Instant.FromUtc(2025, 12, 1, 0, 0);

    private static readonly Gen<PlanTerms> AnyTerms = Gen.Select(
        Gen.Enum<Proration>(),
        Gen.OneOf(Gen.Const((decimal?)null), Gen.Int[0, 60].Select(amount => (decimal?)amount)),
        Gen.OneOf(Gen.Const((decimal?)null), Gen.Int[60, 150].Select(amount => (decimal?)amount)),
        Gen.Int[0, 100],
        Gen.Int[0, 20],
        Gen.Bool,
        (proration, minimum, maximum, percent, amount, included) =>
            new PlanTerms(
                proration,
                minimum is { } least ? new Commitment(least / 2, 1.5m) : null,
                minimum,
                maximum,
                [new Discount("p", "P", percent / 100m, null), new Discount("a", "A", null, amount)],
                included,
                [new TaxRate("t", "T", 0.19m)]
            )
    );

    private static readonly Gen<PlanVersion> AnyPlan = Gen.Select(
        Gen.Int[0, 10_000],
        Gen.Enum<Proration>(),
        Gen.Int[0, 3],
        AnyTerms,
        (cents, proration, unit, terms) =>
            new PlanVersion(
                Guid.Empty,
                "p",
                "USD",
                $"{cents}{proration}{unit}",
                [
                    new Charge("fee", "Fee", null, new FlatPrice(cents / 100m), InAdvance: true, Proration: proration),
                    new Charge("other", "Other", null, new FlatPrice(7), InAdvance: true, Proration: Proration.Days),
                    new Charge("u", "U", "m", new PerUnitPrice(unit), Proration: proration, IncludedUnits: 10),
                    new Charge("max", "Max", "x", new PerUnitPrice(1), Proration: proration),
                ],
                terms
            )
    );

    private static readonly Gen<Life> AnyLife = Gen.Select(
        Gen.Int[0, 8_000],
        Gen.Int[1, 20_000],
        Gen.Select(Gen.Int[1, 19_999], Gen.Int[0, 3]).Array[0, 5],
        AnyPlan.Array[6],
        Gen.Bool,
        (start, length, edges, plans, endIsMovedForward) =>
        {
            var zone = DateTimeZoneProviders.Tzdb["Europe/Berlin"];
            var from = Start + (Buckets.Size * start);
            var calendar = new PeriodCalendar(from, from + (Buckets.Size * length), new BillingCycle(BillingInterval.Month, 1), zone);
            PlanVersion[] versions = [.. plans.Select((plan, i) => plan with { Id = new Guid(i + 1, 0, 0, new byte[8]) })];
            // In the middle of a period; at its end, known before or not; and a pause.
            var changes = edges
                .Where(edge => edge.Item1 < length)
                .Select(edge => (At: from + (Buckets.Size * edge.Item1), Kind: edge.Item2))
                .Select(edge => (At: edge.Kind is 1 or 2 ? calendar.Containing(edge.At)!.Value.End : edge.At, edge.Kind))
                .Where(edge => edge.At < calendar.End)
                .DistinctBy(edge => edge.At)
                .OrderBy(edge => edge.At)
                .Select((edge, i) => new PlanChange(edge.At, edge.Kind == 3 ? PlanVersion.PausedId : versions[i + 1].Id, edge.Kind == 2))
                .ToArray();
            var last = calendar.Containing(calendar.End!.Value - Buckets.Size)!.Value;
            var was = (calendar with { End = null }).StartingAt(last.Start)!.Value.End;
            return new Life(
                calendar,
                new PlanHistory(versions[0].Id, changes),
                versions,
                endIsMovedForward && was > last.End ? was : null,
                span =>
                {
                    var usage = new PeriodUsage(
                        new Dictionary<string, MeterUsage>
                        {
                            ["m"] = new(Math.Floor((decimal)(span.Billed.End - span.Billed.Start).TotalHours / 24), 1, 1),
                            ["x"] = new(7, 1, 1),
                        }
                    );
                    usage.AddUnsummed("x");
                    return usage;
                }
            );
        }
    );

    [Fact]
    public void When_fees_are_billed_does_not_change_what_a_life_costs() =>
        Check.Sample(
            AnyLife,
            life =>
            {
                PlanVersion[] arrears =
                [
                    .. life.Versions.Select(plan =>
                        plan with
                        {
                            Charges = [.. plan.Charges.Select(charge => charge with { InAdvance = false })],
                        }
                    ),
                ];
                var (ahead, behind) = (Sum(life), Sum(life with { Versions = arrears }));
                Assert.Equal(behind, ahead);

                static (decimal, decimal) Sum(Life one)
                {
                    RatedInvoice[] invoices = [.. one.Invoices().Select(period => one.Rate(period))];
                    return (invoices.Sum(invoice => invoice.Total), invoices.Sum(invoice => invoice.Tax));
                }
            },
            iter: 300
        );

    [Fact]
    public void Lines_of_an_invoice_have_ids_of_their_own() =>
        Check.Sample(
            AnyLife,
            life =>
            {
                foreach (var period in life.Invoices())
                {
                    var ids = life.Rate(period).Lines.Select(LineId.Of).ToArray();
                    Assert.Equal(ids.Length, ids.Distinct().Count());
                }
            }
        );

    [Fact]
    public void A_change_that_changes_nothing_changes_no_line() =>
        Check.Sample(
            Gen.Select(AnyLife, Gen.Int[1, 2_500]),
            (life, at) =>
            {
                var plain = life with { Plans = life.Plans with { Changes = [] } };
                var same = plain.Versions[0] with { Id = new Guid(99, 0, 0, new byte[8]), Hash = "other" };
                var changed = plain with
                {
                    Plans = new PlanHistory(plain.Plans.First, [new PlanChange(plain.Calendar.Start + (Buckets.Size * at), same.Id)]),
                    Versions = [.. plain.Versions, same],
                };
                foreach (var period in plain.Periods())
                    Assert.Equal(
                        plain.Rate(period).Lines.Select(line => (LineId.Of(line), line.UnroundedAmount, line.Amount, line.Tax)),
                        changed.Rate(period).Lines.Select(line => (LineId.Of(line), line.UnroundedAmount, line.Amount, line.Tax))
                    );
            }
        );

    [Fact]
    public void An_end_at_the_start_gives_all_back()
    {
        var life = Life.From(
            "2026-03-01T00:00:00Z",
            new PlanVersion(
                new Guid(1, 0, 0, new byte[8]),
                "p",
                "USD",
                "h",
                [new Charge("fee", "Fee", null, new FlatPrice(30), InAdvance: true)],
                PlanTerms.None with
                {
                    Taxes = [new TaxRate("vat", "VAT", 0.19m)],
                }
            )
        );
        var start = new BillingPeriod(life.Calendar.Start, life.Calendar.Start);
        var billed = life.Rate(start);
        Assert.Equal((35.70m, 5.70m), (billed.Total, billed.Tax));
        var cancelled = life with
        {
            Calendar = life.Calendar with { End = life.Calendar.Start },
            PaidUntil = PublicFormat.At("2026-04-01T00:00:00Z"),
        };
        var invoiced = new InvoicedPeriod(
            Guid.Empty,
            "INV-1",
            [.. billed.Lines.Select(line => new InvoicedCharge(LineId.Of(line), line.Usage.Quantity, line.Amount, line.Tax, 0, 0))]
        );
        var back = Adjustments.Seal(cancelled.Rate(start), Adjustments.Between(invoiced, cancelled.Rate(start)));
        Assert.Equal((-35.70m, -5.70m), (back.Total, back.Tax));
        // Without a credit it stays.
        var kept = cancelled with
        {
            Extras = _ => InvoiceExtras.None with { CreditUnused = false },
        };
        Assert.Equal(billed.Lines.Select(line => line.Amount), kept.Rate(start).Lines.Select(line => line.Amount));
    }

    [Fact]
    public void An_end_without_credit_keeps_the_whole_fee_and_its_cap()
    {
        var plan = new PlanVersion(
            new Guid(1, 0, 0, new byte[8]),
            "p",
            "USD",
            "h",
            [new Charge("fee", "Fee", null, new FlatPrice(30), InAdvance: true, Proration: Proration.Days)],
            PlanTerms.None with
            {
                Proration = Proration.Days,
                Maximum = 25,
            }
        );
        var life = Life.From("2026-03-01T00:00:00Z", plan).End("2026-04-11T00:00:00Z");
        Assert.Equal([25m, 25m, -16.67m], life.Totals());
        Assert.Equal([25m, 25m, 0m], (life with { Extras = _ => InvoiceExtras.None with { CreditUnused = false } }).Totals());
    }

    [Fact]
    public void A_pause_made_after_billing_gives_the_month_back()
    {
        var plan = new PlanVersion(
            new Guid(1, 0, 0, new byte[8]),
            "p",
            "USD",
            "h",
            [new Charge("fee", "Fee", null, new FlatPrice(30), InAdvance: true)],
            PlanTerms.None with
            {
                Minimum = 20,
                Discounts = [new Discount("d", "D", 0.1m, null)],
            }
        );
        var life = Life.From("2026-03-01T00:00:00Z", plan, "2026-06-01T00:00:00Z")
            .Change("2026-04-01T00:00:00Z", PlanVersion.Paused("USD"), afterBilling: true)
            .Change("2026-05-01T00:00:00Z", plan);
        // March and, in advance, April; April goes back, and with it May is billed in advance.
        Assert.Equal([27m, 27m, 0m, 0m], life.Totals());
    }

    [Fact]
    public void A_pause_of_a_plan_without_terms_leaves_a_coupon_whole()
    {
        foreach (var proration in Enum.GetValues<Proration>())
        {
            var plan = new PlanVersion(
                new Guid(1, 0, 0, new byte[8]),
                "p",
                "USD",
                "h",
                [new Charge("fee", "Fee", null, new FlatPrice(30), Proration: Proration.Days)],
                PlanTerms.None with
                {
                    Proration = proration,
                }
            );
            var life = Life.From("2026-04-01T00:00:00Z", plan, "2026-05-01T00:00:00Z")
                .Change("2026-04-11T00:00:00Z", PlanVersion.Paused("USD"))
                .Change("2026-04-21T00:00:00Z", plan) with
            {
                Extras = _ =>
                    InvoiceExtras.None with
                    {
                        Discounts = [new SubscriptionDiscount(new Discount("c", "C", null, 4), PublicFormat.At("2026-04-01T00:00:00Z"))],
                    },
            };
            var invoice = life.Rate("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z");
            Assert.Equal([10m, 10m, -4m], invoice.Lines.Select(line => line.Amount));
        }
    }

    [Fact]
    public void Sums_at_ten_to_the_seventeen_lose_no_cent_in_any_order()
    {
        // Added as decimals, 1.4 × 10^17 leaves eleven places, and 0.004999999999 becomes half a cent.
        decimal[] values =
        [
            70_000_000_000_000_000m,
            70_000_000_000_000_000m,
            0.004999999999m,
            -70_000_000_000_000_000m,
            -69_999_999_999_999_999m,
        ];
        var charge = new Charge("c", "C", "m", new PerUnitPrice(1), [new DimensionPrice(["x"], new PerUnitPrice(1))]);
        foreach (var order in new[] { "01234", "43210", "20143", "31402" })
        {
            var usage = new PeriodUsage(
                PeriodUsage.Empty.Totals,
                new Dictionary<string, IReadOnlyList<DimensionUsage>>
                {
                    ["m"] = [.. order.Select((at, i) => new DimensionUsage($"{i}", new MeterUsage(values[at - '0'], 1, 0)))],
                }
            );
            var line = RatingEngine
                .Rate(
                    new InvoiceSubject(Guid.Empty, "acme", PublicFormat.November),
                    InvoicePeriod.Alone(PublicFormat.November, new PlanVersion(Guid.Empty, "p", "USD", "h", [charge])),
                    _ => usage,
                    2
                )
                .Lines[0];
            Assert.Equal((1.004999999999m, 1.00m, 1.004999999999m), (line.UnroundedAmount, line.Amount, line.Usage.Quantity));
        }

        Assert.Throws<OverflowException>(() =>
            RatingEngine.RateLine(new Charge("c", "C", "m", new PerUnitPrice(80)), new MeterUsage(1_000_000_000_000_000m, 1, 0), 2)
        );
    }
}
