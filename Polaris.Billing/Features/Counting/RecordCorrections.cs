using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// An event that voids or replaces an earlier one removes it from the aggregates when its own batch is applied. The two batches may be
/// applied in either order or concurrently. So a correction is recorded, for an earlier event that is applied later, and marks the earlier
/// event's bucket dirty, for <c>RebuildBuckets</c>.
/// </summary>
internal static class RecordCorrections
{
    /// <summary>
    /// Records the corrections of new batches, in the transaction that applies them; returns which of their events no longer count.
    /// </summary>
    public static async Task<(IReadOnlySet<EventIdentity> Corrected, bool AnyNew)> RunAsync(
        ScopedTransaction tx,
        IReadOnlyList<UsageBatch> fresh,
        Instant now,
        CancellationToken ct
    )
    {
        if (fresh.Count == 0)
            return (new HashSet<EventIdentity>(), false);
        var rows = fresh
            .SelectMany(batch =>
                batch
                    .Events.Where(usageEvent => usageEvent.Corrects is not null)
                    .Select(usageEvent =>
                        (
                            Earlier: new EventIdentity(
                                FoldUsage.OrgOf(batch),
                                new Guid(usageEvent.Corrects.BatchId.Span, bigEndian: true),
                                usageEvent.Corrects.IdempotencyKey
                            ),
                            ByBatch: FoldUsage.IdOf(batch),
                            By: usageEvent
                        )
                    )
            )
            .OrderBy(row => row.Earlier.OrgId)
            .ThenBy(row => row.Earlier.BatchId)
            .ThenBy(row => row.Earlier.IdempotencyKey, StringComparer.Ordinal)
            .ToArray();
        if (rows.Length > 0)
        {
            await using var command = tx.Command(
                """
                INSERT INTO corrections (org_id, corrected_batch_id, corrected_key, by_batch_id, by_key, replaces)
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bool[]) ON CONFLICT DO NOTHING
                """
            );
            command
                .BindColumn(rows, row => row.Earlier.OrgId)
                .BindColumn(rows, row => row.Earlier.BatchId)
                .BindColumn(rows, row => row.Earlier.IdempotencyKey)
                .BindColumn(rows, row => row.ByBatch)
                .BindColumn(rows, row => row.By.IdempotencyKey)
                .BindColumn(rows, row => row.By.Corrects.Replaces);
            await command.ExecuteNonQueryAsync(ct);
            await UsageSql.MarkDirtyAsync(
                tx,
                rows.Select(row => (row.Earlier.OrgId, row.By.Corrects.Customer, Buckets.StartOf(row.By.Corrects.TimestampUs))),
                now,
                ct
            );
        }

        return (await OfBatchesAsync(tx, [.. fresh.Select(batch => (FoldUsage.OrgOf(batch), FoldUsage.IdOf(batch)))], ct), rows.Length > 0);
    }

    /// <summary>The events of these batches that an applied correction voids or replaces.</summary>
    public static async Task<IReadOnlySet<EventIdentity>> OfBatchesAsync(
        ScopedTransaction tx,
        IReadOnlyList<(Guid Org, Guid Batch)> batches,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT c.org_id, c.corrected_batch_id, c.corrected_key FROM unnest($1::uuid[], $2::uuid[]) b(org_id, batch_id)
            JOIN corrections c ON c.org_id = b.org_id AND c.corrected_batch_id = b.batch_id
            """
        );
        command.BindColumn(batches, batch => batch.Org).BindColumn(batches, batch => batch.Batch);
        var corrected = new HashSet<EventIdentity>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            corrected.Add(new EventIdentity(reader.GetGuid(0), reader.GetGuid(1), reader.GetString(2)));
        return corrected;
    }
}
