namespace Polaris.Billing.Domain;

/// <summary>A meter's quantity for one combination of dimension values, joined by <see cref="DimensionValues.Join"/>.</summary>
public readonly record struct DimensionUsage(string Values, MeterUsage Usage);

/// <summary>The usage of a period.</summary>
/// <param name="Totals">By meter key; a missing meter counts as zero.</param>
/// <param name="ByDimension">By meter key, for meters whose dimensions a plan prices; in any order.</param>
public sealed record PeriodUsage(
    IReadOnlyDictionary<string, MeterUsage> Totals,
    IReadOnlyDictionary<string, IReadOnlyList<DimensionUsage>> ByDimension
)
{
    public static readonly PeriodUsage Empty = new(
        new Dictionary<string, MeterUsage>(),
        new Dictionary<string, IReadOnlyList<DimensionUsage>>()
    );

    private readonly HashSet<string> tooLarge = [];
    private readonly HashSet<string> unsummed = [];

    public PeriodUsage(IReadOnlyDictionary<string, MeterUsage> totals)
        : this(totals, Empty.ByDimension) { }

    /// <summary>
    /// Meters whose quantity has more digits than a decimal holds. An invoice with a charge for such a meter is held; other invoices are
    /// not affected.
    /// </summary>
    public IReadOnlyCollection<string> TooLarge => tooLarge;

    /// <summary>An empty instance for <see cref="Add"/>.</summary>
    public static PeriodUsage New() => new(new Dictionary<string, MeterUsage>(), new Dictionary<string, IReadOnlyList<DimensionUsage>>());

    /// <summary>Valid only on instances created by <see cref="New"/>.</summary>
    public void Add(string meter, MeterUsage total, IReadOnlyList<DimensionUsage> byDimension)
    {
        ((Dictionary<string, MeterUsage>)Totals)[meter] = total;
        if (byDimension is { Count: > 0 })
            ((Dictionary<string, IReadOnlyList<DimensionUsage>>)ByDimension)[meter] = byDimension;
    }

    public void AddTooLarge(string meter) => tooLarge.Add(meter);

    /// <summary>
    /// Meters whose quantity is no sum (a maximum, a number of distinct values): a part of a period counts its share of it, so that the
    /// parts do not count the same thing twice.
    /// </summary>
    public IReadOnlyCollection<string> Unsummed => unsummed;

    public void AddUnsummed(string meter) => unsummed.Add(meter);

    /// <exception cref="OverflowException">The meter is too large.</exception>
    internal void Check(string meter)
    {
        if (tooLarge.Contains(meter))
            throw new OverflowException($"The quantity of the meter '{meter}' has more digits than a decimal holds.");
    }

    /// <exception cref="OverflowException">The plan charges by a meter that is too large.</exception>
    internal void Check(PlanVersion plan)
    {
        if (tooLarge.Count == 0)
            return;
        if (plan.Charges.FirstOrDefault(charge => charge.Meter is not null && tooLarge.Contains(charge.Meter)) is { } charge)
            throw new OverflowException($"The quantity of the meter '{charge.Meter}' has more digits than a decimal holds.");
    }
}
