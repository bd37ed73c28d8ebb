using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Events;

/// <summary>An event that was published, and that nobody has confirmed.</summary>
internal sealed record PublishedEvent(Guid Org, Guid EventId, byte[] Message, string? TraceLinks);

/// <summary>
/// What the broker has acknowledged and Notifications has not. A row of the outbox goes only when Notifications has stored its event, so
/// whatever a broker forgets before it was read is found again.
/// </summary>
internal sealed class UnconfirmedEvents(NpgsqlDataSource database)
{
    public const int PageSize = 500;

    /// <summary>Maximum bytes of a page, approximately.</summary>
    private const int PageBytes = 4 * 1024 * 1024;

    public async Task<IReadOnlyList<PublishedEvent>> ReadAsync(Instant publishedBefore, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.UnconfirmedEvents, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, event_id, message, trace_links FROM outbox
            WHERE published_at <= $1 ORDER BY published_at, event_id LIMIT $2
            """
        );
        command.Bind(publishedBefore).Bind(PageSize);
        var (events, bytes) = (new List<PublishedEvent>(), 0L);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (bytes < PageBytes && await reader.ReadAsync(ct))
        {
            var links = await reader.IsDBNullAsync(3, ct) ? null : reader.GetString(3);
            events.Add(new PublishedEvent(reader.GetGuid(0), reader.GetGuid(1), reader.GetFieldValue<byte[]>(2), links));
            bytes += events[^1].Message.Length;
        }

        return events;
    }

    /// <summary>Only what was published goes: Notifications may have an event from elsewhere before the other consumers can.</summary>
    public async Task ConfirmAsync(IReadOnlyList<(Guid Org, Guid EventId)> events, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.UnconfirmedEvents, ct);
        await using var command = tx.Command(
            """
            DELETE FROM outbox o USING unnest($1::uuid[], $2::uuid[]) d(org_id, event_id)
            WHERE o.org_id = d.org_id AND o.event_id = d.event_id AND o.published_at IS NOT NULL
            """
        );
        command.BindColumn(events, one => one.Org).BindColumn(events, one => one.EventId);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }
}
