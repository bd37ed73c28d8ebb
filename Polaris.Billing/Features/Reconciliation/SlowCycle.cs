using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>The position of the slow cycle: org, bucket, and the start of the org's pass.</summary>
internal sealed record CyclePosition(Guid Org, Instant NextBucket, Instant PassStartedAt, bool PassDone);

/// <summary>The reconciler's cursor and lease: one replica reconciles, and another takes over when it stops.</summary>
internal sealed class SlowCycle(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Later than every bucket.</summary>
    public static readonly Instant End = Instant.FromUtc(2500, 1, 1, 0, 0);

    private static readonly Duration Lease = Duration.FromSeconds(20);

    private readonly Guid self = Guid.CreateVersion7(time.GetUtcNow());

    /// <summary>Acquires or renews the lease; null when another replica holds it.</summary>
    public async Task<CyclePosition?> HoldAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO reconciliation_position AS p (id, owner, held_until, current_org, next_bucket, pass_started_at, pass_done)
            VALUES (1, $1, $3, '00000000-0000-0000-0000-000000000000', 'epoch', 'epoch', true)
            ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until
            WHERE p.owner = excluded.owner OR p.held_until < $2
            RETURNING current_org, next_bucket, pass_started_at, pass_done
            """
        );
        var now = time.GetCurrentInstant();
        command.Bind(self).Bind(now).Bind(now + Lease);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new CyclePosition(reader.GetGuid(0), reader.GetFieldValue<Instant>(1), reader.GetFieldValue<Instant>(2), reader.GetBoolean(3))
            : null;
    }

    public async Task MoveAsync(CyclePosition position, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            UPDATE reconciliation_position SET current_org = $2, next_bucket = $3, pass_started_at = $4, pass_done = $5
            WHERE id = 1 AND owner = $1
            """
        );
        command.Bind(self).Bind(position.Org).Bind(position.NextBucket).Bind(position.PassStartedAt).Bind(position.PassDone);
        await command.ExecuteNonQueryAsync(ct);
    }
}
