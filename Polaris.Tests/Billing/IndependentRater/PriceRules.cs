using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A quantity and the number of events behind it.</summary>
internal readonly record struct Used(Fraction Quantity, long Events);

/// <summary>"Price models" and "Included units, discounts, minimum and maximum" of docs/pricing.md.</summary>
internal static class PriceRules
{
    public static Fraction Exact12(Fraction value) => value.Round(12);

    /// <summary>What a charge costs before rounding.</summary>
    /// <param name="charge">Priced by its total.</param>
    /// <param name="used">Its quantities: one, or one for each combination of dimension values.</param>
    /// <param name="part">p, the part share of its segment.</param>
    /// <param name="amount">f, the amount share of its segment.</param>
    public static Fraction Cost(Charge charge, IReadOnlyList<(string Values, Used Used)> used, Fraction part, Fraction amount)
    {
        var cost = Fraction.Zero;
        if (charge.Price is FlatPrice flat)
            cost = Exact12(flat.Amount * amount);
        else if (charge.DimensionPrices is { Count: > 0 } prices)
        {
            foreach (var (values, of) in used)
            {
                var own = prices.FirstOrDefault(price => string.Join('\u001f', price.Values) == values);
                cost += Priced(own?.Price ?? charge.Price, of, part);
            }
        }
        else
        {
            var total = used.Single().Used;
            var rest = TowardsZero(total.Quantity, Exact12(charge.IncludedUnits * part));
            cost = Priced(charge.Price, total with { Quantity = rest }, part);
        }

        foreach (var discount in charge.Discounts ?? [])
            cost -= Off(discount, cost, part);
        if (charge.Minimum is { } minimum)
            cost = Fraction.Max(cost, Exact12(minimum * amount));
        if (charge.Maximum is { } maximum)
            cost = Clamp(cost, Exact12(maximum * amount));
        return cost;
    }

    /// <summary>What a discount takes off an amount.</summary>
    public static Fraction Off(Discount discount, Fraction left, Fraction share) =>
        discount.Rate is { } rate
            ? Exact12(left * rate)
            : Fraction.Min(left.Abs(), Exact12(discount.Amount!.Value * share)) * (long)left.Sign;

    public static Fraction Clamp(Fraction value, Fraction limit) => Fraction.Max(-limit, Fraction.Min(limit, value));

    private static Fraction Priced(Price price, Used used, Fraction part)
    {
        if (price is PercentagePrice percentage)
        {
            var charged = TowardsZero(used.Quantity, Exact12(percentage.FreeAmount * part));
            var events = Fraction.Max(0, used.Events - Exact12(percentage.FreeEvents * part));
            return Exact12(charged * percentage.Rate) + Exact12(events * percentage.FeePerEvent);
        }

        // Every model is odd.
        var cost = CostOfUnits(price, used.Quantity.Abs(), part);
        return used.Quantity.Sign < 0 ? -cost : cost;
    }

    private static Fraction CostOfUnits(Price price, Fraction units, Fraction part) =>
        price switch
        {
            PerUnitPrice perUnit => Exact12(units * perUnit.UnitPrice),
            PackagePrice package => Packages(package, TowardsZero(units, Exact12(package.FreeUnits * part))),
            GraduatedPrice { FlatFeeAtZero: true } graduated when units.Sign == 0 => graduated.Tiers[0].FlatFee,
            VolumePrice { FlatFeeAtZero: true } volume when units.Sign == 0 => volume.Tiers[0].FlatFee,
            StairStepPrice { FlatFeeAtZero: true } stairs when units.Sign == 0 => stairs.Tiers[0].FlatFee,
            _ when units.Sign == 0 => Fraction.Zero,
            GraduatedPrice graduated => Graduated(graduated.Tiers, units),
            VolumePrice volume => InTier(Reached(volume.Tiers, units), units),
            StairStepPrice stairs => Reached(stairs.Tiers, units).FlatFee,
            _ => throw new ArgumentOutOfRangeException(nameof(price)),
        };

    private static Fraction Packages(PackagePrice package, Fraction charged)
    {
        var packages = charged / package.Size;
        return Exact12((Fraction)(package.RoundDown ? packages.Floor() : packages.Ceiling()) * package.PackageAmount);
    }

    private static Fraction Graduated(IReadOnlyList<Tier> tiers, Fraction units)
    {
        var (cost, below) = (Fraction.Zero, Fraction.Zero);
        foreach (var tier in tiers)
        {
            if (units <= below)
                break;
            Fraction end = tier.UpTo is { } upTo ? Fraction.Min(units, upTo) : units;
            cost += InTier(tier, end - below);
            below = end;
        }

        return cost;
    }

    private static Fraction InTier(Tier tier, Fraction units) =>
        tier.FlatFee + Exact12((tier.PackageSize > 0 ? (units / tier.PackageSize).Ceiling() : units) * tier.UnitPrice);

    private static Tier Reached(IReadOnlyList<Tier> tiers, Fraction units) =>
        tiers.First(tier => tier.UpTo is null || units <= tier.UpTo.Value);

    // Less the free units, but not beyond 0.
    private static Fraction TowardsZero(Fraction quantity, Fraction free) => Fraction.Max(0, quantity.Abs() - free) * (long)quantity.Sign;
}
