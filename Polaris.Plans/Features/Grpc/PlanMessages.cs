using Google.Protobuf.WellKnownTypes;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;
using Polaris.Plans.V1;

namespace Polaris.Plans.Features.Grpc;

/// <summary>Converts meters and plan versions to messages: decimals as strings, empty for null.</summary>
internal static class PlanMessages
{
    public static Meter ToMessage(MeterRow row)
    {
        var meter = new Meter
        {
            Id = row.Id.ToString(),
            Key = row.Key,
            Name = row.Name,
            EventType = row.EventType,
            Aggregation = (Aggregation)System.Enum.Parse<MeterAggregation>(row.Aggregation),
            Property = row.Property ?? "",
            CreatedAt = Timestamp.FromDateTime(row.CreatedAt.ToDateTimeUtc()),
        };
        meter.Filters.AddRange(
            CreateMeter.Filters(row).Select(filter => new V1.MeterFilter { Property = filter.Property, Equals_ = filter.Equals_ })
        );
        meter.Dimensions.AddRange(CreateMeter.Dimensions(row));
        if (CreateMeter.EventFee(row) is { } fee)
            meter.EventFee = new V1.EventFee
            {
                Percent = PlanContent.Text(fee.Percent),
                Fixed = PlanContent.Text(fee.Fixed),
                Minimum = PlanContent.Text(fee.Minimum),
                Maximum = PlanContent.Text(fee.Maximum),
            };
        return meter;
    }

    public static V1.PlanVersion ToMessage(PlanRow plan, PlanVersionRow row)
    {
        var version = new V1.PlanVersion
        {
            Id = row.Id.ToString(),
            PlanKey = plan.Key,
            Number = row.Number,
            Currency = plan.Currency,
            Interval = Interval.Month,
            Hash = row.Hash,
            Status = row.Status switch
            {
                // A version of an archived plan takes no subscriptions, like an archived version.
                VersionStatuses.Published when plan.ArchivedAt is not null => VersionStatus.Archived,
                VersionStatuses.Draft => VersionStatus.Draft,
                VersionStatuses.Published => VersionStatus.Published,
                VersionStatuses.Archived => VersionStatus.Archived,
                _ => throw new InvalidOperationException($"Plan version {row.Id} has the status '{row.Status}'."),
            },
        };
        version.Charges.AddRange(PlanContent.Deserialize(row.Charges).Select(ToMessage));
        if (PlanContent.DeserializeTerms(row.Terms) is { IsNone: false } terms)
            version.Terms = ToMessage(terms);
        return version;
    }

    private static V1.Charge ToMessage(Domain.Charge charge)
    {
        var message = new V1.Charge
        {
            Key = charge.Key,
            Name = charge.Name,
            Meter = charge.Meter ?? "",
            Price = ToMessage(charge.Price),
            InAdvance = charge.Timing == BillingTiming.Advance,
            Proration = charge.Proration is { } proration ? ToMessage(proration) : V1.Proration.Unspecified,
            IncludedUnits = PlanContent.Text(charge.IncludedUnits),
            Minimum = PlanContent.Text(charge.Minimum),
            Maximum = PlanContent.Text(charge.Maximum),
        };
        foreach (var dimension in charge.DimensionPrices ?? [])
        {
            var price = new V1.DimensionPrice { Price = ToMessage(dimension.Price) };
            price.Values.AddRange(dimension.Values);
            message.DimensionPrices.Add(price);
        }

        message.Discounts.AddRange((charge.Discounts ?? []).Select(ToMessage));
        return message;
    }

    private static V1.Price ToMessage(Domain.Price price) =>
        price.Model switch
        {
            PriceModel.Flat => new V1.Price { Flat = new FlatPrice { Amount = PlanContent.Text(price.Amount) } },
            PriceModel.PerUnit => new V1.Price { PerUnit = new PerUnitPrice { UnitPrice = PlanContent.Text(price.UnitPrice) } },
            PriceModel.Graduated => new V1.Price { Graduated = Tiered(price) },
            PriceModel.Volume => new V1.Price { Volume = Tiered(price) },
            PriceModel.StairStep => new V1.Price { StairStep = Tiered(price) },
            PriceModel.GraduatedPercentage => new V1.Price { GraduatedPercentage = Tiered(price) },
            PriceModel.Package => new V1.Price
            {
                Package = new PackagePrice
                {
                    Size = PlanContent.Text(price.PackageSize),
                    Price = PlanContent.Text(price.PackagePrice),
                    FreeUnits = PlanContent.Text(price.FreeUnits ?? 0),
                    RoundDown = price.PackageRounding == PackageRounding.Down,
                },
            },
            PriceModel.Percentage => new V1.Price
            {
                Percentage = new PercentagePrice
                {
                    Percent = PlanContent.Text(price.Percent),
                    FeePerEvent = PlanContent.Text(price.FeePerEvent),
                    FreeAmount = PlanContent.Text(price.FreeAmount),
                    FreeEvents = price.FreeEvents ?? 0,
                },
            },
            _ => throw new InvalidOperationException($"Unknown price model: {price.Model}."),
        };

    private static TieredPrice Tiered(Domain.Price price)
    {
        var tiered = new TieredPrice { FlatFeeAtZero = price.FlatFeeAtZero == true };
        tiered.Tiers.AddRange(
            price.Tiers!.Select(tier => new V1.Tier
            {
                UpTo = PlanContent.Text(tier.UpTo),
                UnitPrice = PlanContent.Text(tier.UnitPrice),
                FlatFee = PlanContent.Text(tier.FlatFee),
                Percent = PlanContent.Text(tier.Percent),
                PackageSize = PlanContent.Text(tier.PackageSize),
            })
        );
        return tiered;
    }

    private static Terms ToMessage(PlanTerms terms)
    {
        var message = new Terms
        {
            Proration = ToMessage(terms.Proration),
            Minimum = PlanContent.Text(terms.Minimum),
            Maximum = PlanContent.Text(terms.Maximum),
            TaxesIncluded = terms.TaxMode == TaxMode.Inclusive,
        };
        if (terms.Commitment is { } commitment)
            message.Commitment = new V1.Commitment
            {
                Amount = PlanContent.Text(commitment.Amount),
                OverageFactor = PlanContent.Text(commitment.OverageFactor),
            };
        message.Discounts.AddRange((terms.Discounts ?? []).Select(ToMessage));
        message.Taxes.AddRange(
            (terms.Taxes ?? []).Select(tax => new V1.TaxRate
            {
                Key = tax.Key,
                Name = tax.Name,
                Percent = PlanContent.Text(tax.Percent),
            })
        );
        return message;
    }

    private static V1.Discount ToMessage(Domain.Discount discount) =>
        new()
        {
            Key = discount.Key,
            Name = discount.Name,
            Percent = PlanContent.Text(discount.Percent),
            Amount = PlanContent.Text(discount.Amount),
        };

    private static V1.Proration ToMessage(Domain.Proration proration) =>
        proration switch
        {
            Domain.Proration.None => V1.Proration.None,
            Domain.Proration.Seconds => V1.Proration.Seconds,
            Domain.Proration.Days => V1.Proration.Days,
            _ => throw new InvalidOperationException($"Unknown proration: {proration}."),
        };
}
