using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Plans.Features;

/// <summary>Meters and plan versions for other services. The org of the request becomes the tenant of the call.</summary>
internal sealed class PlansGrpcService(TenantScope tenant, ReadPlans plans) : V1.Plans.PlansBase
{
    public override async Task<ListMetersResponse> ListMeters(ListMetersRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var response = new ListMetersResponse();
        response.Meters.AddRange((await plans.MetersAsync(context.CancellationToken)).Select(ToMessage));
        return response;
    }

    public override async Task<V1.PlanVersion> GetPublishedPlanVersion(GetPublishedPlanVersionRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var plan = await plans.PlanAsync(request.PlanKey, context.CancellationToken);
        return plan is not null && ReadPlans.Current(plan) is { } version
            ? ToMessage(plan, version)
            : throw new RefusedException(Refusal.NotFound("published plan"));
    }

    public override async Task<GetPlanVersionsResponse> GetPlanVersions(GetPlanVersionsRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var ids = request.Ids.Select(id => ParseId("ids", id)).ToArray();
        var response = new GetPlanVersionsResponse();
        response.Versions.AddRange((await plans.VersionsAsync(ids, context.CancellationToken)).Select(one => ToMessage(one.Plan, one.Version)));
        return response;
    }

    private static Meter ToMessage(MeterRow row)
    {
        var meter = new Meter
        {
            Id = row.Id.ToString(),
            Key = row.Key,
            Name = row.Name,
            EventType = row.EventType,
            Aggregation = System.Enum.Parse<MeterAggregation>(row.Aggregation) switch
            {
                MeterAggregation.Count => Aggregation.Count,
                MeterAggregation.Sum => Aggregation.Sum,
                MeterAggregation.Max => Aggregation.Max,
                MeterAggregation.UniqueCount => Aggregation.UniqueCount,
                _ => throw new InvalidOperationException($"Meter {row.Id} has the aggregation '{row.Aggregation}'."),
            },
            Property = row.Property ?? "",
            CreatedAt = Timestamp.FromDateTime(row.CreatedAt.ToDateTimeUtc()),
        };
        meter.Filters.AddRange(CreateMeter.Filters(row).Select(filter => new V1.MeterFilter { Property = filter.Property, Equals_ = filter.Equals_ }));
        return meter;
    }

    private static V1.PlanVersion ToMessage(PlanRow plan, PlanVersionRow row)
    {
        var version = new V1.PlanVersion
        {
            Id = row.Id.ToString(),
            PlanKey = plan.Key,
            Number = row.Number,
            Currency = plan.Currency,
            Interval = Interval.Month,
            Hash = row.Hash,
        };
        version.Charges.AddRange(PlanContent.Deserialize(row.Charges).Select(charge => new V1.Charge
        {
            Key = charge.Key,
            Name = charge.Name,
            Meter = charge.Meter ?? "",
            Price = ToMessage(charge.Price),
        }));
        return version;
    }

    private static V1.Price ToMessage(Domain.Price price) => price.Model switch
    {
        PriceModel.Flat => new V1.Price { Flat = new FlatPrice { Amount = PlanContent.Text(price.Amount) } },
        PriceModel.PerUnit => new V1.Price { PerUnit = new PerUnitPrice { UnitPrice = PlanContent.Text(price.UnitPrice) } },
        PriceModel.Graduated => new V1.Price { Graduated = Tiered(price) },
        PriceModel.Volume => new V1.Price { Volume = Tiered(price) },
        PriceModel.Package => new V1.Price
        {
            Package = new PackagePrice { Size = PlanContent.Text(price.PackageSize), Price = PlanContent.Text(price.PackagePrice), FreeUnits = PlanContent.Text(price.FreeUnits ?? 0) },
        },
        _ => throw new InvalidOperationException($"No such price model: {price.Model}."),
    };

    private static TieredPrice Tiered(Domain.Price price)
    {
        var tiered = new TieredPrice();
        tiered.Tiers.AddRange(price.Tiers!.Select(tier => new V1.Tier
        {
            UpTo = PlanContent.Text(tier.UpTo),
            UnitPrice = PlanContent.Text(tier.UnitPrice),
            FlatFee = PlanContent.Text(tier.FlatFee),
        }));
        return tiered;
    }

    private void Enter(string orgId) => tenant.EnterOrg(ParseId("org_id", orgId));

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id) ? id : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));
}
