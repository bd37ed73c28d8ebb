using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>A record that waits, or waited, to be applied.</summary>
public sealed record DeadLetter(
    Guid Id, string Reason, string Topic, int Partition, long Offset, int Bytes, Instant SeenAt, int Attempts, Instant? ResolvedAt);

public sealed record DeadLetterReplay(int Replayed, int Resolved, IReadOnlyList<DeadLetter> Failed);

/// <summary>
/// Lists an org's dead letters and applies them again. Whose org cannot be read is nobody's and shown to nobody: since it can only
/// become readable by another version of Polaris, <see cref="WatchDeadLetters"/> tries it again at each start.
/// </summary>
internal sealed class ReplayDeadLetters(NpgsqlDataSource database, ApplyUsage apply, TimeProvider time)
{
    /// <summary>One call lists or replays at most this many, the eldest first.</summary>
    public const int MaxAtOnce = 500;

    private const string Columns = "id, reason, topic, partition, record_offset, octet_length(payload), seen_at, attempts, resolved_at";

    public async Task<IReadOnlyList<DeadLetter>> ListAsync(Guid org, int first, bool resolved, CancellationToken ct)
    {
        if (first is < 1 or > MaxAtOnce) throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' is 1 to {MaxAtOnce}."));
        return await ReadAsync(org, null, first, resolved, ct);
    }

    /// <param name="org">Whose.</param>
    /// <param name="ids">Which; null for all that wait.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NpgsqlException">The database is away; what was resolved so far stays resolved.</exception>
    public async Task<DeadLetterReplay> ReplayAsync(Guid org, IReadOnlyCollection<Guid>? ids, CancellationToken ct)
    {
        if (ids?.Count > MaxAtOnce) throw new RefusedException(Refusal.Invalid("ids", "too_many", $"At most {MaxAtOnce} at once."));
        var waiting = await ReadAsync(org, ids, MaxAtOnce, resolved: false, ct);
        var resolved = 0;
        foreach (var letter in waiting)
        {
            var reason = await TryAsync(org, letter.Id, ct);
            await NoteAsync(org, letter.Id, reason, ct);
            if (reason is null) resolved++;
        }

        var failed = resolved == waiting.Count ? [] : await ReadAsync(org, [.. waiting.Select(letter => letter.Id)], MaxAtOnce, resolved: false, ct);
        return new DeadLetterReplay(waiting.Count, resolved, failed);
    }

    /// <summary>Null when it is applied now (or was), else why not.</summary>
    private async Task<string?> TryAsync(Guid org, Guid id, CancellationToken ct)
    {
        byte[] payload;
        await using (var tx = await database.BeginOrgAsync(org, ct))
        {
            await using var command = tx.Command("SELECT payload FROM dead_letters WHERE org_id = $1 AND id = $2");
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            payload = (byte[])(await command.ExecuteScalarAsync(ct))!;
        }

        var (batch, reason) = FoldUsage.Parse(payload);
        if (batch is null) return reason;
        try
        {
            await apply.ApplyAsync([batch], [], ct);
            return null;
        }
        catch (Exception exception) when (Poison.Is(exception))
        {
            return exception.Message;
        }
    }

    private async Task NoteAsync(Guid org, Guid id, string? reason, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            UPDATE dead_letters SET attempts = attempts + 1, reason = coalesce($3, reason), resolved_at = CASE WHEN $3 IS NULL THEN $4 END
            WHERE org_id = $1 AND id = $2 AND resolved_at IS NULL
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter { Value = reason is null ? DBNull.Value : DeadLetters.Storable(reason), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private async Task<IReadOnlyList<DeadLetter>> ReadAsync(Guid org, IReadOnlyCollection<Guid>? ids, int first, bool resolved, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command($"""
            SELECT {Columns} FROM dead_letters WHERE org_id = $1 {(resolved ? "" : "AND resolved_at IS NULL")} {(ids is null ? "" : "AND id = ANY($3)")}
            ORDER BY seen_at, id LIMIT $2
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = first });
        if (ids is not null) command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] });
        var letters = new List<DeadLetter>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            letters.Add(new DeadLetter(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetInt32(3), reader.GetInt64(4), reader.GetInt32(5),
                reader.GetFieldValue<Instant>(6), reader.GetInt32(7), await reader.IsDBNullAsync(8, ct) ? null : reader.GetFieldValue<Instant>(8)));
        }

        return letters;
    }
}
