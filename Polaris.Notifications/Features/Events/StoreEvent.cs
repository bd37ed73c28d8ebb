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
/// Stores an event and a delivery for each receiver that wants it, in one transaction and once: the event's id is unique in its org, so one
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

    /// <returns>Whether it was new.</returns>
    public async Task<bool> HandleAsync(HappenedEvent happened, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(happened.Org, ct);
        if (!await StoreAsync(tx, happened, ct))
            return false;
        await tx.CommitAsync(ct);
        signal.Wake();
        return true;
    }

    /// <summary>In the caller's transaction.</summary>
    public async Task<bool> StoreAsync(ScopedTransaction tx, HappenedEvent happened, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        await using (
            var command = tx.Command(
                """
                INSERT INTO events (org_id, id, kind, occurred_at, body, secret, trace_links, received_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (org_id, id) DO NOTHING
                """
            )
        )
        {
            command
                .Bind(happened.Org)
                .Bind(happened.Id)
                .Bind(happened.Kind)
                .Bind(happened.OccurredAt)
                .Bind(happened.MailTo is null ? happened.Body : secrets.Protect(happened.Body))
                .Bind(happened.MailTo is not null)
                .Bind(TraceLinks.Write([TraceLinks.Current]) ?? happened.TraceLinks)
                .Bind(now);
            if (await command.ExecuteNonQueryAsync(ct) == 0)
                return false;
        }

        var receivers = happened.MailTo is { } address
            ? [new Receiver(happened.Org, Channels.Email, address)]
            : await ReceiversAsync(tx, happened, ct);
        if (receivers.Count > 0)
            await AddAsync(tx, happened, receivers, now, ct);
        return true;
    }

    private static async Task<List<Receiver>> ReceiversAsync(ScopedTransaction tx, HappenedEvent happened, CancellationToken ct)
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
        command.Bind(happened.Org).Bind(happened.Kind);
        var receivers = new List<Receiver>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            receivers.Add(new Receiver(reader.GetGuid(0), reader.GetString(1), reader.GetString(2)));
        return receivers;
    }

    private static async Task AddAsync(
        ScopedTransaction tx,
        HappenedEvent happened,
        List<Receiver> receivers,
        Instant now,
        CancellationToken ct
    )
    {
        // Queues in the order of their ids, so that two transactions never wait for each other.
        await using var command = tx.Command(
            """
            WITH made AS (
              INSERT INTO deliveries
                (org_id, id, queue_id, event_id, kind, channel, recipient, status, attempts, tries, next_at, created_at)
              SELECT $1, d.id, d.queue, $2, $3, d.channel, d.recipient, 'waiting', 0, 0, $4, $4
              FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[]) d(id, queue, channel, recipient) RETURNING queue_id)
            INSERT INTO queues AS q (org_id, id, due_at, turn_at, held_until, failures)
            SELECT DISTINCT $1, queue_id, $4::timestamptz, $4::timestamptz, $4::timestamptz, 0 FROM made ORDER BY queue_id
            ON CONFLICT (org_id, id) DO UPDATE SET due_at = least(q.due_at, greatest(excluded.due_at, q.open_until))
            """
        );
        command
            .Bind(happened.Org)
            .Bind(happened.Id)
            .Bind(happened.Kind)
            .Bind(now)
            .BindColumn(receivers, _ => Guid.CreateVersion7(now.ToDateTimeOffset()))
            .BindColumn(receivers, one => one.Queue)
            .BindColumn(receivers, one => one.Channel)
            .BindColumn(receivers, one => one.Recipient);
        await command.ExecuteNonQueryAsync(ct);
        foreach (var channel in receivers.GroupBy(one => one.Channel))
            Stored.Add(channel.Count(), new KeyValuePair<string, object?>("channel", channel.Key));
    }
}
