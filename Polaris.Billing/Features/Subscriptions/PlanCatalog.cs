using Google.Protobuf;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>Plan versions, copied from Plans when a subscription first uses one. A version never changes, so neither does its copy.</summary>
internal sealed class PlanCatalog(Plans.V1.Plans.PlansClient plans)
{
    /// <summary>The plan's current published version.</summary>
    /// <param name="org">The caller's org.</param>
    /// <param name="planKey">The plan.</param>
    /// <param name="path">The input that named the plan, for the refusal.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Plans.V1.PlanVersion> FetchPublishedAsync(Guid org, string planKey, string path, CancellationToken ct)
    {
        try
        {
            return await plans.GetPublishedPlanVersionAsync(
                new GetPublishedPlanVersionRequest { OrgId = org.ToString(), PlanKey = planKey }, cancellationToken: ct);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            throw new RefusedException(Refusal.Invalid(path, "unknown_plan", $"There is no published plan '{planKey}'."));
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(new Refusal(RefusalKind.Unavailable, "plans_unavailable", "Plans cannot be read at the moment. Try again."));
        }
    }

    /// <summary>A version in whatever state, also a draft.</summary>
    /// <exception cref="RefusedException">The org has none of this id, or Plans cannot be read.</exception>
    public async Task<Domain.PlanVersion> FetchAsync(Guid org, Guid id, CancellationToken ct) =>
        await FindAsync(org, id, ct) is { } found ? PlanMessages.ToDomain(found) : throw new RefusedException(Refusal.NotFound("plan version"));

    /// <summary>As Plans sends it, with its state; null when the org has none of this id.</summary>
    /// <exception cref="RefusedException">Plans cannot be read.</exception>
    public async Task<Plans.V1.PlanVersion?> FindAsync(Guid org, Guid id, CancellationToken ct)
    {
        try
        {
            var found = await plans.GetPlanVersionsAsync(new GetPlanVersionsRequest { OrgId = org.ToString(), Ids = { id.ToString() } }, cancellationToken: ct);
            return found.Versions.Count == 1 ? found.Versions[0] : null;
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(new Refusal(RefusalKind.Unavailable, "plans_unavailable", "Plans cannot be read at the moment. Try again."));
        }
    }

    /// <summary>Keeps a copy; inside the caller's transaction.</summary>
    public static async Task KeepAsync(BillingDbContext db, Guid org, Plans.V1.PlanVersion version, CancellationToken ct)
    {
        var id = Guid.Parse(version.Id);
        if (await db.PlanVersions.AnyAsync(row => row.Id == id, ct)) return;
        db.PlanVersions.Add(new PlanVersionRow { OrgId = org, Id = id, PlanKey = version.PlanKey, Message = version.ToByteArray() });
    }

    public static async Task<Dictionary<Guid, Domain.PlanVersion>> ReadAsync(BillingDbContext db, IEnumerable<Guid> ids, CancellationToken ct)
    {
        var wanted = ids.Distinct().ToArray();
        var rows = await db.PlanVersions.AsNoTracking().Where(row => wanted.Contains(row.Id)).ToListAsync(ct);
        return rows.ToDictionary(row => row.Id, row => PlanMessages.ToDomain(Plans.V1.PlanVersion.Parser.ParseFrom(row.Message)));
    }
}
