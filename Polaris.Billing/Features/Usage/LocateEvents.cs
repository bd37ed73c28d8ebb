using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>The fields of a stored event that decide where it counts.</summary>
internal sealed record EventToLocate(
    string IdempotencyKey,
    Guid BatchId,
    string Customer,
    long TimestampMicroseconds,
    string Type,
    ReadOnlyMemory<byte> Properties
)
{
    public long Bucket => Buckets.StartOf(TimestampMicroseconds);

    /// <summary>Time of receipt in milliseconds since the Unix epoch, from the batch's UUID of version 7.</summary>
    public long ReceivedAtMilliseconds => Convert.ToInt64(BatchId.ToString("N")[..12], 16);
}

/// <param name="Number">Empty on a draft.</param>
internal sealed record InvoiceLineOfEvent(Guid InvoiceId, string Number, string Status, string Charge);

internal sealed record CountedEvent(string Meter, Instant BucketStart, IReadOnlyList<InvoiceLineOfEvent> Lines);

internal sealed record LocatedEvent(bool Applied, bool Corrected, IReadOnlyList<CountedEvent> Counted);

/// <summary>
/// Finds the buckets and invoice lines that events count in. An event that arrived after its period's invoice was finalized is on the next
/// adjustment of it; the times of receipt and finalization decide.
/// </summary>
internal sealed class LocateEvents(NpgsqlDataSource database)
{
    public const int MaxBatchSize = 100;

    /// <summary>
    /// A line for a meter's usage of a period, or of the part with the line's plan version: on the period's own invoice or an adjustment of
    /// it.
    /// </summary>
    private sealed record Line(
        Guid Covering,
        string Customer,
        Instant Start,
        Instant End,
        Instant? FinalizedAt,
        string Meter,
        InvoiceLineOfEvent On
    );

    /// <summary>Answers in the order of the input.</summary>
    public async Task<IReadOnlyList<LocatedEvent>> HandleAsync(Guid org, IReadOnlyList<EventToLocate> events, CancellationToken ct)
    {
        if (events.Count > MaxBatchSize)
            throw new RefusedException(Refusal.Invalid("events", "count", $"At most {MaxBatchSize} events per call."));
        await using var tx = await database.BeginOrgAsync(org, ct);
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        var batches = events.Select(target => target.BatchId).Distinct().ToArray();
        var applied = await AppliedBatches.AmongAsync(tx, [.. batches.Select(batch => (org, batch))], ct);
        var corrected = await RecordCorrections.OfBatchesAsync(tx, [.. batches.Select(batch => (org, batch))], ct);
        var voids = await VoidsAsync(tx, org, batches, ct);
        var lines = await LinesAsync(tx, org, events, ct);
        return
        [
            .. events.Select(target =>
            {
                var (isApplied, isCorrected) = (
                    applied.Contains((org, target.BatchId)),
                    corrected.Contains(new EventIdentity(org, target.BatchId, target.IdempotencyKey))
                );
                if (!isApplied || isCorrected || voids.Contains((target.BatchId, target.IdempotencyKey)))
                    return new LocatedEvent(isApplied, isCorrected, []);
                return new LocatedEvent(
                    true,
                    false,
                    [
                        .. meters
                            .Where(meter => meter.Measure(target.Type, target.Properties.Span) is not null)
                            .Select(meter => new CountedEvent(
                                meter.Key,
                                Buckets.FromMicroseconds(target.Bucket),
                                LinesOf(target, meter.Key, lines)
                            )),
                    ]
                );
            }),
        ];
    }

    private static InvoiceLineOfEvent[] LinesOf(EventToLocate target, string meter, List<Line> lines)
    {
        var (bucket, received) = (Buckets.FromMicroseconds(target.Bucket), Instant.FromUnixTimeMilliseconds(target.ReceivedAtMilliseconds));
        return
        [
            .. lines
                .Where(line => line.Customer == target.Customer && line.Start <= bucket && line.End > bucket && line.Meter == meter)
                .GroupBy(line => (line.Covering, line.On.Charge))
                .SelectMany(chain => chain.Where(line => line.FinalizedAt is not { } final || received < final).Take(1))
                .Select(line => line.On),
        ];
    }

    private static async Task<HashSet<(Guid Batch, string Key)>> VoidsAsync(
        ScopedTransaction tx,
        Guid org,
        Guid[] batches,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            "SELECT by_batch_id, by_key FROM corrections WHERE org_id = $1 AND by_batch_id = ANY($2) AND NOT replaces"
        );
        command.Bind(org).Bind(batches);
        var voids = new HashSet<(Guid, string)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            voids.Add((reader.GetGuid(0), reader.GetString(1)));
        return voids;
    }

    /// <summary>In order of creation: a period's own invoice, then its adjustments.</summary>
    private static async Task<List<Line>> LinesAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyList<EventToLocate> events,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            WITH covering AS (
              SELECT DISTINCT i.id, i.customer_key, i.period_start, i.period_end
              FROM unnest($2::text[], $3::timestamptz[]) e(customer, bucket)
              JOIN invoices i ON i.org_id = $1 AND i.customer_key = e.customer AND i.period_start <= e.bucket AND i.period_end > e.bucket),
            lines AS (
              SELECT c.id AS covering, l.invoice_id, l.ordinal, l.charge, l.meter, l.span_start, l.span_end
              FROM covering c JOIN invoice_lines l ON l.org_id = $1 AND l.invoice_id = c.id
              WHERE l.kind = $4 AND l.meter IS NOT NULL
              UNION ALL
              SELECT c.id, l.invoice_id, l.ordinal, l.charge, l.meter, l.span_start, l.span_end
              FROM covering c JOIN invoice_lines l ON l.org_id = $1 AND l.adjusts_invoice_id = c.id
              WHERE l.meter IS NOT NULL)
            SELECT c.customer_key, coalesce(l.span_start, c.period_start), coalesce(l.span_end, c.period_end),
              i.finalized_at, l.meter, i.id, coalesce(i.number, ''), i.status, l.charge, c.id
            FROM lines l JOIN covering c ON c.id = l.covering JOIN invoices i ON i.org_id = $1 AND i.id = l.invoice_id
            WHERE i.status <> 'void' ORDER BY i.sequence, l.ordinal
            """
        );
        command
            .Bind(org)
            .BindColumn(events, target => target.Customer)
            .BindColumn(events, target => Buckets.FromMicroseconds(target.Bucket))
            .Bind(InvoiceLineKinds.Charge);
        var lines = new List<Line>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            lines.Add(
                new Line(
                    reader.GetGuid(9),
                    reader.GetString(0),
                    reader.GetFieldValue<Instant>(1),
                    reader.GetFieldValue<Instant>(2),
                    reader.IsDBNull(3) ? null : reader.GetFieldValue<Instant>(3),
                    reader.GetString(4),
                    new InvoiceLineOfEvent(reader.GetGuid(5), reader.GetString(6), reader.GetString(7), reader.GetString(8))
                )
            );
        }

        return lines;
    }
}
