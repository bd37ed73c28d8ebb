using System.Globalization;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Everything of a charge or of terms but names, as text: equal when a change of plan did not change it.</summary>
internal static class Sameness
{
    public static string Of(Charge charge) =>
        string.Join(
            '|',
            charge.Meter,
            Of(charge.Price),
            List((charge.DimensionPrices ?? []).Select(price => $"{string.Join(',', price.Values)}={Of(price.Price)}")),
            charge.InAdvance,
            charge.Proration,
            Of(charge.IncludedUnits),
            Of(charge.Minimum),
            Of(charge.Maximum),
            Of(charge.Discounts ?? [])
        );

    // Without any terms the proration says nothing.
    public static string Of(PlanTerms terms) =>
        terms is { Commitment: null, Minimum: null, Maximum: null, Discounts.Count: 0, Taxes.Count: 0 }
            ? "no terms"
            : string.Join(
                '|',
                terms.Proration,
                Of(terms.Commitment?.Amount),
                Of(terms.Commitment?.OverageFactor),
                Of(terms.Minimum),
                Of(terms.Maximum),
                Of(terms.Discounts),
                terms.TaxesIncluded,
                List(terms.Taxes.Select(tax => $"{tax.Key}={Of(tax.Rate)}"))
            );

    public static string Of(Price price) =>
        price switch
        {
            FlatPrice flat => $"flat {Of(flat.Amount)}",
            PerUnitPrice perUnit => $"per unit {Of(perUnit.UnitPrice)}",
            GraduatedPrice graduated => $"graduated {Of(graduated.Tiers)} {graduated.FlatFeeAtZero}",
            VolumePrice volume => $"volume {Of(volume.Tiers)} {volume.FlatFeeAtZero}",
            StairStepPrice stairs => $"stairs {Of(stairs.Tiers)} {stairs.FlatFeeAtZero}",
            PackagePrice package => $"package {Of(package.Size)} {Of(package.PackageAmount)} {Of(package.FreeUnits)} {package.RoundDown}",
            PercentagePrice of => $"percentage {Of(of.Rate)} {Of(of.FeePerEvent)} {Of(of.FreeAmount)} {of.FreeEvents}",
            _ => throw new ArgumentOutOfRangeException(nameof(price)),
        };

    private static string Of(IReadOnlyList<Discount> discounts) =>
        List(discounts.Select(discount => $"{discount.Key}={Of(discount.Rate)}/{Of(discount.Amount)}"));

    private static string Of(IReadOnlyList<Tier> tiers) =>
        List(tiers.Select(tier => $"{Of(tier.UpTo)}:{Of(tier.UnitPrice)}+{Of(tier.FlatFee)}/{Of(tier.PackageSize)}"));

    // 1.0 and 1.00 are the same.
    private static string Of(decimal? value) => value?.ToString("0.####################", CultureInfo.InvariantCulture) ?? "-";

    private static string List(IEnumerable<string> items) => $"[{string.Join(';', items)}]";
}
