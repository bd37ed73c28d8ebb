using GraphQL;
using Polaris.Plans.Features.Archiving;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

internal sealed partial class Mutation
{
    /// <summary>No new charge can use the meter. It still counts, and the charges that use it go on.</summary>
    /// <param name="key">The meter's key.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<MeterType> ArchiveMeter([FromServices] Archive archive, string key, CancellationToken ct) =>
        MeterType.Of(await archive.MeterAsync(key, archived: true, ct));

    /// <summary>Takes a meter's archiving back: new charges can use it again.</summary>
    /// <param name="key">The meter's key.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<MeterType> UnarchiveMeter([FromServices] Archive archive, string key, CancellationToken ct) =>
        MeterType.Of(await archive.MeterAsync(key, archived: false, ct));

    /// <summary>The plan takes no new subscriptions and no new versions. Subscriptions that run on it go on.</summary>
    /// <param name="key">The plan's key.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> ArchivePlan([FromServices] Archive archive, string key, CancellationToken ct) =>
        PlanType.Of(await archive.PlanAsync(key, archived: true, ct));

    /// <summary>Takes a plan's archiving back: it takes new subscriptions and versions again.</summary>
    /// <param name="key">The plan's key.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<PlanType> UnarchivePlan([FromServices] Archive archive, string key, CancellationToken ct) =>
        PlanType.Of(await archive.PlanAsync(key, archived: false, ct));
}
