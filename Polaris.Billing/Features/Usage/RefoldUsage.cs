using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>Which aggregates are counted anew: of one customer or of all, of the buckets in [From, To).</summary>
internal sealed record RefoldScope(Guid Org, string? Customer, IReadOnlyList<MeterDefinition> Meters, Instant From, Instant To);

/// <summary>
/// Replaces aggregates by what stored events say: exactly those whose batch is recorded as applied and which no applied correction names.
/// The caller holds the org's lock alone, so no batch is applied meanwhile and later ones add to the result as usual.
/// </summary>
internal static class RefoldUsage
{
    private const int BatchesAtOnce = 500;

    public static async Task ReplaceAsync(ScopedTransaction tx, Ingestion.V1.Ingestion.IngestionClient ingestion, RefoldScope scope, CancellationToken ct)
    {
        var fold = await FoldAsync(tx, ingestion, scope, ct);
        var gone = new List<AggregateKey>();
        foreach (var table in new[] { "usage_uniques", "usage_aggregates" })
        {
            await using var delete = tx.Command(string.Create(CultureInfo.InvariantCulture, $"""
                DELETE FROM {table} WHERE org_id = $1 AND meter_id = ANY($2) AND bucket_start >= $3 AND bucket_start < $4 {(scope.Customer is null ? "" : "AND customer_key = $5")}
                RETURNING customer_key, meter_id, bucket_start
                """));
            delete.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = scope.Org });
            delete.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. scope.Meters.Select(meter => meter.Id)] });
            delete.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = scope.From });
            delete.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = scope.To });
            if (scope.Customer is { } customer) delete.Parameters.Add(new NpgsqlParameter<string> { TypedValue = customer });
            await using var reader = await delete.ExecuteReaderAsync(ct);
            while (table == "usage_aggregates" && await reader.ReadAsync(ct))
                gone.Add(new AggregateKey(scope.Org, reader.GetString(0), reader.GetGuid(1), reader.GetFieldValue<Instant>(2).ToUnixTimeTicks() / 10));
        }

        await UsageSql.AddAggregatesAsync(tx, fold.Aggregates, ct);
        await LevelCheckpoints.ForgetAsync(tx, fold.Aggregates.Keys.Concat(gone), fold.Lasting, ct);
        // Also where nothing is left: an invoice that counted it has changed most of all.
        await UsageSql.MarkInvoicesStaleAsync(tx, fold.Aggregates.Keys.Concat(gone), fold.Lasting, ct);
    }

    /// <summary>What the aggregates should be, as the transaction sees what is applied.</summary>
    public static async Task<FoldUsage> FoldAsync(ScopedTransaction tx, Ingestion.V1.Ingestion.IngestionClient ingestion, RefoldScope scope, CancellationToken ct)
    {
        var corrected = new HashSet<EventIdentity>();
        var fold = new FoldUsage(new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [scope.Org] = scope.Meters }, corrected);
        var request = new StreamEventsRequest
        {
            OrgId = scope.Org.ToString(),
            Customer = scope.Customer ?? "",
            From = Timestamp.FromDateTime(scope.From.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(scope.To.ToDateTimeUtc()),
        };
        request.Types_.AddRange(scope.Meters.Select(meter => meter.EventType).Distinct());
        var waiting = new List<UsageBatch>(BatchesAtOnce);
        using var call = ingestion.StreamEvents(request, cancellationToken: ct);
        await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
        {
            waiting.Add(batch);
            if (waiting.Count == BatchesAtOnce) await AddAsync();
        }

        await AddAsync();
        return fold;

        async Task AddAsync()
        {
            if (waiting.Count == 0) return;
            var applied = await AppliedBatches.AmongAsync(tx, [.. waiting.Select(batch => (scope.Org, FoldUsage.IdOf(batch)))], ct);
            corrected.Clear();
            corrected.UnionWith(await RecordCorrections.OfBatchesAsync(tx, [.. applied], ct));
            foreach (var batch in waiting.Where(batch => applied.Contains((scope.Org, FoldUsage.IdOf(batch))))) fold.Add(batch);
            waiting.Clear();
        }
    }
}
