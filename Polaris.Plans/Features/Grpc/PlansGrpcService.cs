using Grpc.Core;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Plans.Features.Grpc;

/// <summary>Meters and plan versions for other services. The request's org is the tenant of the call.</summary>
internal sealed class PlansGrpcService(TenantScope tenant, ReadPlans plans) : V1.Plans.PlansBase
{
    public override async Task<ListMetersResponse> ListMeters(ListMetersRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var response = new ListMetersResponse();
        response.Meters.AddRange((await plans.MetersAsync(archived: true, context.CancellationToken)).Select(PlanMessages.ToMessage));
        return response;
    }

    public override async Task<V1.PlanVersion> GetPublishedPlanVersion(GetPublishedPlanVersionRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var plan = await plans.PlanAsync(request.PlanKey, context.CancellationToken);
        return plan is not null && ReadPlans.Current(plan) is { } version
            ? PlanMessages.ToMessage(plan, version)
            : throw new RefusedException(Refusal.NotFound("published plan"));
    }

    public override async Task<GetPlanVersionsResponse> GetPlanVersions(GetPlanVersionsRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var ids = request.Ids.Select(id => ParseId("ids", id)).ToArray();
        var response = new GetPlanVersionsResponse();
        response.Versions.AddRange(
            (await plans.VersionsAsync(ids, context.CancellationToken)).Select(found => PlanMessages.ToMessage(found.Plan, found.Version))
        );
        return response;
    }

    private void Enter(string orgId) => tenant.EnterOrg(ParseId("org_id", orgId));

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id)
            ? id
            : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));
}
