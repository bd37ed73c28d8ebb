using Confluent.Kafka;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>An unpublished row of the outbox.</summary>
internal sealed record WaitingEvent(Guid Org, Guid EventId, byte[] Message, string? TraceLinks) : IOutboxRow;

/// <summary>
/// Publishes the outbox to <c>polaris.billing.v1</c> at least once: a row is marked only after the broker has acknowledged its record, and
/// deleted when Notifications has it (<see cref="Events.UnconfirmedEvents"/>). One
/// replica at a time holds the lease and publishes, in order of event ids, so two replicas neither send everything twice nor mix an org's
/// order up.
/// </summary>
internal sealed class BillingEventRelay(
    NpgsqlDataSource database,
    IProducer<byte[], byte[]> producer,
    TimeProvider time,
    OutboxSignal? announced = null
) : OutboxRelay<WaitingEvent>(producer)
{
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>After a crash another replica goes on within this time; an orderly stop releases the lease.</summary>
    private static readonly Duration Lease = Duration.FromSeconds(6);

    private readonly Guid self = Guid.CreateVersion7(time.GetUtcNow());
    private bool mine;
    private DateTimeOffset renewed;
    private bool full;

    public override WakeSignal Signal { get; } = announced ?? new OutboxSignal();

    protected override string Topic => Topics.Billing;

    protected override int PageSize => 500;

    protected override TimeSpan PollEvery => TimeSpan.FromSeconds(1);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        if (time.GetUtcNow() - renewed > RenewEvery)
        {
            mine = await LeaseAsync(ct);
            renewed = time.GetUtcNow();
        }

        return mine ? await base.RunOnceAsync(ct) : PollEvery;
    }

    public override async Task StoppedAsync(CancellationToken ct)
    {
        try
        {
            await using var command = database.CreateCommand("UPDATE relay_lease SET held_until = now() WHERE id = 1 AND owner = $1");
            command.Bind(self);
            await command.ExecuteNonQueryAsync(ct);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            // The lease expires by itself.
        }
    }

    protected override bool IsFull(IReadOnlyList<WaitingEvent> rows) => full;

    private async Task<bool> LeaseAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO relay_lease AS l (id, owner, held_until) VALUES (1, $1, now() + $2)
            ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until
            WHERE l.owner = excluded.owner OR l.held_until < now()
            """
        );
        command.Bind(self).Bind(Lease);
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    protected override (TopicPartition Target, Message<byte[], byte[]> Message) ToRecord(WaitingEvent row) =>
        (
            new TopicPartition(Topic, Partition.Any),
            new Message<byte[], byte[]>
            {
                Key = row.Org.ToByteArray(bigEndian: true),
                Value = row.Message,
                Headers = new Headers().WithTrace(row.TraceLinks),
            }
        );

    protected override async Task RemoveAsync(IReadOnlyList<WaitingEvent> published, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RelayBillingEvents, ct);
        await using var command = tx.Command(
            """
            UPDATE outbox o SET published_at = $3 FROM unnest($1::uuid[], $2::uuid[]) d(org_id, event_id)
            WHERE o.org_id = d.org_id AND o.event_id = d.event_id
            """
        );
        command
            .Bind<Guid[]>([.. published.Select(row => row.Org)])
            .Bind<Guid[]>([.. published.Select(row => row.EventId)])
            .Bind(Instant.FromDateTimeOffset(time.GetUtcNow()));
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    protected override async Task<IReadOnlyList<WaitingEvent>> ReadAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RelayBillingEvents, ct);
        await using var command = tx.Command(
            "SELECT org_id, event_id, message, trace_links FROM outbox WHERE published_at IS NULL ORDER BY event_id LIMIT $1"
        );
        command.Bind(PageSize);
        var (rows, bytes) = (new List<WaitingEvent>(), 0L);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (bytes < PageBytes && await reader.ReadAsync(ct))
        {
            var (message, links) = (reader.GetFieldValue<byte[]>(2), reader.IsDBNull(3) ? null : reader.GetString(3));
            rows.Add(new WaitingEvent(reader.GetGuid(0), reader.GetGuid(1), message, links));
            bytes += message.Length;
        }

        full = rows.Count == PageSize || bytes >= PageBytes;
        return rows;
    }
}
