using System.Text.Json.Nodes;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Notifications.Features.Events;
using Polaris.Notifications.Features.Sending;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Serving;

/// <summary>An enabled endpoint, with encrypted secrets.</summary>
internal sealed record HeldEndpoint(string Url, bool InOrder, string Secret, string? PreviousSecret, Instant? PreviousUntil);

/// <summary>A receiver whose row this process has for a while.</summary>
/// <param name="Endpoint">Null of mail, and of an endpoint that is not enabled.</param>
/// <param name="Closed">The endpoint was disabled in this turn.</param>
internal sealed record HeldQueue(
    Guid Org,
    Guid Id,
    int Failures,
    Instant? FailingSince,
    Instant? OpenUntil,
    HeldEndpoint? Endpoint,
    bool Closed = false
)
{
    public bool InOrder => Endpoint is { InOrder: true };
}

/// <summary>A try and what follows from it.</summary>
internal sealed record Try(
    Sendable Delivery,
    Outcome Outcome,
    Instant At,
    int Milliseconds,
    string Status,
    int Tries,
    Instant FirstTryAt,
    Instant NextAt
);

/// <summary>
/// The statements of a turn. Each names its org; whoever has taken a receiver's row sends its deliveries, and nobody else.
/// </summary>
internal sealed class QueueStore(NpgsqlDataSource database, StoreEvent events, TimeProvider time)
{
    /// <summary>Null when somebody else has it, or nothing is due.</summary>
    public async Task<HeldQueue?> TakeAsync(Guid org, Guid id, Duration atMost, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            WITH taken AS (
              UPDATE queues SET turn_at = $3, held_until = $3 + $4
              WHERE org_id = $1 AND id = $2 AND held_until <= $3 AND due_at <= $3 RETURNING org_id, id, failures, failing_since)
            SELECT t.failures, t.failing_since, e.url, e.in_order, e.secret, e.previous_secret, e.previous_until
            FROM taken t LEFT JOIN endpoints e ON e.org_id = t.org_id AND e.id = t.id AND e.status = 'enabled'
            """
        );
        command.Bind(org).Bind(id).Bind(time.GetCurrentInstant()).Bind(atMost);
        HeldQueue queue;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            if (!await reader.ReadAsync(ct))
                return null;
            var endpoint = await reader.IsDBNullAsync(2, ct)
                ? null
                : new HeldEndpoint(
                    reader.GetString(2),
                    reader.GetBoolean(3),
                    reader.GetString(4),
                    await reader.IsDBNullAsync(5, ct) ? null : reader.GetString(5),
                    await reader.IsDBNullAsync(6, ct) ? null : reader.GetFieldValue<Instant>(6)
                );
            var since = await reader.IsDBNullAsync(1, ct) ? (Instant?)null : reader.GetFieldValue<Instant>(1);
            queue = new HeldQueue(org, id, reader.GetInt32(0), since, null, endpoint);
        }

        await tx.CommitAsync(ct);
        return queue;
    }

    /// <summary>What is due now; in order, what is first and due.</summary>
    public async Task<List<Sendable>> DueAsync(HeldQueue queue, int atMost, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        await using var tx = await database.BeginOrgAsync(queue.Org, ct);
        await using var command = tx.Command(
            $"""
            SELECT d.id, d.event_id, d.kind, d.recipient, e.body, e.secret, e.trace_links, d.tries, d.first_try_at, d.next_at
            FROM (
              SELECT * FROM deliveries WHERE org_id = $1 AND queue_id = $2 AND status = 'waiting' {(
                queue.InOrder ? "AND $3::timestamptz IS NOT NULL ORDER BY event_id" : "AND next_at <= $3 ORDER BY next_at, event_id"
            )} LIMIT $4) d
            JOIN events e ON e.org_id = d.org_id AND e.id = d.event_id
            ORDER BY {(queue.InOrder ? "d.event_id" : "d.next_at, d.event_id")}
            """
        );
        command.Bind(queue.Org).Bind(queue.Id).Bind(now).Bind(atMost);
        var due = new List<Sendable>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            due.Add(
                new Sendable(
                    queue.Org,
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    reader.GetString(4),
                    reader.GetBoolean(5),
                    await reader.IsDBNullAsync(6, ct) ? null : reader.GetString(6),
                    reader.GetInt32(7),
                    await reader.IsDBNullAsync(8, ct) ? null : reader.GetFieldValue<Instant>(8),
                    reader.GetFieldValue<Instant>(9)
                )
            );
        return queue.InOrder ? [.. due.TakeWhile(one => one.NextAt <= now)] : due;
    }

    /// <summary>Writes down the tries of a wave, how the receiver does, and, with a reason, that it is disabled.</summary>
    public async Task RecordAsync(HeldQueue queue, IReadOnlyList<Try> tries, string? closes, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(queue.Org, ct);
        await UpdateQueueAsync(tx, queue, ct);
        await UpdateDeliveriesAsync(tx, queue.Org, tries, ct);
        if (closes is not null && await DisableAsync(tx, queue, closes, ct))
            await events.StoreAsync(tx, Notice(queue, closes, tries[^1].Outcome), ct);
        await AfterMailAsync(tx, queue.Org, tries, ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>
    /// Under the row's lock, so that it sees each delivery that was added before, and whoever adds one later sees the row.
    /// </summary>
    public async Task GiveBackAsync(HeldQueue queue, Instant? notBefore, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        await using var tx = await database.BeginOrgAsync(queue.Org, ct);
        await using (var locks = tx.Command("SELECT 1 FROM queues WHERE org_id = $1 AND id = $2 FOR UPDATE"))
        {
            locks.Bind(queue.Org).Bind(queue.Id);
            await locks.ExecuteScalarAsync(ct);
        }

        await using (
            var command = tx.Command(
                $"""
                UPDATE queues q SET held_until = $3, due_at = CASE
                  WHEN q.id <> q.org_id AND NOT EXISTS (
                    SELECT 1 FROM endpoints e WHERE e.org_id = $1 AND e.id = $2 AND e.status = 'enabled') THEN NULL
                  ELSE (SELECT greatest(d.next_at, $4) FROM deliveries d
                    WHERE d.org_id = $1 AND d.queue_id = $2 AND d.status = 'waiting'
                    ORDER BY {(queue.InOrder ? "d.event_id" : "d.next_at")} LIMIT 1) END
                WHERE q.org_id = $1 AND q.id = $2
                """
            )
        )
        {
            command.Bind(queue.Org).Bind(queue.Id).Bind(now).Bind(notBefore);
            await command.ExecuteNonQueryAsync(ct);
        }

        await tx.CommitAsync(ct);
    }

    private static async Task UpdateQueueAsync(ScopedTransaction tx, HeldQueue queue, CancellationToken ct)
    {
        await using var command = tx.Command(
            "UPDATE queues SET failures = $3, failing_since = $4, open_until = $5 WHERE org_id = $1 AND id = $2"
        );
        command.Bind(queue.Org).Bind(queue.Id).Bind(queue.Failures).Bind(queue.FailingSince).Bind(queue.OpenUntil);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task UpdateDeliveriesAsync(ScopedTransaction tx, Guid org, IReadOnlyList<Try> tries, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            WITH made AS (
              SELECT * FROM unnest($2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
                $8::int[], $9::int[], $10::text[], $11::text[])
                t(id, status, tries, first_try_at, next_at, at, milliseconds, status_code, error, response)),
            done AS (
              UPDATE deliveries d SET status = m.status, attempts = d.attempts + 1, tries = m.tries, first_try_at = m.first_try_at,
                next_at = m.next_at, finished_at = CASE WHEN m.status <> 'waiting' THEN m.next_at END
              FROM made m WHERE d.org_id = $1 AND d.id = m.id RETURNING d.id, d.attempts)
            INSERT INTO attempts (org_id, delivery_id, number, at, milliseconds, status_code, error, response)
            SELECT $1, d.id, d.attempts, m.at, m.milliseconds, m.status_code, m.error, m.response
            FROM done d JOIN made m ON m.id = d.id
            """
        );
        command
            .Bind(org)
            .BindColumn(tries, one => one.Delivery.Id)
            .BindColumn(tries, one => one.Status)
            .BindColumn(tries, one => one.Tries)
            .BindColumn(tries, one => one.FirstTryAt)
            .BindColumn(tries, one => one.NextAt)
            .BindColumn(tries, one => one.At)
            .BindColumn(tries, one => one.Milliseconds)
            .BindColumn(tries, one => one.Outcome.StatusCode)
            .BindColumn(tries, one => one.Outcome.Error)
            .BindColumn(tries, one => one.Outcome.Response);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<bool> DisableAsync(ScopedTransaction tx, HeldQueue queue, string reason, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            UPDATE endpoints SET status = 'disabled', disabled_reason = $3, disabled_at = $4
            WHERE org_id = $1 AND id = $2 AND status = 'enabled'
            """
        );
        command.Bind(queue.Org).Bind(queue.Id).Bind(reason).Bind(time.GetCurrentInstant());
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    /// <summary>A bounced address gets nothing more; a token that was mailed is kept no longer.</summary>
    private static async Task AfterMailAsync(ScopedTransaction tx, Guid org, IReadOnlyList<Try> tries, CancellationToken ct)
    {
        var bounced = tries.Where(one => one.Outcome.Bounced).ToArray();
        if (bounced.Length > 0)
        {
            await using var command = tx.Command(
                """
                UPDATE addresses a SET status = 'bounced', reason = b.reason FROM unnest($2::text[], $3::text[]) b(email, reason)
                WHERE a.org_id = $1 AND a.email = b.email AND a.status = 'active'
                """
            );
            command.Bind(org).BindColumn(bounced, one => one.Delivery.Recipient).BindColumn(bounced, one => one.Outcome.Error!);
            await command.ExecuteNonQueryAsync(ct);
        }

        var told = tries.Where(one => one.Delivery.Secret && one.Status != Persistence.DeliveryStatuses.Waiting).ToArray();
        if (told.Length > 0)
        {
            await using var command = tx.Command("UPDATE events SET body = '' WHERE org_id = $1 AND id = ANY ($2) AND secret");
            command.Bind(org).BindColumn(told, one => one.Delivery.EventId);
            await command.ExecuteNonQueryAsync(ct);
        }
    }

    private HappenedEvent Notice(HeldQueue queue, string reason, Outcome last)
    {
        var now = time.GetUtcNow();
        var (id, at) = (Guid.CreateVersion7(now), Instant.FromDateTimeOffset(now));
        var data = new JsonObject
        {
            ["endpointId"] = queue.Id.ToString(),
            ["url"] = queue.Endpoint!.Url,
            ["reason"] = reason,
            ["lastError"] = last.Error ?? "",
        };
        return new HappenedEvent(
            queue.Org,
            id,
            StatedKinds.EndpointDisabled,
            at,
            EventBody.Write(queue.Org, id, StatedKinds.EndpointDisabled, at, data)
        );
    }
}
