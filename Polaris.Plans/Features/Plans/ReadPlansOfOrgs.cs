using Microsoft.EntityFrameworkCore;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.Features.Plans;

/// <summary>Meters, plans and versions of several orgs, each kind by one query. In the scope of several orgs only.</summary>
internal sealed class ReadPlansOfOrgs(PlansDbContext db)
{
    /// <inheritdoc cref="ReadPlans.MetersAsync"/>
    public Task<IReadOnlyDictionary<Guid, List<MeterRow>>> MetersAsync(IReadOnlyList<Guid> orgs, bool archived, CancellationToken ct) =>
        ByOrgAsync(
            orgs,
            db.OfOrgs<MeterRow>().Where(row => archived || row.ArchivedAt == null).OrderBy(row => row.CreatedAt).ThenBy(row => row.Key),
            row => row.OrgId,
            ct
        );

    /// <inheritdoc cref="ReadPlans.PlansAsync"/>
    public Task<IReadOnlyDictionary<Guid, List<PlanRow>>> PlansAsync(IReadOnlyList<Guid> orgs, bool archived, CancellationToken ct) =>
        ByOrgAsync(
            orgs,
            db.OfOrgs<PlanRow>()
                .Where(row => archived || row.ArchivedAt == null)
                .Include(row => row.Versions.OrderBy(version => version.Number))
                .OrderBy(row => row.Key),
            row => row.OrgId,
            ct
        );

    public Task<IReadOnlyDictionary<(Guid Org, Guid Id), (PlanRow Plan, PlanVersionRow Version)>> VersionsAsync(
        IReadOnlyList<(Guid Org, Guid Id)> keys,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                Guid[] ids = [.. keys.Select(key => key.Id)];
                var versions = await db.OfOrgs<PlanVersionRow>().Where(row => ids.Contains(row.Id)).ToListAsync(token);
                Guid[] planIds = [.. versions.Select(version => version.PlanId).Distinct()];
                var plans = await db.OfOrgs<PlanRow>().Where(row => planIds.Contains(row.Id)).ToDictionaryAsync(row => row.Id, token);
                return (IReadOnlyDictionary<(Guid, Guid), (PlanRow, PlanVersionRow)>)
                    versions.ToDictionary(version => (version.OrgId, version.Id), version => (plans[version.PlanId], version));
            },
            ct
        );

    /// <summary>An entry for every org, also without rows.</summary>
    private Task<IReadOnlyDictionary<Guid, List<TRow>>> ByOrgAsync<TRow>(
        IReadOnlyList<Guid> orgs,
        IQueryable<TRow> rows,
        Func<TRow, Guid> org,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var found = (await rows.ToListAsync(token)).ToLookup(org);
                return (IReadOnlyDictionary<Guid, List<TRow>>)orgs.ToDictionary(one => one, one => found[one].ToList());
            },
            ct
        );
}
