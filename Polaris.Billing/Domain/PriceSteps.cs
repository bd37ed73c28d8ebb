namespace Polaris.Billing.Domain;

/// <summary>
/// The explanation steps of a priced quantity. Every model is odd: a negative quantity costs the negative of what its absolute value costs.
/// A quantity of 0 reaches no tier, starts no package and costs nothing, unless the price has its first flat fee at zero.
/// </summary>
internal static class PriceSteps
{
    /// <param name="steps">Receives the steps.</param>
    /// <param name="price">The price.</param>
    /// <param name="usage">The quantity, and the events for fees per event.</param>
    /// <param name="part">The part of the period, which reduces free units, amounts and events. Else the whole.</param>
    public static void Add(List<ExplanationStep> steps, Price price, MeterUsage usage, TimeShare part)
    {
        var (sign, quantity) = usage.Quantity < 0 ? (-1, -usage.Quantity) : (1, usage.Quantity);
        switch (price)
        {
            case PerUnitPrice unit:
                steps.Add(Leaf("Per unit", usage.Quantity, unit.UnitPrice));
                break;
            case GraduatedPrice graduated when quantity > 0:
                AddGraduated(steps, graduated.Ladder, quantity, sign);
                break;
            case VolumePrice volume when quantity > 0:
                var at = volume.Ladder.IndexOf(quantity);
                AddUnits(steps, volume.Ladder, at, quantity, sign);
                AddFlatFee(steps, volume.Ladder, at, sign);
                break;
            case StairStepPrice stairs when quantity > 0:
                var index = stairs.Ladder.IndexOf(quantity);
                steps.Add(Leaf(stairs.Ladder.FeeLabel(index), sign, stairs.Ladder[index].FlatFee));
                break;
            case PackagePrice package:
                AddPackages(steps, package, quantity, sign, part);
                break;
            case PercentagePrice percentage:
                AddPercentage(steps, percentage, quantity, sign, usage.EventCount, part);
                break;
            case FlatPrice flat:
                steps.Add(Leaf("Flat fee", 1, flat.Amount));
                break;
            case GraduatedPrice { FlatFeeAtZero: true } graduated:
                AddFlatFee(steps, graduated.Ladder, 0, sign);
                break;
            case VolumePrice { FlatFeeAtZero: true } volume:
                AddFlatFee(steps, volume.Ladder, 0, sign);
                break;
            case StairStepPrice { FlatFeeAtZero: true } stairs:
                AddFlatFee(steps, stairs.Ladder, 0, sign);
                break;
            case GraduatedPrice or VolumePrice or StairStepPrice:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(price), price.GetType().Name, "No such price model.");
        }
    }

    /// <summary>Subtracts the included units, as far as there are any, and prices the rest.</summary>
    public static void AddBeyondIncluded(List<ExplanationStep> steps, Charge charge, MeterUsage usage, TimeShare part)
    {
        var included = Math.Min(Math.Abs(usage.Quantity), part.Of(charge.IncludedUnits));
        if (usage.Quantity < 0)
            included = -included;
        if (included != 0)
            steps.Add(new ExplanationStep("Included units", included, 0, 0));
        Add(steps, charge.Price, usage with { Quantity = Exact.Add(usage.Quantity, -included) }, part);
    }

    private static ExplanationStep Leaf(string label, decimal quantity, decimal unitPrice) =>
        new(label, quantity, unitPrice, Exact.Multiply(quantity, unitPrice));

    private static void AddGraduated(List<ExplanationStep> steps, TierLadder ladder, decimal quantity, int sign)
    {
        var below = 0m;
        for (var i = 0; i < ladder.Count && quantity > below; i++)
        {
            var upTo = ladder[i].UpTo is { } end && end < quantity ? end : quantity;
            AddUnits(steps, ladder, i, Exact.Add(upTo, -below), sign);
            AddFlatFee(steps, ladder, i, sign);
            below = upTo;
        }
    }

    private static void AddUnits(List<ExplanationStep> steps, TierLadder ladder, int index, decimal units, int sign)
    {
        var tier = ladder[index];
        if (tier.PackageSize > 0)
            steps.Add(Leaf(ladder.PackageLabel(index), Signed(Packages(units, tier.PackageSize, false), sign), tier.UnitPrice));
        else
            steps.Add(Leaf(ladder.Label(index), Signed(units, sign), tier.UnitPrice));
    }

    private static void AddFlatFee(List<ExplanationStep> steps, TierLadder ladder, int index, int sign)
    {
        if (ladder[index].FlatFee != 0)
            steps.Add(Leaf(ladder.FeeLabel(index), sign, ladder[index].FlatFee));
    }

    private static void AddPackages(List<ExplanationStep> steps, PackagePrice price, decimal quantity, int sign, TimeShare part)
    {
        var free = Math.Min(quantity, part.Of(price.FreeUnits));
        if (free > 0)
            steps.Add(new ExplanationStep("Free units", Signed(free, sign), 0, 0));
        var beyond = Exact.Add(quantity, -free);
        if (beyond > 0)
            steps.Add(Leaf(price.Label, Signed(Packages(beyond, price.Size, price.RoundDown), sign), price.PackageAmount));
    }

    private static decimal Packages(decimal units, decimal size, bool roundDown)
    {
        var packages = decimal.Floor(units / size);
        // Division of decimals rounds in the 28th place: correct the count if it is one too many.
        if (packages * size > units)
            packages--;
        else if ((packages + 1) * size <= units)
            packages++;
        return !roundDown && packages * size < units ? packages + 1 : packages;
    }

    private static void AddPercentage(
        List<ExplanationStep> steps,
        PercentagePrice price,
        decimal quantity,
        int sign,
        long events,
        TimeShare part
    )
    {
        var free = Math.Min(quantity, part.Of(price.FreeAmount));
        if (free > 0)
            steps.Add(new ExplanationStep("Free amount", Signed(free, sign), 0, 0));
        steps.Add(Leaf("Share of the amount", Signed(Exact.Add(quantity, -free), sign), price.Rate));
        if (price.FeePerEvent == 0)
            return;
        var freeEvents = Math.Min(events, part.Of(price.FreeEvents));
        if (freeEvents > 0)
            steps.Add(new ExplanationStep("Free events", freeEvents, 0, 0));
        steps.Add(Leaf("Fee per event", events - freeEvents, price.FeePerEvent));
    }

    private static decimal Signed(decimal value, int sign) => sign < 0 ? -value : value;
}
