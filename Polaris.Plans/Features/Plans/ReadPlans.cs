using Microsoft.EntityFrameworkCore;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.Features.Plans;

/// <summary>Meters, plans and versions of the org.</summary>
internal sealed class ReadPlans(PlansDbContext db)
{
    /// <param name="archived">Whether to list archived ones too: they still count, and existing charges use them.</param>
    /// <param name="ct">Cancels.</param>
    public Task<List<MeterRow>> MetersAsync(bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Meters.AsNoTracking()
                    .Where(row => archived || row.ArchivedAt == null)
                    .OrderBy(row => row.CreatedAt)
                    .ThenBy(row => row.Key)
                    .ToListAsync(token),
            ct
        );

    public Task<MeterRow?> MeterAsync(string key, CancellationToken ct) =>
        db.InTransactionAsync(token => db.Meters.AsNoTracking().SingleOrDefaultAsync(row => row.Key == key, token), ct);

    /// <param name="archived">Whether to list archived ones too.</param>
    /// <param name="ct">Cancels.</param>
    public Task<List<PlanRow>> PlansAsync(bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Plans.AsNoTracking()
                    .Where(row => archived || row.ArchivedAt == null)
                    .Include(row => row.Versions.OrderBy(version => version.Number))
                    .OrderBy(row => row.Key)
                    .ToListAsync(token),
            ct
        );

    public Task<PlanRow?> PlanAsync(string key, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Plans.AsNoTracking()
                    .Include(row => row.Versions.OrderBy(version => version.Number))
                    .SingleOrDefaultAsync(row => row.Key == key, token),
            ct
        );

    public Task<List<(PlanRow Plan, PlanVersionRow Version)>> VersionsAsync(IReadOnlyCollection<Guid> ids, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var versions = await db.Versions.AsNoTracking().Where(row => ids.Contains(row.Id)).ToListAsync(token);
                var planIds = versions.Select(version => version.PlanId).Distinct().ToArray();
                var plans = await db.Plans.AsNoTracking().Where(row => planIds.Contains(row.Id)).ToDictionaryAsync(row => row.Id, token);
                return versions.ConvertAll(version => (plans[version.PlanId], version));
            },
            ct
        );

    /// <summary>The newest published version, which new subscriptions get; null of an archived plan, which gets none.</summary>
    public static PlanVersionRow? Current(PlanRow plan) =>
        plan.ArchivedAt is not null
            ? null
            : plan.Versions.Where(version => version.Status == VersionStatuses.Published).MaxBy(version => version.Number);
}
