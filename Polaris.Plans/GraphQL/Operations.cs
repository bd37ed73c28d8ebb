using GraphQL;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

/// <summary>What a caller may ask.</summary>
[Name("Query")]
internal sealed partial class Query
{
    /// <summary>An org's meters, oldest first.</summary>
    /// <param name="orgId">An org that the caller is in. Default: that of the token or key.</param>
    /// <param name="archived">Also those that are archived.</param>
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

    /// <summary>One meter of the org; null when there is none with this key.</summary>
    /// <param name="key">The meter's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<MeterType?> Meter([FromServices] ReadPlans plans, string key, CancellationToken ct) =>
        await plans.MeterAsync(key, ct) is { } row ? MeterType.Of(row) : null;

    /// <summary>An org's plans, ordered by key.</summary>
    /// <param name="orgId">An org that the caller is in. Default: that of the token or key.</param>
    /// <param name="archived">Also those that are archived.</param>
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

    /// <summary>One plan of the org; null when there is none with this key.</summary>
    /// <param name="key">The plan's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<PlanType?> Plan([FromServices] ReadPlans plans, string key, CancellationToken ct) =>
        await plans.PlanAsync(key, ct) is { } row ? PlanType.Of(row) : null;

    /// <summary>One version of a plan of the org; null when there is none with this id.</summary>
    /// <param name="id">The version's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<PlanVersionType?> PlanVersion([FromServices] ReadPlans plans, [Id] Guid id, CancellationToken ct) =>
        (await plans.VersionsAsync([id], ct)) is [var (plan, version)] ? PlanVersionType.Of(plan, version) : null;
}

/// <summary>What a caller may do.</summary>
[Name("Mutation")]
internal sealed partial class Mutation
{
    /// <summary>
    /// Creates a meter. It counts events that are sent from now on, and those that are stored already. An identical one is returned as it
    /// is.
    /// </summary>
    /// <param name="input">The meter to create.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<MeterType> CreateMeter([FromServices] CreateMeter create, CreateMeterInput input, CancellationToken ct) =>
        MeterType.Of(await create.HandleAsync(input.ToNewMeter(), ct));

    /// <summary>Creates a plan with its first version, which is a draft unless it is published at once.</summary>
    /// <param name="input">The plan to create.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> CreatePlan([FromServices] EditPlans edit, CreatePlanInput input, CancellationToken ct) =>
        PlanType.Of(await edit.CreateAsync(input.ToNewPlan(), ct));

    /// <summary>Adds a draft version to a plan. It takes effect when it is published, for new subscriptions.</summary>
    /// <param name="planKey">The plan's key.</param>
    /// <param name="charges">What the version charges for, 1 to 100 of them.</param>
    /// <param name="terms">The terms of the invoice as a whole. Default: none.</param>
    /// <param name="currency">ISO 4217 code, which must be that of the plan. Default: that of the plan.</param>
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

    /// <summary>Publishes a draft: it becomes the plan's current version, and never changes again.</summary>
    /// <param name="id">The version's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanVersionType> PublishPlanVersion([FromServices] EditPlans edit, [Id] Guid id, CancellationToken ct)
    {
        var (plan, version) = await edit.PublishAsync(id, ct);
        return PlanVersionType.Of(plan, version);
    }

    /// <summary>The version takes no new subscriptions; existing ones keep it.</summary>
    /// <param name="id">The version's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanVersionType> ArchivePlanVersion([FromServices] EditPlans edit, [Id] Guid id, CancellationToken ct)
    {
        var (plan, version) = await edit.ArchiveAsync(id, ct);
        return PlanVersionType.Of(plan, version);
    }

    /// <summary>Changes a plan's name. Final invoices keep the former one.</summary>
    /// <param name="key">The plan's key.</param>
    /// <param name="name">The new name.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> RenamePlan([FromServices] EditPlans edit, string key, string name, CancellationToken ct) =>
        PlanType.Of(await edit.RenameAsync(key, name, ct));
}
