using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Notifications.Features.Events;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>How many events of a range are sent, and where to go on when there were more.</summary>
internal sealed record Resent(int Count, Instant? ContinueFrom);

/// <summary>Sends events again, with the ids that they had, also those that an endpoint has never been sent.</summary>
internal sealed class Resend(NotificationsDbContext db, TenantScope tenant, QueueSignal signal, TimeProvider time)
{
    /// <summary>Events of one call.</summary>
    public const int MaxEvents = 1_000;

    /// <summary>One delivery, whatever became of it.</summary>
    public async Task<DeliveryRow> OneAsync(Guid id, CancellationToken ct)
    {
        var row = await db.InTransactionAsync(
            async token =>
            {
                var found =
                    await db.Deliveries.SingleOrDefaultAsync(known => known.Id == id && !known.Kind.StartsWith("account."), token)
                    ?? throw new RefusedException(Refusal.NotFound("delivery"));
                if (found.Channel == Channels.Webhook)
                    await RequireEnabledAsync(found.QueueId, "id", token);
                var now = time.GetCurrentInstant();
                (found.Status, found.Tries, found.FirstTryAt, found.NextAt, found.FinishedAt) = (
                    DeliveryStatuses.Waiting,
                    0,
                    null,
                    now,
                    null
                );
                await db.SaveChangesAsync(token);
                await db.WakeQueueAsync(found.OrgId, found.QueueId, now, token);
                return found;
            },
            ct
        );
        signal.Wake();
        return row;
    }

    /// <summary>The events that were received in a time and that the endpoint asks for, oldest first.</summary>
    /// <param name="endpoint">Where to.</param>
    /// <param name="from">Inclusive.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="undelivered">Only those that were not delivered there.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Resent> RangeAsync(Guid endpoint, Instant from, Instant to, bool undelivered, CancellationToken ct)
    {
        if (from >= to)
            throw new RefusedException(Refusal.Invalid("input.to", "out_of_range", "'to' must be after 'from'."));
        var sent = await db.InTransactionAsync(
            async token =>
            {
                var kinds = await RequireEnabledAsync(endpoint, "input.endpointId", token);
                var matching = db.Events.AsNoTracking().Where(row => row.ReceivedAt >= from && row.ReceivedAt < to && !row.Secret);
                matching =
                    kinds.Length == 0
                        ? matching.Where(row => row.Kind != StatedKinds.Test)
                        : matching.Where(row => kinds.Contains(row.Kind));
                if (undelivered)
                    matching = matching.Where(row =>
                        !db.Deliveries.Any(delivery =>
                            delivery.QueueId == endpoint && delivery.EventId == row.Id && delivery.Status == DeliveryStatuses.Delivered
                        )
                    );
                var found = await matching
                    .OrderBy(row => row.ReceivedAt)
                    .ThenBy(row => row.Id)
                    .Select(row => new
                    {
                        row.Id,
                        row.Kind,
                        row.ReceivedAt,
                    })
                    .Take(MaxEvents + 1)
                    .ToListAsync(token);
                var batch = found.Take(MaxEvents).ToList();
                await SendAsync(endpoint, [.. batch.Select(one => one.Id)], [.. batch.Select(one => one.Kind)], token);
                return new Resent(batch.Count, found.Count > MaxEvents ? found[^1].ReceivedAt : null);
            },
            ct
        );
        signal.Wake();
        return sent;
    }

    private async Task SendAsync(Guid endpoint, Guid[] events, string[] kinds, CancellationToken ct)
    {
        var (org, now) = (tenant.RequireOrg(), time.GetCurrentInstant());
        var ids = events.Select(_ => Guid.CreateVersion7(time.GetUtcNow())).ToArray();
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO deliveries AS d
              (org_id, id, queue_id, event_id, kind, channel, recipient, status, attempts, tries, next_at, created_at)
            SELECT {org}, n.id, {endpoint}, n.event, n.kind, 'webhook', '', 'waiting', 0, 0, {now}, {now}
            FROM unnest({ids}, {events}, {kinds}) n(id, event, kind)
            ON CONFLICT (org_id, queue_id, event_id, recipient) DO UPDATE
            SET status = 'waiting', tries = 0, first_try_at = NULL, next_at = excluded.next_at, finished_at = NULL
            """,
            ct
        );
        await db.WakeQueueAsync(org, endpoint, now, ct);
    }

    /// <returns>The kinds that it asks for.</returns>
    private async Task<string[]> RequireEnabledAsync(Guid endpoint, string path, CancellationToken ct)
    {
        var row =
            await db
                .Endpoints.AsNoTracking()
                .SingleOrDefaultAsync(known => known.Id == endpoint && known.Status != EndpointStatuses.Archived, ct)
            ?? throw new RefusedException(Refusal.NotFound("endpoint"));
        return row.Status == EndpointStatuses.Enabled
            ? row.Kinds
            : throw new RefusedException(Refusal.Conflict("disabled", "The endpoint is disabled; enable it first.", path));
    }
}
