using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Events;

/// <summary>The event that voided or replaced another.</summary>
internal readonly record struct CorrectedBy(string Key, Guid BatchId);

/// <summary>Which stored events were corrected later. Stored bytes never change, so this is looked up on every read.</summary>
internal static class EventCorrections
{
    /// <summary>The corrections of all events in those batches, by the corrected event's org and key.</summary>
    public static async Task<Dictionary<(Guid Org, string Key), CorrectedBy>> OfBatchesAsync(
        ScopedTransaction tx,
        Guid[] orgs,
        IEnumerable<Guid> batches,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT org_id, corrected_key, by_key, by_batch_id FROM event_corrections
            WHERE org_id = ANY($1) AND corrected_batch_id = ANY($2)
            """
        );
        command.Bind(orgs).Bind<Guid[]>([.. batches.Distinct()]);
        var corrected = new Dictionary<(Guid, string), CorrectedBy>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            corrected.Add((reader.GetGuid(0), reader.GetString(1)), new CorrectedBy(reader.GetString(2), reader.GetGuid(3)));
        return corrected;
    }
}
