namespace Polaris.Billing.Domain;

/// <summary>
/// Prices of engine version 2, unchanged so that its invoices can be recomputed: a quantity of 0 or less reaches no tier, starts no
/// package and costs nothing. Do not change it.
/// </summary>
internal static class PriceStepsV2
{
    public static void Add(List<ExplanationStep> steps, Price price, MeterUsage usage)
    {
        var quantity = usage.Quantity;
        switch (price)
        {
            case PerUnitPrice unit:
                steps.Add(Leaf("Per unit", quantity, unit.UnitPrice));
                break;
            case GraduatedPrice graduated:
                AddGraduated(steps, graduated.Ladder, quantity);
                break;
            case VolumePrice volume when quantity > 0:
                AddVolume(steps, volume.Ladder, quantity);
                break;
            case StairStepPrice stairs when quantity > 0:
                var index = stairs.Ladder.IndexOf(quantity);
                steps.Add(Leaf(stairs.Ladder.FeeLabel(index), 1, stairs.Ladder[index].FlatFee));
                break;
            case PackagePrice package:
                AddPackages(steps, package, quantity);
                break;
            case PercentagePrice percentage:
                AddPercentage(steps, percentage, usage);
                break;
            case FlatPrice flat:
                steps.Add(Leaf("Flat fee", 1, flat.Amount));
                break;
            case VolumePrice or StairStepPrice:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(price), price.GetType().Name, "No such price model.");
        }
    }

    public static void AddBeyondIncluded(List<ExplanationStep> steps, Charge charge, MeterUsage usage)
    {
        var included = Math.Max(0, Math.Min(usage.Quantity, charge.IncludedUnits));
        if (included > 0)
            steps.Add(new ExplanationStep("Included units", included, 0, 0));
        Add(steps, charge.Price, usage with { Quantity = Exact.Add(usage.Quantity, -included) });
    }

    private static ExplanationStep Leaf(string label, decimal quantity, decimal unitPrice) =>
        new(label, quantity, unitPrice, Exact.Multiply(quantity, unitPrice));

    private static void AddGraduated(List<ExplanationStep> steps, TierLadder ladder, decimal quantity)
    {
        var below = 0m;
        for (var i = 0; i < ladder.Count && quantity > below; i++)
        {
            var tier = ladder[i];
            var upTo = tier.UpTo is { } end && end < quantity ? end : quantity;
            steps.Add(Leaf(ladder.Label(i), Exact.Add(upTo, -below), tier.UnitPrice));
            if (tier.FlatFee != 0)
                steps.Add(Leaf(ladder.FeeLabel(i), 1, tier.FlatFee));
            below = upTo;
        }
    }

    private static void AddVolume(List<ExplanationStep> steps, TierLadder ladder, decimal quantity)
    {
        var index = ladder.IndexOf(quantity);
        steps.Add(Leaf(ladder.Label(index), quantity, ladder[index].UnitPrice));
        if (ladder[index].FlatFee != 0)
            steps.Add(Leaf(ladder.FeeLabel(index), 1, ladder[index].FlatFee));
    }

    private static void AddPackages(List<ExplanationStep> steps, PackagePrice price, decimal quantity)
    {
        var free = Math.Min(quantity, price.FreeUnits);
        if (free > 0)
            steps.Add(new ExplanationStep("Free units", free, 0, 0));
        var beyond = Exact.Add(quantity, -price.FreeUnits);
        if (beyond <= 0)
            return;
        var packages = decimal.Floor(beyond / price.Size);
        // Division of decimals rounds in the 28th place: correct the count if it is one too many.
        if (packages * price.Size > beyond)
            packages--;
        else if ((packages + 1) * price.Size <= beyond)
            packages++;
        if (!price.RoundDown && packages * price.Size < beyond)
            packages++;
        steps.Add(Leaf(price.Label, packages, price.PackageAmount));
    }

    private static void AddPercentage(List<ExplanationStep> steps, PercentagePrice price, MeterUsage usage)
    {
        var free = Math.Max(0, Math.Min(usage.Quantity, price.FreeAmount));
        if (free > 0)
            steps.Add(new ExplanationStep("Free amount", free, 0, 0));
        steps.Add(Leaf("Share of the amount", Exact.Add(usage.Quantity, -free), price.Rate));
        if (price.FeePerEvent == 0)
            return;
        var freeEvents = Math.Min(usage.EventCount, price.FreeEvents);
        if (freeEvents > 0)
            steps.Add(new ExplanationStep("Free events", freeEvents, 0, 0));
        steps.Add(Leaf("Fee per event", usage.EventCount - freeEvents, price.FeePerEvent));
    }
}
