using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>Deletes events, their deliveries and attempts after the time that they are kept, in slices and org by org.</summary>
internal sealed class PurgeDeliveries(NpgsqlDataSource database, IOptions<NotificationsOptions> options, TimeProvider time) : PeriodicJob
{
    private const int SliceSize = 1_000;
    private const int OrgsAtOnce = 100;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var before = time.GetCurrentInstant() - Duration.FromTimeSpan(options.Value.KeepFor);
        var (full, orgs) = (false, await OrgsAsync(before, ct));
        foreach (var org in orgs)
            full |= await PurgeAsync(org, before, ct) == SliceSize;
        return full || orgs.Count == OrgsAtOnce ? Immediately : Every;
    }

    private async Task<List<Guid>> OrgsAsync(Instant before, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.PurgeDeliveries, ct);
        await using var command = tx.Command("SELECT DISTINCT org_id FROM events WHERE received_at < $1 LIMIT $2");
        command.Bind(before).Bind(OrgsAtOnce);
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    private async Task<int> PurgeAsync(Guid org, Instant before, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            WITH old AS (
              SELECT id FROM events WHERE org_id = $1 AND received_at < $2 ORDER BY received_at LIMIT $3),
            gone AS (
              DELETE FROM deliveries d USING old o WHERE d.org_id = $1 AND d.event_id = o.id RETURNING d.id),
            tried AS (
              DELETE FROM attempts a USING gone g WHERE a.org_id = $1 AND a.delivery_id = g.id)
            DELETE FROM events e USING old o WHERE e.org_id = $1 AND e.id = o.id
            """
        );
        command.Bind(org).Bind(before).Bind(SliceSize);
        var deleted = await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        return deleted;
    }
}
