using GraphQL;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

[Name("Query")]
internal sealed partial class Query
{
    /// <summary>The org's meters, oldest first; with <c>archived</c> also those that are archived.</summary>
    [RequireScope(Scopes.Read)]
    public static Task<IEnumerable<MeterType>> Meters(
        [FromServices] InOrgs orgs,
        [Id] Guid? orgId,
        CancellationToken ct,
        bool archived = false
    ) =>
        orgs.RunAsync<ReadPlans, IEnumerable<MeterType>>(
            orgId,
            Scopes.Read,
            async (plans, _) => (await plans.MetersAsync(archived, ct)).Select(MeterType.Of),
            ct
        );

    [RequireScope(Scopes.Read)]
    public static async Task<MeterType?> Meter([FromServices] ReadPlans plans, string key, CancellationToken ct) =>
        await plans.MeterAsync(key, ct) is { } row ? MeterType.Of(row) : null;

    /// <summary>The org's plans, ordered by key; with <c>archived</c> also those that are archived.</summary>
    [RequireScope(Scopes.Read)]
    public static Task<IEnumerable<PlanType>> Plans(
        [FromServices] InOrgs orgs,
        [Id] Guid? orgId,
        CancellationToken ct,
        bool archived = false
    ) =>
        orgs.RunAsync<ReadPlans, IEnumerable<PlanType>>(
            orgId,
            Scopes.Read,
            async (plans, _) => (await plans.PlansAsync(archived, ct)).Select(PlanType.Of),
            ct
        );

    [RequireScope(Scopes.Read)]
    public static async Task<PlanType?> Plan([FromServices] ReadPlans plans, string key, CancellationToken ct) =>
        await plans.PlanAsync(key, ct) is { } row ? PlanType.Of(row) : null;

    [RequireScope(Scopes.Read)]
    public static async Task<PlanVersionType?> PlanVersion([FromServices] ReadPlans plans, [Id] Guid id, CancellationToken ct) =>
        (await plans.VersionsAsync([id], ct)) is [var (plan, version)] ? PlanVersionType.Of(plan, version) : null;
}

[Name("Mutation")]
internal sealed partial class Mutation
{
    [RequireScope(Scopes.Admin)]
    public static async Task<MeterType> CreateMeter([FromServices] CreateMeter create, CreateMeterInput input, CancellationToken ct) =>
        MeterType.Of(await create.HandleAsync(input.ToNewMeter(), ct));

    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> CreatePlan([FromServices] EditPlans edit, CreatePlanInput input, CancellationToken ct) =>
        PlanType.Of(await edit.CreateAsync(input.ToNewPlan(), ct));

    /// <summary>Creates a draft version of a plan. <c>currency</c>, if given, must be that of the plan.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanVersionType> CreatePlanVersion(
        [FromServices] EditPlans edit,
        string planKey,
        ChargeInput[] charges,
        PlanTermsInput? terms,
        string? currency,
        CancellationToken ct
    )
    {
        var (plan, version) = await edit.AddVersionAsync(
            planKey,
            [.. charges.Select(charge => charge.ToCharge())],
            terms?.ToTerms() ?? PlanTerms.None,
            currency,
            ct
        );
        return PlanVersionType.Of(plan, version);
    }

    [RequireScope(Scopes.Admin)]
    public static async Task<PlanVersionType> PublishPlanVersion([FromServices] EditPlans edit, [Id] Guid id, CancellationToken ct)
    {
        var (plan, version) = await edit.PublishAsync(id, ct);
        return PlanVersionType.Of(plan, version);
    }

    /// <summary>The version takes no new subscriptions; existing ones keep it.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanVersionType> ArchivePlanVersion([FromServices] EditPlans edit, [Id] Guid id, CancellationToken ct)
    {
        var (plan, version) = await edit.ArchiveAsync(id, ct);
        return PlanVersionType.Of(plan, version);
    }

    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> RenamePlan([FromServices] EditPlans edit, string key, string name, CancellationToken ct) =>
        PlanType.Of(await edit.RenameAsync(key, name, ct));
}
