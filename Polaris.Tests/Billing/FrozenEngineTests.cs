using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>
/// Result hashes of engine version 2, computed with the build in which it was current. Its invoices must recompute to them for ever.
/// </summary>
public sealed class FrozenEngineTests
{
    private static readonly Guid Subscription = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
    private static readonly BillingPeriod April = PublicFormat.Period("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z");
    private static readonly Instant MidApril = PublicFormat.At("2026-04-11T00:00:00Z");

    private static readonly PlanVersion Models = new(
        Guid.Parse("0192e4a0-0000-7000-8000-000000000002"),
        "models",
        "USD",
        "models-hash",
        [
            new Charge("flat", "Flat", null, new FlatPrice(9.90m)),
            new Charge("unit", "Unit", "m", new PerUnitPrice(0.015m), IncludedUnits: 10),
            new Charge("graduated", "Graduated", "m", new GraduatedPrice([new(100, 0.03m, 1), new(null, 0.0017m, 2)]), Minimum: 5),
            new Charge("volume", "Volume", "m", new VolumePrice([new(100, 0.03m, 1), new(null, 0.0017m, 2)]), Maximum: 2),
            new Charge("stairs", "Stairs", "m", new StairStepPrice([new(100, 0, 5), new(null, 0, 7)])),
            new Charge("packages", "Packages", "m", new PackagePrice(7, 0.3m, 20)),
            new Charge("full", "Full", "m", new PackagePrice(7, 0.3m, 20, RoundDown: true)),
            new Charge("share", "Share", "m", new PercentagePrice(0.029m, 0.3m, 100, 4)),
            new Charge("regions", "Regions", "r", new PerUnitPrice(0.1m), [new DimensionPrice(["eu"], new PerUnitPrice(0.08m))]),
            new Charge("negative", "Negative", "n", new GraduatedPrice([new(100, 0.03m, 1), new(null, 0.0017m, 2)])),
        ],
        null
    );

    private static readonly PlanVersion Terms = new(
        Guid.Parse("0192e4a0-0000-7000-8000-000000000003"),
        "terms",
        "USD",
        "terms-hash",
        [
            new Charge("fee", "Fee", null, new FlatPrice(30), InAdvance: true, Proration: Proration.Days),
            new Charge("unit", "Unit", "m", new PerUnitPrice(0.015m)),
        ],
        new PlanTerms(
            Proration.Days,
            new Commitment(20, 1.5m),
            50,
            400,
            [new Discount("d", "D", 0.1m, null), new Discount("e", "E", null, 3)],
            false,
            [new TaxRate("t", "T", 0.19m), new TaxRate("u", "U", 0.0125m)]
        )
    );

    private static readonly PlanVersion Gross = new(
        Guid.Parse("0192e4a0-0000-7000-8000-000000000004"),
        "gross",
        "USD",
        "gross-hash",
        [new Charge("fee", "Fee", null, new FlatPrice(60), InAdvance: true), new Charge("unit", "Unit", "m", new PerUnitPrice(0.0333m))],
        PlanTerms.None with
        {
            TaxesIncluded = true,
            Taxes = [new TaxRate("t", "T", 0.19m)],
        }
    );

    private static readonly PeriodUsage Usage = new(
        new Dictionary<string, MeterUsage> { ["m"] = new(1234.5678m, 17, 0xdeadbeef), ["n"] = new(-3, 1, 5) },
        new Dictionary<string, IReadOnlyList<DimensionUsage>> { ["r"] = [new("us", new(10, 1, 3)), new("eu", new(7.5m, 2, 4))] }
    );

    [Theory]
    [InlineData("models", "0e9c9aea7278ba4538d75b2867d6b5ed2721bf8423ccfec5feb9123b7a16c693")]
    [InlineData("terms", "9dd08bafd8ce1c809811eedca6818b73d1194150a62ba5c65bf27b19fc26924c")]
    [InlineData("first", "9d8d9f9ecc0ebdbda4362e986942880738fc7c13eac1c96cee28be543d4a38ea")]
    [InlineData("last", "bf2817cfeb3c507aee56c57f9ad474c2fb8326fed0a2e82b2e910fcb614973c5")]
    [InlineData("split", "6b8934cd983d95b5cad352edf87ae88ad9fc4d14e90d2e59e1de758399a54dce")]
    [InlineData("split at the end", "bf2817cfeb3c507aee56c57f9ad474c2fb8326fed0a2e82b2e910fcb614973c5")]
    [InlineData("early end", "398483440c985af38a79d612d03eaf17608f87db8e5c5ca77f214088d6f117ca")]
    [InlineData("end after a change", "da0d489c85619d53942711aae5ec597b0627f6895af9c3938d19e64bf6f47e13")]
    public void Engine_2_gives_the_hash_it_gave(string what, string hash) => Assert.Equal(hash, Of(what).ResultHash);

    private static RatedInvoice Of(string what)
    {
        var none = Array.Empty<PlanChange>();
        PlanChange[] change = [new(MidApril, Gross.Id)];
        var running = new PeriodCalendar(
            April.Start - Duration.FromDays(31),
            null,
            new BillingCycle(BillingInterval.Month, 1),
            DateTimeZone.Utc
        );
        return what switch
        {
            "models" => Rate(running, Models, none, April),
            "terms" => Rate(running, Terms, none, April),
            "first" => Rate(running with { Start = MidApril }, Terms, none, April with { Start = MidApril }),
            "last" => Rate(running with { End = April.End }, Terms, none, April),
            "split" => Rate(running, Terms, change, April),
            "split at the end" => Rate(running, Terms, [new(April.End, Gross.Id)], April),
            "early end" => Rate(running with { End = MidApril }, Terms, none, April with { End = MidApril }, April.End),
            _ => Rate(
                running with
                {
                    End = MidApril + Duration.FromDays(3.5),
                },
                Terms,
                change,
                April with
                {
                    End = MidApril + Duration.FromDays(3.5),
                },
                April.End
            ),
        };
    }

    private static RatedInvoice Rate(
        PeriodCalendar calendar,
        PlanVersion plan,
        PlanChange[] changes,
        BillingPeriod period,
        Instant? paidUntil = null
    )
    {
        var history = new PlanHistory(plan.Id, changes);
        return SplitInvoiceV2.Rate(
            "2",
            new InvoiceSubject(Subscription, "acme", period),
            [
                .. history
                    .Within(period)
                    .Select(part => new PeriodPartV2(
                        part.Span,
                        part.PlanVersionId == plan.Id ? plan : Gross,
                        Usage,
                        BilledTimeV2.Of(calendar, history, period, part.Span, paidUntil)
                    )),
            ],
            2
        );
    }
}
