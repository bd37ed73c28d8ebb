using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Catalog;

/// <summary>
/// Plan versions, copied from Plans when a subscription first uses one. Versions are immutable, so copies never become stale.
/// </summary>
internal sealed class PlanCatalog(Plans.V1.Plans.PlansClient plans)
{
    /// <summary>The plan's current published version.</summary>
    /// <param name="org">The caller's org.</param>
    /// <param name="planKey">The plan.</param>
    /// <param name="path">Path of the input that names the plan, for the error.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Plans.V1.PlanVersion> FetchPublishedAsync(Guid org, string planKey, string path, CancellationToken ct)
    {
        try
        {
            return await plans.GetPublishedPlanVersionAsync(
                new GetPublishedPlanVersionRequest { OrgId = org.ToString(), PlanKey = planKey },
                deadline: Deadline(),
                cancellationToken: ct
            );
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            throw new RefusedException(Refusal.Invalid(path, "unknown_plan", $"There is no published plan '{planKey}'."));
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "plans_unavailable", "Plans cannot be read at the moment. Try again.")
            );
        }
    }

    /// <summary>A version in any state, including drafts.</summary>
    /// <exception cref="RefusedException">The org has no such version, or Plans is unavailable.</exception>
    public async Task<Domain.PlanVersion> FetchAsync(Guid org, Guid id, CancellationToken ct) =>
        await FindAsync(org, id, ct) is { } found
            ? PlanMessages.ToDomain(found)
            : throw new RefusedException(Refusal.NotFound("plan version"));

    /// <summary>The version as Plans returns it, with its state; null when the org has none with this id.</summary>
    /// <exception cref="RefusedException">Plans is unavailable.</exception>
    public async Task<Plans.V1.PlanVersion?> FindAsync(Guid org, Guid id, CancellationToken ct)
    {
        try
        {
            var found = await plans.GetPlanVersionsAsync(
                new GetPlanVersionsRequest { OrgId = org.ToString(), Ids = { id.ToString() } },
                deadline: Deadline(),
                cancellationToken: ct
            );
            return found.Versions.Count == 1 ? found.Versions[0] : null;
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "plans_unavailable", "Plans cannot be read at the moment. Try again.")
            );
        }
    }

    private static DateTime Deadline() => (TimeProvider.System.GetUtcNow() + MeterCatalog.PlansDeadline).UtcDateTime;

    /// <summary>Stores a copy, in the caller's transaction.</summary>
    public static async Task StoreAsync(BillingDbContext db, Guid org, Plans.V1.PlanVersion version, CancellationToken ct)
    {
        var id = Guid.Parse(version.Id);
        if (await db.PlanVersions.AnyAsync(row => row.Id == id, ct))
            return;
        db.PlanVersions.Add(
            new PlanVersionRow
            {
                OrgId = org,
                Id = id,
                PlanKey = version.PlanKey,
                Message = version.ToByteArray(),
            }
        );
    }

    public static async Task<Dictionary<Guid, Domain.PlanVersion>> ReadAsync(
        BillingDbContext db,
        IEnumerable<Guid> ids,
        CancellationToken ct
    )
    {
        var wanted = ids.Distinct().ToArray();
        var rows = await db.PlanVersions.AsNoTracking().Where(row => wanted.Contains(row.Id)).ToListAsync(ct);
        return rows.ToDictionary(row => row.Id, row => PlanMessages.ToDomain(Plans.V1.PlanVersion.Parser.ParseFrom(row.Message)));
    }
}
