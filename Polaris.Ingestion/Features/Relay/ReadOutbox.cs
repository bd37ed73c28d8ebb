using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Relay;

/// <summary>The batches of the outbox, at most <see cref="ReadOutbox.MaxCounted"/>, and when the oldest was received.</summary>
internal sealed record WaitingBatches(int Count, Instant? OldestReceivedAt);

/// <summary>What waits for the broker, for operators. It costs the same however much that is.</summary>
internal sealed class ReadOutbox(NpgsqlDataSource database)
{
    public const int MaxCounted = 10_000;

    // The first of each partition by its index; ids begin with the time of receipt.
    internal const string Waiting = """
        SELECT (SELECT count(*)::int FROM (SELECT 1 FROM outbox LIMIT $1) w),
          (SELECT b.received_at FROM generate_series(0, $2 - 1) p
           CROSS JOIN LATERAL (SELECT org_id, batch_id FROM outbox WHERE partition = p ORDER BY batch_id LIMIT 1) o
           CROSS JOIN LATERAL (SELECT received_at FROM usage_batches u WHERE u.org_id = o.org_id AND u.batch_id = o.batch_id OFFSET 0) b
           ORDER BY o.batch_id LIMIT 1)
        """;

    public async Task<WaitingBatches> WaitingAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.Platform, ct);
        await using var command = tx.Command(Waiting);
        command.Bind(MaxCounted).Bind(Topics.UsagePartitions);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new WaitingBatches(reader.GetInt32(0), await reader.IsDBNullAsync(1, ct) ? null : reader.GetFieldValue<Instant>(1));
    }
}
