using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>A stored event, whatever it holds: an org's keys are unique, and the batch says where it is.</summary>
internal readonly record struct EventIdentity(Guid OrgId, Guid BatchId, string IdempotencyKey);

/// <summary>
/// An event that voids or replaces an earlier one takes it out of the aggregates when its own batch is applied. The two may come in
/// either order and at the same moment, so a correction does both: it is remembered, for an earlier event that is applied later, and it
/// marks the earlier event's bucket, which <see cref="RebuildBuckets"/> counts anew.
/// </summary>
internal static class RecordCorrections
{
    /// <summary>Records the corrections in batches that are new, inside the transaction that applies them; returns which of their events count no more.</summary>
    public static async Task<(IReadOnlySet<EventIdentity> Corrected, bool AnyNew)> RunAsync(ScopedTransaction tx, IReadOnlyList<UsageBatch> fresh, Instant now, CancellationToken ct)
    {
        if (fresh.Count == 0) return (new HashSet<EventIdentity>(), false);
        var rows = fresh.SelectMany(batch => batch.Events.Where(one => one.Corrects is not null).Select(one => (
                Earlier: new EventIdentity(FoldUsage.OrgOf(batch), new Guid(one.Corrects.BatchId.Span, bigEndian: true), one.Corrects.IdempotencyKey),
                ByBatch: FoldUsage.IdOf(batch), By: one)))
            .OrderBy(row => row.Earlier.OrgId).ThenBy(row => row.Earlier.BatchId).ThenBy(row => row.Earlier.IdempotencyKey, StringComparer.Ordinal).ToArray();
        if (rows.Length > 0)
        {
            await using var command = tx.Command("""
                INSERT INTO corrections (org_id, corrected_batch_id, corrected_key, by_batch_id, by_key, replaces)
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bool[]) ON CONFLICT DO NOTHING
                """);
            UsageSql.Array(command, rows, row => row.Earlier.OrgId);
            UsageSql.Array(command, rows, row => row.Earlier.BatchId);
            UsageSql.Array(command, rows, row => row.Earlier.IdempotencyKey);
            UsageSql.Array(command, rows, row => row.ByBatch);
            UsageSql.Array(command, rows, row => row.By.IdempotencyKey);
            UsageSql.Array(command, rows, row => row.By.Corrects.Replaces);
            await command.ExecuteNonQueryAsync(ct);
            await UsageSql.MarkDirtyAsync(
                tx, rows.Select(row => (row.Earlier.OrgId, row.By.Corrects.Customer, Domain.Buckets.StartOf(row.By.Corrects.TimestampUs))), now, ct);
        }

        return (await OfBatchesAsync(tx, [.. fresh.Select(batch => (FoldUsage.OrgOf(batch), FoldUsage.IdOf(batch)))], ct), rows.Length > 0);
    }

    /// <summary>The events of these batches that a correction names whose batch is applied.</summary>
    public static async Task<IReadOnlySet<EventIdentity>> OfBatchesAsync(ScopedTransaction tx, IReadOnlyList<(Guid Org, Guid Batch)> batches, CancellationToken ct)
    {
        await using var command = tx.Command("""
            SELECT c.org_id, c.corrected_batch_id, c.corrected_key FROM unnest($1::uuid[], $2::uuid[]) b(org_id, batch_id)
            JOIN corrections c ON c.org_id = b.org_id AND c.corrected_batch_id = b.batch_id
            """);
        UsageSql.Array(command, batches, batch => batch.Org);
        UsageSql.Array(command, batches, batch => batch.Batch);
        var corrected = new HashSet<EventIdentity>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) corrected.Add(new EventIdentity(reader.GetGuid(0), reader.GetGuid(1), reader.GetString(2)));
        return corrected;
    }
}
