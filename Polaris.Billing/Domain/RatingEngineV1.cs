using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Billing.Domain;

/// <summary>
/// Version 1 of the engine, unchanged so that its invoices can be recomputed: flat, per unit, graduated, volume and package prices for
/// whole periods, without invoice-level terms. Do not change it.
/// </summary>
public static class RatingEngineV1
{
    public const string Version = "1";

    /// <param name="subject">Subscription, customer and period.</param>
    /// <param name="plan">The charges.</param>
    /// <param name="usage">Quantity by meter key; a missing meter counts as zero.</param>
    /// <param name="minorUnits">Decimal places of the plan's currency (ISO 4217).</param>
    public static RatedInvoice Rate(InvoiceSubject subject, PlanVersion plan, IReadOnlyDictionary<string, MeterUsage> usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(usage);
        var lines = new RatedLine[plan.Charges.Count];
        for (var i = 0; i < lines.Length; i++)
        {
            var charge = plan.Charges[i];
            var measured = charge.Meter is null ? new MeterUsage(1, 0, 0) : usage.GetValueOrDefault(charge.Meter);
            lines[i] = RateLine(charge, measured, minorUnits);
        }

        var total = lines.Aggregate(RoundToMinorUnits(0, minorUnits), (sum, line) => sum + line.Amount);
        return new RatedInvoice(lines, total, HashOf(subject, plan, lines, total));
    }

    private static RatedLine RateLine(Charge charge, MeterUsage usage, int minorUnits)
    {
        var steps = Explain(charge.Price, usage.Quantity);
        var unrounded = 0m;
        foreach (var step in steps)
            unrounded += step.Amount;
        return new RatedLine(LineKind.Charge, charge, usage, unrounded, RoundToMinorUnits(unrounded, minorUnits), steps);
    }

    /// <summary>Rounds half away from zero to the currency's decimal places and keeps trailing zeros ("5.00").</summary>
    private static decimal RoundToMinorUnits(decimal amount, int minorUnits) =>
        decimal.Round(amount, minorUnits, MidpointRounding.AwayFromZero) + new decimal(0, 0, 0, false, checked((byte)minorUnits));

    private static List<ExplanationStep> Explain(Price price, decimal quantity) =>
        price switch
        {
            FlatPrice flat => [new("Flat fee", 1, flat.Amount, flat.Amount)],
            PerUnitPrice unit => [new("Per unit", quantity, unit.UnitPrice, quantity * unit.UnitPrice)],
            GraduatedPrice graduated => Graduated(graduated.Tiers, quantity),
            VolumePrice volume => Volume(volume.Tiers, quantity),
            PackagePrice package => Package(package, quantity),
            _ => throw new ArgumentOutOfRangeException(nameof(price), price.GetType().Name, "No such price model."),
        };

    private static List<ExplanationStep> Graduated(IReadOnlyList<Tier> tiers, decimal quantity)
    {
        var steps = new List<ExplanationStep>(tiers.Count);
        var below = 0m;
        foreach (var tier in tiers)
        {
            if (quantity <= below)
                break;
            var units = (tier.UpTo is { } end && end < quantity ? end : quantity) - below;
            steps.Add(new ExplanationStep(Name(below, tier.UpTo), units, tier.UnitPrice, units * tier.UnitPrice));
            if (tier.FlatFee != 0)
                steps.Add(new ExplanationStep(Name(below, tier.UpTo) + ", flat fee", 1, tier.FlatFee, tier.FlatFee));
            below = tier.UpTo ?? quantity;
        }

        return steps;
    }

    private static List<ExplanationStep> Volume(IReadOnlyList<Tier> tiers, decimal quantity)
    {
        if (quantity <= 0)
            return [];
        var below = 0m;
        foreach (var tier in tiers)
        {
            if (tier.UpTo is { } end && quantity > end)
            {
                below = end;
                continue;
            }

            var steps = new List<ExplanationStep>
            {
                new(Name(below, tier.UpTo) + ", all units", quantity, tier.UnitPrice, quantity * tier.UnitPrice),
            };
            if (tier.FlatFee != 0)
                steps.Add(new ExplanationStep(Name(below, tier.UpTo) + ", flat fee", 1, tier.FlatFee, tier.FlatFee));
            return steps;
        }

        throw new InvalidOperationException("No tier contains the quantity: the last tier of a plan must be unbounded.");
    }

    private static List<ExplanationStep> Package(PackagePrice price, decimal quantity)
    {
        var free = Math.Min(quantity, price.FreeUnits);
        var steps = new List<ExplanationStep>(2);
        if (free > 0)
            steps.Add(new ExplanationStep("Free units", free, 0, 0));
        var beyond = quantity - price.FreeUnits;
        if (beyond <= 0)
            return steps;
        var packages = decimal.Ceiling(beyond / price.Size);
        // Division of decimals rounds in the 28th place: make sure that the count is the smallest that covers the quantity.
        if ((packages - 1) * price.Size >= beyond)
            packages--;
        else if (packages * price.Size < beyond)
            packages++;
        steps.Add(
            new ExplanationStep($"Packages of {Text(price.Size)} started", packages, price.PackageAmount, packages * price.PackageAmount)
        );
        return steps;
    }

    private static string Name(decimal below, decimal? upTo) =>
        upTo is { } end ? $"Above {Text(below)} up to {Text(end)}" : $"Above {Text(below)}";

    private static string HashOf(InvoiceSubject subject, PlanVersion plan, IReadOnlyList<RatedLine> lines, decimal total)
    {
        var text = new StringBuilder()
            .Append("polaris-invoice/1\n")
            .Append(
                CultureInfo.InvariantCulture,
                $"{subject.SubscriptionId}|{subject.Customer.Length}:{subject.Customer}"
                    + $"|{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n"
            )
            .Append(CultureInfo.InvariantCulture, $"{Version}\n{plan.Hash}\n{plan.Currency}\n");
        foreach (var line in lines)
            text.Append(
                CultureInfo.InvariantCulture,
                $"{line.Charge.Key}|{Text(line.Usage.Quantity)}|{Text(line.UnroundedAmount)}|{Text(line.Amount)}"
                    + $"|{line.Usage.EventCount}|{line.Usage.EventDigest:x16}\n"
            );
        text.Append(Text(total));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Without trailing zeros, so that 1.50 and 1.5 have the same text and hash.</summary>
    private static string Text(decimal value) => (value / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
}
