using Polaris.Billing.Domain;
using Polaris.Plans.V1;

namespace Polaris.Billing.Features.Catalog;

/// <summary>Converts plan versions from the message of Plans to the engine's types. Percentages become rates (0.1 for 10 %).</summary>
internal static class PlanMessages
{
    private const decimal Percent = 0.01m;

    public static Domain.PlanVersion ToDomain(Plans.V1.PlanVersion version)
    {
        var terms = version.Terms is { } stated ? ToDomain(stated) : PlanTerms.None;
        return new Domain.PlanVersion(
            Guid.Parse(version.Id),
            version.PlanKey,
            version.Currency,
            version.Hash,
            [.. version.Charges.Select(charge => ToDomain(charge, terms))],
            terms
        );
    }

    private static Domain.Charge ToDomain(Plans.V1.Charge charge, PlanTerms terms) =>
        new(
            charge.Key,
            charge.Name,
            charge.Meter.Length == 0 ? null : charge.Meter,
            ToDomain(charge.Price),
            [.. charge.DimensionPrices.Select(dimension => new Domain.DimensionPrice([.. dimension.Values], ToDomain(dimension.Price)))],
            charge.InAdvance,
            charge.Proration == Plans.V1.Proration.Unspecified ? terms.Proration : ToDomain(charge.Proration),
            Number(charge.IncludedUnits),
            Optional(charge.Minimum),
            Optional(charge.Maximum),
            charge.Discounts.Count == 0 ? null : [.. charge.Discounts.Select(ToDomain)]
        );

    private static PlanTerms ToDomain(Terms terms) =>
        new(
            ToDomain(terms.Proration),
            terms.Commitment is { } commitment ? new Domain.Commitment(Number(commitment.Amount), Number(commitment.OverageFactor)) : null,
            Optional(terms.Minimum),
            Optional(terms.Maximum),
            [.. terms.Discounts.Select(ToDomain)],
            terms.TaxesIncluded,
            [.. terms.Taxes.Select(tax => new Domain.TaxRate(tax.Key, tax.Name, Number(tax.Percent) * Percent))]
        );

    private static Domain.Discount ToDomain(Plans.V1.Discount discount) =>
        new(discount.Key, discount.Name, Optional(discount.Percent) * Percent, Optional(discount.Amount));

    private static Domain.Proration ToDomain(Plans.V1.Proration proration) =>
        proration switch
        {
            Plans.V1.Proration.Unspecified or Plans.V1.Proration.None => Domain.Proration.None,
            Plans.V1.Proration.Seconds => Domain.Proration.Seconds,
            Plans.V1.Proration.Days => Domain.Proration.Days,
            _ => throw new InvalidOperationException($"Billing cannot count time by {proration}."),
        };

    private static Domain.Price ToDomain(Plans.V1.Price price) =>
        price.ModelCase switch
        {
            Plans.V1.Price.ModelOneofCase.Flat => new Domain.FlatPrice(Number(price.Flat.Amount)),
            Plans.V1.Price.ModelOneofCase.PerUnit => new Domain.PerUnitPrice(Number(price.PerUnit.UnitPrice)),
            Plans.V1.Price.ModelOneofCase.Graduated => new GraduatedPrice(Tiers(price.Graduated), price.Graduated.FlatFeeAtZero),
            Plans.V1.Price.ModelOneofCase.Volume => new VolumePrice(Tiers(price.Volume), price.Volume.FlatFeeAtZero),
            Plans.V1.Price.ModelOneofCase.Package => new Domain.PackagePrice(
                Number(price.Package.Size),
                Number(price.Package.Price),
                Number(price.Package.FreeUnits),
                price.Package.RoundDown
            ),
            Plans.V1.Price.ModelOneofCase.StairStep => new StairStepPrice(Tiers(price.StairStep), price.StairStep.FlatFeeAtZero),
            Plans.V1.Price.ModelOneofCase.Percentage => new Domain.PercentagePrice(
                Number(price.Percentage.Percent) * Percent,
                Number(price.Percentage.FeePerEvent),
                Number(price.Percentage.FreeAmount),
                price.Percentage.FreeEvents
            ),
            // The rate is the price of one unit of money.
            Plans.V1.Price.ModelOneofCase.GraduatedPercentage => new GraduatedPrice([
                .. price.GraduatedPercentage.Tiers.Select(tier => new Domain.Tier(
                    Optional(tier.UpTo),
                    Number(tier.Percent) * Percent,
                    Number(tier.FlatFee)
                )),
            ]),
            _ => throw new InvalidOperationException($"Billing cannot rate the price model {price.ModelCase}."),
        };

    private static Domain.Tier[] Tiers(TieredPrice tiers) =>
        [
            .. tiers.Tiers.Select(tier => new Domain.Tier(
                Optional(tier.UpTo),
                Number(tier.UnitPrice),
                Number(tier.FlatFee),
                Number(tier.PackageSize)
            )),
        ];

    private static decimal Number(string text) => Optional(text) ?? 0;

    private static decimal? Optional(string text) => text.Length == 0 ? null : ExactDecimal.Parse(text);
}
