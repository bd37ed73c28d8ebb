using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>
/// How a quantity becomes an unrounded amount in major currency units. docs/pricing.md has an example of each model. With
/// <c>FlatFeeAtZero</c> the first tier's flat fee is due at a quantity of 0 too.
/// </summary>
public abstract record Price;

/// <summary>A fixed fee a period, independent of usage.</summary>
public sealed record FlatPrice(decimal Amount) : Price;

/// <summary>Every unit costs the same.</summary>
public sealed record PerUnitPrice(decimal UnitPrice) : Price;

/// <summary>Each unit costs the price of the tier it falls in. Graduated percentages use this too: units of money at a rate each.</summary>
public sealed record GraduatedPrice(IReadOnlyList<Tier> Tiers, bool FlatFeeAtZero = false) : Price
{
    internal TierLadder Ladder { get; } = new(Tiers, "");
}

/// <summary>All units cost the price of the tier that the total quantity reaches.</summary>
public sealed record VolumePrice(IReadOnlyList<Tier> Tiers, bool FlatFeeAtZero = false) : Price
{
    internal TierLadder Ladder { get; } = new(Tiers, ", all units");
}

/// <summary>The quantity costs the flat fee of the tier that it reaches, and nothing per unit.</summary>
public sealed record StairStepPrice(IReadOnlyList<Tier> Tiers, bool FlatFeeAtZero = false) : Price
{
    internal TierLadder Ladder { get; } = new(Tiers, "");
}

/// <summary>
/// Every started package of <paramref name="Size"/> units beyond the free ones costs <paramref name="PackageAmount"/>; when rounding down,
/// every full one.
/// </summary>
public sealed record PackagePrice(decimal Size, decimal PackageAmount, decimal FreeUnits, bool RoundDown = false) : Price
{
    internal string Label { get; } = $"Packages of {RatingEngine.Text(Size)} {(RoundDown ? "filled" : "started")}";
}

/// <summary>A rate on the quantity, which is an amount of money, plus a fee for each event.</summary>
/// <param name="Rate">0.029 for 2.9 %.</param>
/// <param name="FeePerEvent">For each event beyond the free ones.</param>
/// <param name="FreeAmount">This much of the quantity is free.</param>
/// <param name="FreeEvents">This many events have no fee.</param>
public sealed record PercentagePrice(decimal Rate, decimal FeePerEvent, decimal FreeAmount, long FreeEvents) : Price;

/// <summary>A range of quantities with one price.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null on the last tier.</param>
/// <param name="UnitPrice">Per unit.</param>
/// <param name="FlatFee">Charged once when the tier is reached (graduated) or applies (volume, stair step).</param>
/// <param name="PackageSize">Above 0: the unit price is that of each started package of this size within the tier.</param>
public sealed record Tier(decimal? UpTo, decimal UnitPrice, decimal FlatFee, decimal PackageSize = 0);

/// <summary>Tiers with their explanation labels, built once for all lines.</summary>
internal sealed class TierLadder
{
    private readonly Tier[] tiers;
    private readonly string[] labels;
    private readonly string[] feeLabels;

    public TierLadder(IReadOnlyList<Tier> tiers, string suffix)
    {
        this.tiers = [.. tiers];
        (labels, feeLabels) = (new string[tiers.Count], new string[tiers.Count]);
        var below = 0m;
        for (var i = 0; i < this.tiers.Length; i++)
        {
            var name = this.tiers[i].UpTo is { } end
                ? $"Above {RatingEngine.Text(below)} up to {RatingEngine.Text(end)}"
                : $"Above {RatingEngine.Text(below)}";
            (labels[i], feeLabels[i]) = (name + suffix, name + ", flat fee");
            below = this.tiers[i].UpTo ?? below;
        }
    }

    public int Count => tiers.Length;

    public Tier this[int index] => tiers[index];

    public string Label(int index) => labels[index];

    public string FeeLabel(int index) => feeLabels[index];

    public string PackageLabel(int index) => $"{labels[index]}, packages of {RatingEngine.Text(tiers[index].PackageSize)} started";

    /// <summary>The tier that contains a quantity above 0.</summary>
    public int IndexOf(decimal quantity)
    {
        for (var i = 0; i < tiers.Length; i++)
        {
            if (tiers[i].UpTo is not { } end || quantity <= end)
                return i;
        }

        throw new InvalidOperationException(
            string.Create(CultureInfo.InvariantCulture, $"No tier contains {quantity}: the last tier of a plan must be unbounded.")
        );
    }
}
