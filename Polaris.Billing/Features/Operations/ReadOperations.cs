using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Operations;

/// <summary>Events counted in the last minute, hour and day.</summary>
/// <param name="Minute">In the last minute.</param>
/// <param name="Hour">In the last hour.</param>
/// <param name="Day">In the last day.</param>
/// <param name="SlowestMs">The longest way from receipt to being counted, in the last minute; null when nothing was counted.</param>
internal sealed record Counted(long Minute, long Hour, long Day, long? SlowestMs);

/// <summary>Things that wait, at most <see cref="ReadOperations.MaxCounted"/>, and since when the oldest does.</summary>
internal sealed record Waiting(int Count, Instant? Since);

/// <summary>An org's due invoices that are held for the same reason.</summary>
internal sealed record HeldOrg(Guid Org, string Code, int Invoices, Instant? DueSince);

/// <summary>An org with the number of its events of the last hour.</summary>
internal sealed record OrgEvents(Guid Org, long Events);

/// <summary>The installation's figures as of a time.</summary>
internal sealed record InstallationFigures(
    Instant At,
    Counted Counted,
    Instant? CountedThrough,
    IReadOnlyList<OrgEvents> Busiest,
    IReadOnlyList<HeldOrg> Held,
    Waiting Events,
    Waiting DeadLetters,
    int OpenDifferences
);

/// <summary>An org's figures: events counted in the last hour, due invoices that are held, records that could not be counted.</summary>
internal sealed record OrgFigures(Guid Org, long Events, int Held, int DeadLetters);

/// <summary>
/// What an operator sees of the installation: how much is counted, how far behind, and what waits. Numbers and ids of orgs, no data in
/// them. Each statement reads an index or a small table and at most a named number of rows, and all operators together cause one reading in
/// <see cref="Fresh"/>.
/// </summary>
internal sealed class ReadOperations(NpgsqlDataSource database, TimeProvider time) : IDisposable
{
    /// <summary>Orgs that may be asked for at once.</summary>
    public const int MaxOrgs = 200;

    /// <summary>Orgs listed as the busiest, and reasons listed for held invoices.</summary>
    public const int MaxListed = 20;

    /// <summary>What waits is counted so far.</summary>
    public const int MaxCounted = 10_000;

    private static readonly Duration Fresh = Duration.FromSeconds(2);
    private static readonly Duration Minute = Duration.FromMinutes(1);
    private static readonly Duration Hour = Duration.FromHours(1);
    private static readonly Duration Day = Duration.FromDays(1);

    private readonly SemaphoreSlim gate = new(1);
    private InstallationFigures? last;

    public void Dispose() => gate.Dispose();

    public async Task<InstallationFigures> InstallationAsync(CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            if (last is null || time.GetCurrentInstant() - last.At > Fresh)
                last = await ReadAsync(ct);
            return last;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <param name="orgs">At most <see cref="MaxOrgs"/>.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<OrgFigures>> OrgsAsync(IReadOnlyCollection<Guid> orgs, CancellationToken ct)
    {
        if (orgs.Count > MaxOrgs)
            throw new RefusedException(Refusal.Invalid("orgIds", "too_many", $"At most {MaxOrgs} ids per call, not {orgs.Count}."));
        var ids = orgs.Distinct().ToArray();
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.Platform, ct);
        var events = new Dictionary<Guid, long>();
        await using (
            var command = tx.Command(
                "SELECT org_id, sum(events)::bigint FROM org_throughput WHERE org_id = ANY($1) AND slot > $2 GROUP BY org_id"
            )
        )
        {
            command.Bind(ids).Bind(time.GetCurrentInstant() - Hour);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                events[reader.GetGuid(0)] = reader.GetInt64(1);
        }

        var held = await CountAsync(tx, "subscriptions WHERE held_code IS NOT NULL", ids, ct);
        var dead = await CountAsync(tx, "dead_letters WHERE resolved_at IS NULL", ids, ct);
        return
        [
            .. ids.Select(org => new OrgFigures(
                org,
                events.GetValueOrDefault(org),
                held.GetValueOrDefault(org),
                dead.GetValueOrDefault(org)
            )),
        ];
    }

    private async Task<InstallationFigures> ReadAsync(CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.Platform, ct);
        return new InstallationFigures(
            now,
            await CountedAsync(tx, now, ct),
            await CountedThroughAsync(tx, ct),
            await BusiestAsync(tx, now, ct),
            await HeldAsync(tx, ct),
            await WaitingEventsAsync(tx, ct),
            await DeadLettersAsync(tx, ct),
            await OpenDifferencesAsync(tx, ct)
        );
    }

    private static async Task<Counted> CountedAsync(ScopedTransaction tx, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT coalesce(sum(events) FILTER (WHERE slot > $1), 0)::bigint, coalesce(sum(events) FILTER (WHERE slot > $2), 0)::bigint,
              coalesce(sum(events), 0)::bigint, max(slowest_ms) FILTER (WHERE slot > $1)
            FROM throughput WHERE slot > $3
            """
        );
        command.Bind(now - Minute).Bind(now - Hour).Bind(now - Day);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Counted(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.IsDBNull(3) ? null : reader.GetInt64(3));
    }

    /// <summary>
    /// The position of the search for lost batches: whatever was received before it is counted, or waits as a dead letter.
    /// </summary>
    private static async Task<Instant?> CountedThroughAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT received_at FROM recovery_position WHERE id = 1");
        return await command.ExecuteScalarAsync(ct) is Instant at ? at : null;
    }

    /// <summary>The table has the last hour alone: a dozen rows an org that sent anything.</summary>
    private static async Task<List<OrgEvents>> BusiestAsync(ScopedTransaction tx, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT org_id, sum(events)::bigint FROM org_throughput WHERE slot > $1 GROUP BY org_id ORDER BY 2 DESC, org_id LIMIT $2
            """
        );
        command.Bind(now - Hour).Bind(MaxListed);
        var rows = new List<OrgEvents>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            rows.Add(new OrgEvents(reader.GetGuid(0), reader.GetInt64(1)));
        return rows;
    }

    private static async Task<List<HeldOrg>> HeldAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT org_id, held_code, count(*)::int, min(next_period_end) FROM (
              SELECT org_id, held_code, next_period_end FROM subscriptions WHERE held_code IS NOT NULL
              ORDER BY org_id, held_until LIMIT $1) h
            GROUP BY org_id, held_code ORDER BY 4, org_id, held_code LIMIT $2
            """
        );
        command.Bind(MaxCounted).Bind(MaxListed);
        var rows = new List<HeldOrg>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            Instant? due = await reader.IsDBNullAsync(3, ct) ? null : reader.GetFieldValue<Instant>(3);
            rows.Add(new HeldOrg(reader.GetGuid(0), reader.GetString(1), reader.GetInt32(2), due));
        }

        return rows;
    }

    private static async Task<Waiting> WaitingEventsAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT (SELECT count(*)::int FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT $1) w),
              (SELECT event_id FROM outbox WHERE published_at IS NULL ORDER BY event_id LIMIT 1)
            """
        );
        command.Bind(MaxCounted);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Waiting(reader.GetInt32(0), reader.IsDBNull(1) ? null : MadeAt(reader.GetGuid(1)));
    }

    private static async Task<Waiting> DeadLettersAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command(
            "SELECT count(*)::int, min(seen_at) FROM (SELECT seen_at FROM dead_letters WHERE resolved_at IS NULL LIMIT $1) w"
        );
        command.Bind(MaxCounted);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Waiting(reader.GetInt32(0), reader.IsDBNull(1) ? null : reader.GetFieldValue<Instant>(1));
    }

    private static async Task<int> OpenDifferencesAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command(
            "SELECT count(*)::int FROM (SELECT 1 FROM reconciliation_findings WHERE repaired_at IS NULL LIMIT $1) w"
        );
        return (int)(await command.Bind(MaxCounted).ExecuteScalarAsync(ct))!;
    }

    private static async Task<Dictionary<Guid, int>> CountAsync(ScopedTransaction tx, string rows, Guid[] orgs, CancellationToken ct)
    {
        await using var command = tx.Command(
            $"SELECT org_id, count(*)::int FROM (SELECT org_id FROM {rows} AND org_id = ANY($1) LIMIT $2) w GROUP BY org_id"
        );
        command.Bind(orgs).Bind(MaxCounted);
        var counts = new Dictionary<Guid, int>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            counts[reader.GetGuid(0)] = reader.GetInt32(1);
        return counts;
    }

    /// <summary>An event's id (UUID version 7) begins with the millisecond in which it was made.</summary>
    private static Instant MadeAt(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = 0L;
        foreach (var part in bytes[..6])
            milliseconds = (milliseconds << 8) | part;
        return Instant.FromUnixTimeMilliseconds(milliseconds);
    }
}
