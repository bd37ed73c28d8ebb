using System.Buffers.Binary;
using NodaTime;
using Npgsql;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// The only definition of which batches count as applied: those whose id is recorded, and those older than the watermark up to which ids
/// were deleted, unless they are unresolved dead letters. See <see cref="CompactAppliedBatches"/>.
/// </summary>
internal static class AppliedBatches
{
    private const string Watermark =
        "coalesce((SELECT compacted_before FROM recovery_position WHERE id = 1), '00000000-0000-0000-0000-000000000000'::uuid)";

    private const string WaitsAsDeadLetter =
        "EXISTS (SELECT 1 FROM dead_letters d WHERE d.org_id = b.org_id AND d.id = b.batch_id AND d.resolved_at IS NULL)";

    /// <summary>Records batches; returns those that were not applied before. The caller holds the orgs' locks.</summary>
    public static async Task<HashSet<(Guid Org, Guid Batch)>> RecordAsync(
        ScopedTransaction tx,
        IReadOnlyList<(Guid Org, Guid Batch)> ids,
        CancellationToken ct
    )
    {
        // A separate statement after taking the locks, so it sees a watermark at least as new as what CompactAppliedBatches deletes.
        await using var command = tx.Command(
            $"""
            INSERT INTO applied_batches (org_id, batch_id)
            SELECT b.org_id, b.batch_id FROM unnest($1::uuid[], $2::uuid[]) b(org_id, batch_id)
            WHERE b.batch_id >= {Watermark} OR {WaitsAsDeadLetter}
            ON CONFLICT DO NOTHING RETURNING org_id, batch_id
            """
        );
        return await ReadAsync(command, ids, ct);
    }

    /// <summary>The subset of the batches that count as applied, as visible in the transaction.</summary>
    public static async Task<HashSet<(Guid Org, Guid Batch)>> AmongAsync(
        ScopedTransaction tx,
        IReadOnlyList<(Guid Org, Guid Batch)> ids,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            SELECT b.org_id, b.batch_id FROM unnest($1::uuid[], $2::uuid[]) b(org_id, batch_id)
            WHERE EXISTS (SELECT 1 FROM applied_batches a WHERE a.org_id = b.org_id AND a.batch_id = b.batch_id)
              OR (b.batch_id < {Watermark} AND NOT {WaitsAsDeadLetter})
            """
        );
        return await ReadAsync(command, ids, ct);
    }

    /// <summary>The subset of the batches that are unresolved dead letters.</summary>
    public static async Task<HashSet<Guid>> DeadLettersAmongAsync(ScopedTransaction tx, Guid org, Guid[] ids, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT id FROM dead_letters WHERE org_id = $1 AND id = ANY($2) AND resolved_at IS NULL");
        command.Bind(org).Bind(ids);
        var waiting = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            waiting.Add(reader.GetGuid(0));
        return waiting;
    }

    /// <summary>
    /// Every batch with a smaller id is verified to be applied or is a dead letter: the search for lost batches has passed it.
    /// </summary>
    public static async Task<Guid> VerifiedBeforeAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT received_at FROM recovery_position WHERE id = 1");
        return await command.ExecuteScalarAsync(ct) is Instant through ? FirstIdAt(through) : Guid.Empty;
    }

    /// <summary>
    /// No batch received at the instant or later has a smaller id: UUIDs of version 7 begin with the millisecond of receipt.
    /// </summary>
    public static Guid FirstIdAt(Instant received)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, Math.Max(0, received.ToUnixTimeMilliseconds()) << 16);
        return new Guid(bytes, bigEndian: true);
    }

    private static async Task<HashSet<(Guid, Guid)>> ReadAsync(
        NpgsqlCommand command,
        IReadOnlyList<(Guid Org, Guid Batch)> ids,
        CancellationToken ct
    )
    {
        var found = new HashSet<(Guid, Guid)>(ids.Count);
        if (ids.Count == 0)
            return found;
        command.BindColumn(ids, id => id.Org).BindColumn(ids, id => id.Batch);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            found.Add((reader.GetGuid(0), reader.GetGuid(1)));
        return found;
    }
}
