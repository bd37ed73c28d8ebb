using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Random plan versions, each similar to the one before.</summary>
internal sealed class PlanGenerator(Random random)
{
    private static readonly string[] Values = ["eu", "us", ""];

    public static readonly IReadOnlyList<LifeMeter> Meters =
    [
        .. Enum.GetValues<MeterAggregation>().Select(aggregation => new LifeMeter($"{aggregation}", aggregation, 0)),
        new("SumByOne", MeterAggregation.Sum, 1),
        new("LevelByOne", MeterAggregation.WeightedSum, 1),
        new("MaxByTwo", MeterAggregation.Max, 2),
    ];

    public static string Value(Random random) => Values[random.Next(Values.Length)];

    public List<PlanVersion> Versions()
    {
        var charges = new List<Charge>();
        for (var i = random.Next(1, 5); i > 0; i--)
            charges.Add(Charge($"k{i}"));
        var terms = Maybe(4) ? null : Terms();
        var versions = new List<PlanVersion> { Version(0, charges, terms) };
        for (var i = random.Next(4); i > 0; i--)
        {
            charges = [.. charges.Select(Changed).OfType<Charge>()];
            if (Maybe(3))
                charges.Add(Charge($"k{10 + i}"));
            if (Maybe(2))
                terms = Maybe(4) ? null : Terms();
            versions.Add(Version(versions.Count, charges, terms));
        }

        return versions;
    }

    public Discount Discount(string key) =>
        Maybe(2)
            ? new Discount(key, $"Discount {key}", Pick(0.1m, 0.25m, 0.333m, 1m, 0.07m), null)
            : new Discount(key, $"Discount {key}", null, Money());

    private static PlanVersion Version(int number, IReadOnlyList<Charge> charges, PlanTerms? terms) =>
        new(new Guid(number + 1, 7, 0, new byte[8]), $"plan{number}", "EUR", $"hash{number}", [.. charges], terms);

    // Kept, renamed, changed a little, replaced or dropped.
    private Charge? Changed(Charge charge) =>
        random.Next(8) switch
        {
            0 => null,
            1 => Charge(charge.Key),
            2 => charge with { Price = charge.Meter is null ? new FlatPrice(Money()) : Price() },
            3 when charge.Meter is null => charge with { InAdvance = !charge.InAdvance },
            3 => charge with { Minimum = Maybe(2) ? null : Money() },
            4 => charge with { Name = $"{charge.Name} renamed" },
            _ => charge,
        };

    private Charge Charge(string key)
    {
        Discount[] discounts = Maybe(3) ? [.. Enumerable.Range(0, random.Next(1, 3)).Select(i => Discount($"d{i}"))] : [];
        if (Maybe(2))
            return new Charge(key, key, null, new FlatPrice(Money()), null, !Maybe(3), Proration(), Discounts: discounts);
        var meter = Meters[random.Next(Meters.Count)];
        var byDimension = meter.Dimensions > 0 && !Maybe(4);
        decimal? minimum = Maybe(4) ? Money() : null;
        decimal? maximum = Maybe(4) ? Money() + (minimum ?? 0) : null;
        return new Charge(
            key,
            key,
            meter.Key,
            byDimension ? Price(atZero: false) : Price(),
            byDimension ? DimensionPrices(meter.Dimensions) : null,
            false,
            Proration(),
            byDimension || Maybe(2) ? 0 : random.Next(1, 40) / 2m,
            minimum,
            maximum,
            discounts
        );
    }

    private DimensionPrice[] DimensionPrices(int dimensions) =>
        [
            .. Enumerable
                .Range(0, random.Next(1, 4))
                .Select(_ => string.Join('\u001f', Enumerable.Range(0, dimensions).Select(_ => Value(random))))
                .Distinct()
                .Select(values => new DimensionPrice(values.Split('\u001f'), Price(atZero: false))),
        ];

    private Price Price(bool atZero = true) =>
        random.Next(7) switch
        {
            0 => new GraduatedPrice(Tiers(), atZero && Maybe(3)),
            1 => new VolumePrice(Tiers(), atZero && Maybe(3)),
            2 => new StairStepPrice([.. Tiers().Select(tier => new Tier(tier.UpTo, 0, tier.FlatFee))], atZero && Maybe(3)),
            3 => new PackagePrice(Pick(1m, 2.5m, 10m), Money(), Pick(0m, 3m, 10.5m), Maybe(2)),
            4 => new PercentagePrice(Pick(0.029m, 0.1m, 0.3333m), Pick(0m, 0.3m, 1.25m), Pick(0m, 7m, 20m), random.Next(4)),
            _ => new PerUnitPrice(Pick(1m, 0.015m, 0.3m, 7.77m, 0.333333333333m)),
        };

    private List<Tier> Tiers()
    {
        var (tiers, end) = (new List<Tier>(), 0m);
        for (var i = random.Next(3); i > 0; i--)
        {
            end += Pick(1m, 5m, 12.5m, 100m);
            tiers.Add(Tier(end));
        }

        tiers.Add(Tier(null));
        return tiers;
    }

    private Tier Tier(decimal? upTo) => new(upTo, Pick(0m, 0.5m, 0.07m, 2m), Maybe(2) ? 0 : Money(), Maybe(3) ? Pick(2m, 7m, 2.5m) : 0);

    private PlanTerms Terms()
    {
        decimal? minimum = Maybe(4) ? Money() : null;
        return new PlanTerms(
            Proration(),
            Maybe(4) ? new Commitment(Money(), Pick(1m, 1.5m, 0.75m, 2m)) : null,
            minimum,
            Maybe(3) ? Money() + (minimum ?? 0) : null,
            Maybe(2) ? [.. Enumerable.Range(0, random.Next(1, 3)).Select(i => Discount($"t{i}"))] : [],
            Maybe(3),
            Maybe(2)
                ? [.. Enumerable.Range(0, random.Next(1, 3)).Select(i => new TaxRate($"x{i}", $"Tax {i}", Pick(0.19m, 0.07m, 0.08875m)))]
                : []
        );
    }

    private Proration Proration() => (Proration)random.Next(3);

    private decimal Money() =>
        random.Next(3) switch
        {
            0 => random.Next(1, 100),
            1 => random.Next(1, 10_000) / 100m,
            _ => random.Next(0, 1_000_000) / 10_000m,
        };

    private bool Maybe(int oneIn) => random.Next(oneIn) == 0;

    private T Pick<T>(params ReadOnlySpan<T> values) => values[random.Next(values.Length)];
}
