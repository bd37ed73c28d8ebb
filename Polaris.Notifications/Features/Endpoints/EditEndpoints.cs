using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Notifications.Features.Events;
using Polaris.Notifications.Features.Secrets;
using Polaris.Notifications.Features.Webhooks;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Endpoints;

/// <summary>An endpoint and a new secret of it, which is shown only now.</summary>
internal sealed record EndpointWithSecret(EndpointRow Endpoint, string Secret);

/// <summary>What an endpoint may be made or changed to; null leaves it as it is, or takes the default.</summary>
internal sealed record StatedEndpoint(string? Url, string? Description, IReadOnlyList<string>? Kinds, bool? InOrder);

/// <summary>The org's endpoints.</summary>
internal sealed class EditEndpoints(
    NotificationsDbContext db,
    TenantScope tenant,
    EndpointUrl urls,
    SecretBox secrets,
    QueueSignal signal,
    TimeProvider time
)
{
    /// <summary>Endpoints of an org that are not archived.</summary>
    public const int MaxOfOrg = 50;

    /// <summary>How long the secret before may go on signing.</summary>
    public static readonly TimeSpan MaxOverlap = TimeSpan.FromDays(7);

    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromDays(1);

    private Instant Now => time.GetCurrentInstant();

    /// <summary>Endpoints, the newest last.</summary>
    public Task<List<EndpointRow>> ListAsync(bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Endpoints.AsNoTracking()
                    .Where(row => archived || row.Status != EndpointStatuses.Archived)
                    .OrderBy(row => row.Id)
                    .ToListAsync(token),
            ct
        );

    public Task<EndpointRow?> FindAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(token => db.Endpoints.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, token), ct);

    public async Task<EndpointWithSecret> CreateAsync(StatedEndpoint input, CancellationToken ct)
    {
        var url = urls.Check(input.Url ?? "", "input.url");
        var kinds = StatedKinds.Check(input.Kinds ?? [], "input.eventTypes");
        var description = StatedKinds.CheckDescription(input.Description, "input.description");
        var secret = SigningKeys.Create();
        var row = await db.InTransactionAsync(
            async token =>
            {
                if (await db.Endpoints.CountAsync(known => known.Status != EndpointStatuses.Archived, token) >= MaxOfOrg)
                    throw new RefusedException(
                        Refusal.Conflict("too_many", $"An org has at most {MaxOfOrg} endpoints that are not archived.", "input")
                    );
                var made = new EndpointRow
                {
                    OrgId = tenant.RequireOrg(),
                    Id = Guid.CreateVersion7(time.GetUtcNow()),
                    Url = url,
                    Description = description,
                    Kinds = kinds,
                    InOrder = input.InOrder ?? false,
                    Status = EndpointStatuses.Enabled,
                    Secret = secrets.Protect(secret),
                    CreatedAt = Now,
                };
                db.Endpoints.Add(made);
                await db.SaveChangesAsync(token);
                return made;
            },
            ct
        );
        return new EndpointWithSecret(row, secret);
    }

    public Task<EndpointRow> UpdateAsync(Guid id, StatedEndpoint input, CancellationToken ct)
    {
        var url = input.Url is null ? null : urls.Check(input.Url, "input.url");
        var kinds = input.Kinds is null ? null : StatedKinds.Check(input.Kinds, "input.eventTypes");
        var description = input.Description is null ? null : StatedKinds.CheckDescription(input.Description, "input.description");
        return EditAsync(
            id,
            row =>
            {
                row.Url = url ?? row.Url;
                row.Kinds = kinds ?? row.Kinds;
                row.Description = description ?? row.Description;
                row.InOrder = input.InOrder ?? row.InOrder;
            },
            ct
        );
    }

    /// <summary>Sends again what waits, at once.</summary>
    public async Task<EndpointRow> EnableAsync(Guid id, CancellationToken ct)
    {
        var row = await db.InTransactionAsync(
            async token =>
            {
                var found = await RequireAsync(id, token);
                (found.Status, found.DisabledReason, found.DisabledAt) = (EndpointStatuses.Enabled, null, null);
                await db.SaveChangesAsync(token);
                var now = Now;
                await db.Database.ExecuteSqlAsync(
                    $"""
                    UPDATE queues SET failures = 0, failing_since = NULL, open_until = NULL, due_at = {now}
                    WHERE org_id = {found.OrgId} AND id = {id}
                    """,
                    token
                );
                return found;
            },
            ct
        );
        signal.Wake();
        return row;
    }

    /// <summary>Events that happen meanwhile are not sent to it, unless they are asked for later.</summary>
    public Task<EndpointRow> DisableAsync(Guid id, CancellationToken ct) =>
        EditAsync(
            id,
            row =>
            {
                if (row.Status == EndpointStatuses.Enabled)
                    (row.Status, row.DisabledReason, row.DisabledAt) = (EndpointStatuses.Disabled, "by_user", Now);
            },
            ct
        );

    /// <summary>Ends it for good; its deliveries stay to be seen.</summary>
    public Task<EndpointRow> ArchiveAsync(Guid id, CancellationToken ct) =>
        EditAsync(id, row => (row.Status, row.ArchivedAt) = (EndpointStatuses.Archived, row.ArchivedAt ?? Now), ct, archivedToo: true);

    /// <summary>A new secret. Both sign until the overlap is over; one that was rotated out before signs no more.</summary>
    public async Task<EndpointWithSecret> RotateAsync(Guid id, TimeSpan overlap, CancellationToken ct)
    {
        if (overlap < TimeSpan.Zero || overlap > MaxOverlap)
            throw new RefusedException(
                Refusal.Invalid("overlap", "out_of_range", $"'overlap' must be 0 to {MaxOverlap.TotalSeconds:0} seconds.")
            );
        var secret = SigningKeys.Create();
        var row = await EditAsync(
            id,
            endpoint =>
            {
                endpoint.PreviousSecret = endpoint.Secret;
                endpoint.PreviousUntil = Now + Duration.FromTimeSpan(overlap);
                endpoint.Secret = secrets.Protect(secret);
            },
            ct
        );
        return new EndpointWithSecret(row, secret);
    }

    /// <summary>Sends a test event to it, like any other.</summary>
    public async Task<DeliveryRow> TestAsync(Guid id, CancellationToken ct)
    {
        var delivery = await db.InTransactionAsync(
            async token =>
            {
                var endpoint = await RequireAsync(id, token);
                if (endpoint.Status != EndpointStatuses.Enabled)
                    throw new RefusedException(Refusal.Conflict("disabled", "The endpoint is disabled; enable it first.", "id"));
                var (at, now) = (time.GetUtcNow(), Now);
                var (org, happened) = (endpoint.OrgId, Guid.CreateVersion7(at));
                db.Events.Add(
                    new EventRow
                    {
                        OrgId = org,
                        Id = happened,
                        Kind = StatedKinds.Test,
                        OccurredAt = now,
                        Body = EventBody.Write(org, happened, StatedKinds.Test, now, new JsonObject { ["endpointId"] = id.ToString() }),
                        ReceivedAt = now,
                    }
                );
                var made = new DeliveryRow
                {
                    OrgId = org,
                    Id = Guid.CreateVersion7(at),
                    QueueId = id,
                    EventId = happened,
                    Kind = StatedKinds.Test,
                    Channel = Channels.Webhook,
                    Status = DeliveryStatuses.Waiting,
                    NextAt = now,
                    CreatedAt = now,
                };
                db.Deliveries.Add(made);
                await db.SaveChangesAsync(token);
                await db.WakeQueueAsync(org, id, now, token);
                return made;
            },
            ct
        );
        signal.Wake();
        return delivery;
    }

    private Task<EndpointRow> EditAsync(Guid id, Action<EndpointRow> edit, CancellationToken ct, bool archivedToo = false) =>
        db.InTransactionAsync(
            async token =>
            {
                var row = await RequireAsync(id, token, archivedToo);
                edit(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private async Task<EndpointRow> RequireAsync(Guid id, CancellationToken ct, bool archivedToo = false) =>
        await db.Endpoints.SingleOrDefaultAsync(row => row.Id == id && (archivedToo || row.Status != EndpointStatuses.Archived), ct)
        ?? throw new RefusedException(Refusal.NotFound("endpoint"));
}
