using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Invoices;

/// <summary>An event that an invoice line counts.</summary>
/// <param name="IdempotencyKey">Unique in the org.</param>
/// <param name="At">Its timestamp.</param>
/// <param name="ReceivedAt">When Polaris took it.</param>
/// <param name="Properties">Canonical JSON; empty when it has none.</param>
internal sealed record LineEvent(string IdempotencyKey, string Type, Instant At, Instant ReceivedAt, string Properties);

/// <summary>A page of a line's events. <paramref name="EventCount"/> is the line's own, which all pages together have.</summary>
internal sealed record LineEventPage(IReadOnlyList<LineEvent> Rows, long EventCount, string? EndCursor, bool HasNextPage);

/// <summary>
/// The events that an invoice line counts, by timestamp and key, a page at a time: from Ingestion, for the line's customer and span,
/// measured by the line's meter. Of a final invoice those that had come, and were not taken back, when it was finalized; what came later is
/// on a later invoice. Aggregates tell how far the page reaches, so a page costs its own events and those of the buckets that it touches,
/// however long the period is.
/// </summary>
internal sealed class ReadLineEvents(
    BillingDbContext db,
    TenantScope tenant,
    MeterCatalog catalog,
    Ingestion.V1.Ingestion.IngestionClient ingestion
)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly Comparer<(EventPlace Place, LineEvent Event)> ByPlace = Comparer<(EventPlace Place, LineEvent Event)>.Create(
        (one, other) => one.Place.CompareTo(other.Place)
    );

    /// <summary>What a line counts.</summary>
    private sealed record Counted(MeterDefinition Meter, string Customer, BillingPeriod Span, Instant? FinalizedAt, long EventCount);

    /// <param name="invoiceId">The invoice.</param>
    /// <param name="ordinal">The line's place on it, from 0.</param>
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor of the previous page's last event; null for the first page.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="RefusedException">There is no such line, or Ingestion is unavailable.</exception>
    public async Task<LineEventPage> PageAsync(Guid invoiceId, int ordinal, int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        var place = EventPlace.Parse(after);
        var line = await FindAsync(invoiceId, ordinal, ct);
        if (line is null)
            return new LineEventPage([], 0, null, false);
        var start = place is { } known ? Instant.Max(line.Span.Start, known.Bucket) : line.Span.Start;
        var found = new SortedSet<(EventPlace Place, LineEvent Event)>(ByPlace);
        while (start < line.Span.End && found.Count <= first)
        {
            var end = await ReachAsync(line, start, first + 1 - found.Count, ct);
            await ReadAsync(line, new BillingPeriod(start, end), place, first + 1, found, ct);
            start = end;
        }

        var page = found.Take(first).ToArray();
        return new LineEventPage(
            [.. page.Select(pair => pair.Event)],
            line.EventCount,
            page.Length == 0 ? null : page[^1].Place.ToString(),
            found.Count > first
        );
    }

    /// <summary>Null for a line that counts no events, such as a fee.</summary>
    private async Task<Counted?> FindAsync(Guid invoiceId, int ordinal, CancellationToken ct)
    {
        var (line, invoice, covered) = await db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db
                        .Invoices.AsNoTracking()
                        .Include(one => one.Lines.Where(candidate => candidate.Ordinal == ordinal))
                        .SingleOrDefaultAsync(one => one.Id == invoiceId, token)
                    ?? throw new RefusedException(Refusal.NotFound("invoice"));
                var asked = row.Lines.SingleOrDefault() ?? throw new RefusedException(Refusal.NotFound("invoice line"));
                var earlier = asked.AdjustsInvoiceId is { } id
                    ? await db.Invoices.AsNoTracking().SingleAsync(one => one.Id == id, token)
                    : row;
                return (asked, row, earlier);
            },
            ct
        );
        if (line.Meter is null)
            return null;
        var meter =
            (await catalog.ReadOrgAsync(tenant.RequireOrg(), ct)).GetValueOrDefault(line.Meter)
            ?? throw new InvalidOperationException($"The meter '{line.Meter}' of invoice {invoiceId} is not in the catalog.");
        return new Counted(
            meter,
            invoice.CustomerKey,
            new BillingPeriod(line.SpanStart ?? covered.PeriodStart, line.SpanEnd ?? covered.PeriodEnd),
            invoice.FinalizedAt,
            line.EventCount
        );
    }

    /// <summary>The end of the buckets from <paramref name="start"/> on that have as many events, or of the line's span.</summary>
    private Task<Instant> ReachAsync(Counted line, Instant start, int events, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                await using var command = db.BorrowTransaction()
                    .Command(
                        """
                        SELECT bucket_start, sum(event_count)::bigint FROM usage_aggregates
                        WHERE org_id = $1 AND customer_key = $2 AND meter_id = $3 AND bucket_start >= $4 AND bucket_start < $5
                        GROUP BY bucket_start ORDER BY bucket_start LIMIT $6
                        """
                    );
                command.Bind(tenant.RequireOrg()).Bind(line.Customer).Bind(line.Meter.Id).Bind(start).Bind(line.Span.End).Bind(events);
                var sum = 0L;
                await using var reader = await command.ExecuteReaderAsync(token);
                while (await reader.ReadAsync(token))
                {
                    sum += reader.GetInt64(1);
                    if (sum >= events)
                        return reader.GetFieldValue<Instant>(0) + Buckets.Size;
                }

                return line.Span.End;
            },
            ct
        );

    /// <summary>Adds the first events of a span after a place; no more than <paramref name="atMost"/> are kept.</summary>
    private async Task ReadAsync(
        Counted line,
        BillingPeriod span,
        EventPlace? after,
        int atMost,
        SortedSet<(EventPlace Place, LineEvent Event)> found,
        CancellationToken ct
    )
    {
        var request = new StreamEventsRequest
        {
            OrgId = tenant.RequireOrg().ToString(),
            Customer = line.Customer,
            From = Timestamp.FromDateTime(span.Start.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(span.End.ToDateTimeUtc()),
            Types_ = { line.Meter.EventType },
        };
        try
        {
            using var call = ingestion.StreamEvents(
                request,
                deadline: (TimeProvider.System.GetUtcNow() + Deadline).UtcDateTime,
                cancellationToken: ct
            );
            await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
            {
                var received = EventPlace.ReceivedAt(batch.BatchId.Span);
                foreach (var one in batch.Events)
                {
                    var place = EventPlace.Of(one);
                    if ((after is { } last && place.CompareTo(last) <= 0) || !Counts(line, one, received))
                        continue;
                    if (found.Count >= atMost && place.CompareTo(found.Max.Place) > 0)
                        continue;
                    found.Add((place, ToEvent(one, received)));
                    if (found.Count > atMost)
                        found.Remove(found.Max);
                }
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again.")
            );
        }
    }

    private static LineEvent ToEvent(UsageEvent one, Instant received) =>
        new(
            one.IdempotencyKey,
            one.Type,
            Buckets.FromMicroseconds(one.TimestampUs),
            received,
            Encoding.UTF8.GetString(one.Properties.Span)
        );

    private static bool Counts(Counted line, UsageEvent one, Instant received)
    {
        if (one.Corrects is { Replaces: false } || line.Meter.Measure(one.Type, one.Properties.Span, one.TimestampUs) is null)
            return false;
        var corrected = one.CorrectedBy.Length > 0 ? EventPlace.ReceivedAt(one.CorrectedBy.Span) : (Instant?)null;
        return line.FinalizedAt is { } final ? received < final && !(corrected < final) : corrected is null;
    }
}
