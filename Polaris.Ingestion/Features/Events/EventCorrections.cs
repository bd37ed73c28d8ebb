using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Events;

/// <summary>The event that voided or replaced another.</summary>
internal readonly record struct CorrectedBy(string Key, Guid BatchId);

/// <summary>Which stored events were corrected later. Stored bytes never change, so this is looked up on every read.</summary>
internal static class EventCorrections
{
    /// <summary>The corrections of all events in those batches, by the corrected event's key.</summary>
    public static async Task<Dictionary<string, CorrectedBy>> OfBatchesAsync(
        ScopedTransaction tx,
        Guid org,
        IEnumerable<Guid> batches,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            "SELECT corrected_key, by_key, by_batch_id FROM event_corrections WHERE org_id = $1 AND corrected_batch_id = ANY($2)"
        );
        command.Bind(org).Bind<Guid[]>([.. batches.Distinct()]);
        var corrected = new Dictionary<string, CorrectedBy>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            corrected.Add(reader.GetString(0), new CorrectedBy(reader.GetString(1), reader.GetGuid(2)));
        return corrected;
    }
}
