using System.Diagnostics.Metrics;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Notifications.Features.Secrets;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Events;

/// <summary>
/// Stores events and a delivery for each receiver that wants one, in one transaction and once: an event's id is unique in its org, so one
/// that is received again changes nothing.
/// </summary>
internal sealed class StoreEvent(NpgsqlDataSource database, SecretBox secrets, QueueSignal signal, TimeProvider time)
{
    private static readonly Counter<long> Stored = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.notifications.deliveries",
        "{delivery}",
        "Deliveries to make, by channel."
    );

    private sealed record Receiver(Guid Queue, string Channel, string Recipient);

    /// <summary>A delivery to make.</summary>
    private sealed record Due(HappenedEvent Event, Receiver To);

    /// <returns>Whether it was new.</returns>
    public async Task<bool> HandleAsync(HappenedEvent happened, CancellationToken ct) => await HandleAllAsync([happened], ct) > 0;

    /// <summary>Stores events of any orgs, in a transaction for each org.</summary>
    /// <returns>How many were new.</returns>
    public async Task<int> HandleAllAsync(IReadOnlyCollection<HappenedEvent> happened, CancellationToken ct)
    {
        var stored = 0;
        foreach (var ofOrg in happened.GroupBy(one => one.Org))
        {
            await using var tx = await database.BeginOrgAsync(ofOrg.Key, ct);
            var some = await StoreAllAsync(tx, ofOrg.Key, [.. ofOrg], ct);
            if (some == 0)
                continue;
            await tx.CommitAsync(ct);
            stored += some;
        }

        if (stored > 0)
            signal.Wake();
        return stored;
    }

    /// <summary>In the caller's transaction.</summary>
    public async Task<bool> StoreAsync(ScopedTransaction tx, HappenedEvent happened, CancellationToken ct) =>
        await StoreAllAsync(tx, happened.Org, [happened], ct) > 0;

    private async Task<int> StoreAllAsync(ScopedTransaction tx, Guid org, IReadOnlyCollection<HappenedEvent> happened, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        // In the order of the primary key, so that two transactions never wait for each other.
        HappenedEvent[] all = [.. happened.DistinctBy(one => one.Id).OrderBy(one => one.Id)];
        var fresh = await InsertAsync(tx, org, all, now, ct);
        var receivers = new Dictionary<string, List<Receiver>>();
        var due = new List<Due>();
        foreach (var one in all.Where(one => fresh.Contains(one.Id)))
        {
            if (one.MailTo is { } address)
            {
                due.Add(new Due(one, new Receiver(org, Channels.Email, address)));
                continue;
            }

            if (!receivers.TryGetValue(one.Kind, out var ofKind))
                receivers.Add(one.Kind, ofKind = await ReceiversAsync(tx, org, one.Kind, ct));
            due.AddRange(ofKind.Select(receiver => new Due(one, receiver)));
        }

        if (due.Count > 0)
            await AddAsync(tx, org, due, now, ct);
        return fresh.Count;
    }

    /// <returns>Those that were new.</returns>
    private async Task<HashSet<Guid>> InsertAsync(ScopedTransaction tx, Guid org, HappenedEvent[] all, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            INSERT INTO events (org_id, id, kind, occurred_at, body, secret, trace_links, received_at)
            SELECT $1, e.*, $8 FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::boolean[], $7::text[]) e
            ON CONFLICT (org_id, id) DO NOTHING RETURNING id
            """
        );
        command
            .Bind(org)
            .BindColumn(all, one => one.Id)
            .BindColumn(all, one => one.Kind)
            .BindColumn(all, one => one.OccurredAt)
            .BindColumn(all, one => one.MailTo is null ? one.Body : secrets.Protect(one.Body))
            .BindColumn(all, one => one.MailTo is not null)
            .BindColumn(all, one => one.TraceLinks ?? TraceLinks.Write([TraceLinks.Current]))
            .Bind(now);
        var fresh = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            fresh.Add(reader.GetGuid(0));
        return fresh;
    }

    private static async Task<List<Receiver>> ReceiversAsync(ScopedTransaction tx, Guid org, string kind, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT id, 'webhook', '' FROM endpoints
            WHERE org_id = $1 AND status = 'enabled' AND (cardinality(kinds) = 0 OR $2 = ANY (kinds))
            UNION ALL
            SELECT DISTINCT org_id, 'email', email FROM addresses WHERE org_id = $1 AND status = 'active' AND $2 = ANY (kinds)
            UNION ALL
            SELECT org_id, 'email', 'customer' FROM mail_settings
            WHERE org_id = $1 AND invoices_to_customers AND $2 = 'invoice.finalized'
            """
        );
        command.Bind(org).Bind(kind);
        var receivers = new List<Receiver>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            receivers.Add(new Receiver(reader.GetGuid(0), reader.GetString(1), reader.GetString(2)));
        return receivers;
    }

    private static async Task AddAsync(ScopedTransaction tx, Guid org, List<Due> due, Instant now, CancellationToken ct)
    {
        // Queues in the order of their ids, so that two transactions never wait for each other.
        await using var command = tx.Command(
            """
            WITH made AS (
              INSERT INTO deliveries
                (org_id, id, queue_id, event_id, kind, channel, recipient, status, attempts, tries, next_at, created_at)
              SELECT $1, d.id, d.queue, d.event, d.kind, d.channel, d.recipient, 'waiting', 0, 0, $2, $2
              FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[])
                d(id, queue, event, kind, channel, recipient)
              RETURNING queue_id)
            INSERT INTO queues AS q (org_id, id, due_at, turn_at, held_until, failures)
            SELECT DISTINCT $1, queue_id, $2::timestamptz, $2::timestamptz, $2::timestamptz, 0 FROM made ORDER BY queue_id
            ON CONFLICT (org_id, id) DO UPDATE SET due_at = least(q.due_at, greatest(excluded.due_at, q.open_until))
            """
        );
        command
            .Bind(org)
            .Bind(now)
            .BindColumn(due, _ => Guid.CreateVersion7(now.ToDateTimeOffset()))
            .BindColumn(due, one => one.To.Queue)
            .BindColumn(due, one => one.Event.Id)
            .BindColumn(due, one => one.Event.Kind)
            .BindColumn(due, one => one.To.Channel)
            .BindColumn(due, one => one.To.Recipient);
        await command.ExecuteNonQueryAsync(ct);
        foreach (var channel in due.GroupBy(one => one.To.Channel))
            Stored.Add(channel.Count(), new KeyValuePair<string, object?>("channel", channel.Key));
    }
}
