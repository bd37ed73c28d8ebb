using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.DeadLetterQueue;

/// <summary>A record that could not be applied.</summary>
public sealed record DeadLetter(
    Guid Id,
    string Reason,
    string Topic,
    int Partition,
    long Offset,
    int Bytes,
    Instant SeenAt,
    int Attempts,
    Instant? ResolvedAt
);

public sealed record DeadLetterReplay(int Replayed, int Resolved, IReadOnlyList<DeadLetter> Failed);

/// <summary>
/// Lists an org's dead letters and applies them again. Dead letters whose org cannot be parsed are shown to nobody. Since only another
/// version of Polaris may be able to parse them, <see cref="MonitorDeadLetters"/> retries them at each start.
/// </summary>
internal sealed class ReplayDeadLetters(NpgsqlDataSource database, ApplyUsage apply, TimeProvider time)
{
    /// <summary>Maximum number of dead letters listed or replayed in one call, oldest first.</summary>
    public const int MaxPageSize = 500;

    private const string Columns = "id, reason, topic, partition, record_offset, octet_length(payload), seen_at, attempts, resolved_at";

    public async Task<IReadOnlyList<DeadLetter>> ListAsync(Guid org, int first, bool resolved, CancellationToken ct)
    {
        if (first is < 1 or > MaxPageSize)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' is 1 to {MaxPageSize}."));
        return await ReadAsync(org, null, first, resolved, ct);
    }

    /// <param name="ids">The dead letters to replay; null for all unresolved ones.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NpgsqlException">The database is unavailable; dead letters resolved so far stay resolved.</exception>
    public async Task<DeadLetterReplay> ReplayAsync(Guid org, IReadOnlyCollection<Guid>? ids, CancellationToken ct)
    {
        if (ids?.Count > MaxPageSize)
            throw new RefusedException(Refusal.Invalid("ids", "too_many", $"At most {MaxPageSize} ids per call."));
        var waiting = await ReadAsync(org, ids, MaxPageSize, resolved: false, ct);
        var resolved = 0;
        foreach (var letter in waiting)
        {
            var reason = await TryAsync(org, letter.Id, ct);
            await RecordAsync(org, letter.Id, reason, ct);
            if (reason is null)
                resolved++;
        }

        var failed =
            resolved == waiting.Count
                ? []
                : await ReadAsync(org, [.. waiting.Select(letter => letter.Id)], MaxPageSize, resolved: false, ct);
        return new DeadLetterReplay(waiting.Count, resolved, failed);
    }

    /// <summary>Null when it is applied now or was before, else the reason why not.</summary>
    private async Task<string?> TryAsync(Guid org, Guid id, CancellationToken ct)
    {
        byte[] payload;
        await using (var tx = await database.BeginOrgAsync(org, ct))
        {
            await using var command = tx.Command("SELECT payload FROM dead_letters WHERE org_id = $1 AND id = $2");
            command.Bind(org).Bind(id);
            payload = (byte[])(await command.ExecuteScalarAsync(ct))!;
        }

        var (batch, reason) = FoldUsage.Parse(payload);
        if (batch is null)
            return reason;
        try
        {
            await apply.ApplyAsync([batch], ct);
            return null;
        }
        catch (Exception exception) when (Fault.Of(exception) == FaultKind.Record)
        {
            return exception.Message;
        }
    }

    private async Task RecordAsync(Guid org, Guid id, string? reason, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            UPDATE dead_letters SET attempts = attempts + 1, reason = coalesce($3, reason), resolved_at = CASE WHEN $3 IS NULL THEN $4 END
            WHERE org_id = $1 AND id = $2 AND resolved_at IS NULL
            """
        );
        command.Bind(org).Bind(id).Bind(reason is null ? null : DeadLetters.Storable(reason)).Bind(time.GetCurrentInstant());
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private async Task<IReadOnlyList<DeadLetter>> ReadAsync(
        Guid org,
        IReadOnlyCollection<Guid>? ids,
        int first,
        bool resolved,
        CancellationToken ct
    )
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            $"""
            SELECT {Columns} FROM dead_letters WHERE org_id = $1 {(resolved ? "" : "AND resolved_at IS NULL")} {(
                ids is null ? "" : "AND id = ANY($3)"
            )}
            ORDER BY seen_at, id LIMIT $2
            """
        );
        command.Bind(org).Bind(first);
        if (ids is not null)
            command.Bind<Guid[]>([.. ids]);
        var letters = new List<DeadLetter>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            letters.Add(
                new DeadLetter(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    reader.GetString(2),
                    reader.GetInt32(3),
                    reader.GetInt64(4),
                    reader.GetInt32(5),
                    reader.GetFieldValue<Instant>(6),
                    reader.GetInt32(7),
                    await reader.IsDBNullAsync(8, ct) ? null : reader.GetFieldValue<Instant>(8)
                )
            );
        }

        return letters;
    }
}
