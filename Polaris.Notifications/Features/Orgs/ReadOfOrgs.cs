using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.Notifications.Features.Orgs;

/// <summary>Endpoints and deliveries of several orgs, by a fixed number of statements. Only in the scope of several orgs.</summary>
internal sealed class ReadOfOrgs(NotificationsDbContext db)
{
    /// <inheritdoc cref="Endpoints.EditEndpoints.ListAsync"/>
    public Task<IReadOnlyDictionary<Guid, List<EndpointRow>>> EndpointsAsync(
        IReadOnlyList<Guid> orgs,
        bool archived,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var rows = await db.OfOrgs<EndpointRow>()
                    .Where(row => archived || row.Status != EndpointStatuses.Archived)
                    .OrderBy(row => row.Id)
                    .ToListAsync(token);
                var of = rows.ToLookup(row => row.OrgId);
                return (IReadOnlyDictionary<Guid, List<EndpointRow>>)orgs.ToDictionary(org => org, org => of[org].ToList());
            },
            ct
        );

    /// <inheritdoc cref="ReadDeliveries.PageAsync"/>
    public Task<IReadOnlyDictionary<Guid, DeliveryPage>> DeliveriesAsync(
        IReadOnlyList<Guid> orgs,
        DeliveryFilter filter,
        int first,
        string? after,
        CancellationToken ct
    )
    {
        ReadDeliveries.CheckFirst(first);
        var cursor = Cursors.Id(after);
        return db.InTransactionAsync(
            async token =>
            {
                var rows = orgs.Count == 0 ? [] : await NewestAsync(orgs, filter, first + 1, cursor, token);
                var of = rows.OrderByDescending(row => row.Id).ToLookup(row => row.OrgId);
                DeliveryRow[] paged = [.. of.SelectMany(some => some.Take(first))];
                var seen = (
                    await ReadDeliveries.WithAttemptsAsync(db.OfOrgs<AttemptRow>(), db.OfOrgs<DeliveryRow>(), paged, token)
                ).ToLookup(one => one.Row.OrgId);
                return (IReadOnlyDictionary<Guid, DeliveryPage>)
                    orgs.ToDictionary(
                        org => org,
                        org =>
                        {
                            SeenDelivery[] page = [.. seen[org]];
                            return new DeliveryPage(page, page.Length == 0 ? null : page[^1].Row.Id.ToString(), of[org].Count() > first);
                        }
                    );
            },
            ct
        );
    }

    /// <summary>A branch for each org, which ends by the index after so many rows (docs/adr/0028).</summary>
    private async Task<List<DeliveryRow>> NewestAsync(
        IReadOnlyList<Guid> orgs,
        DeliveryFilter filter,
        int limit,
        Guid? after,
        CancellationToken ct
    )
    {
        var values = new List<object> { orgs.ToArray() };
        var matching = new StringBuilder();
        foreach (
            var (condition, value) in new (string, object?)[]
            {
                ("queue_id =", filter.Endpoint),
                ("status =", filter.Status),
                ("kind =", filter.Kind),
                ("channel =", filter.Channel),
                ("id <", after),
            }
        )
            if (value is not null)
            {
                matching.Append(CultureInfo.InvariantCulture, $" AND {condition} {{{values.Count}}}");
                values.Add(value);
            }

        var sql = string.Join(
            " UNION ALL ",
            Enumerable
                .Range(1, orgs.Count)
                .Select(i =>
                    $"(SELECT id AS \"Value\" FROM deliveries WHERE org_id = ({{0}}::uuid[])[{i}] AND kind NOT LIKE 'account.%'{matching} "
                    + $"ORDER BY id DESC LIMIT {limit})"
                )
        );
        var ids = await db.Database.SqlQueryRaw<Guid>(sql, [.. values]).ToListAsync(ct);
        return ids.Count == 0 ? [] : await db.OfOrgs<DeliveryRow>().Where(row => ids.Contains(row.Id)).ToListAsync(ct);
    }
}
