using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Finalized invoices whose period changed afterwards. Such an invoice is stale until a draft carries the difference: the first draft of
/// the same subscription for a later period, else the next draft created, else (the subscription has ended) a draft of its own.
/// </summary>
internal static class EarlierInvoices
{
    /// <summary>
    /// Marks drafts stale that can adjust a changed earlier invoice. The first condition is one look at the index of stale invoices, so
    /// that an org with many drafts and nothing to adjust does not have all of them read for each chunk.
    /// </summary>
    public static Task MarkDraftsAsync(BillingDbContext db, Guid org, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            UPDATE invoices d SET stale = true WHERE d.org_id = {org} AND d.status = 'draft' AND NOT d.stale
              AND EXISTS (SELECT 1 FROM invoices f WHERE f.org_id = {org} AND f.stale AND f.status IN ('finalized', 'paid'))
              AND EXISTS (
              SELECT 1 FROM invoices i WHERE i.org_id = {org} AND i.subscription_id = d.subscription_id AND i.period_start < d.period_start
                AND i.stale AND i.status IN ('finalized', 'paid') AND i.engine_version = ANY({RatingEngine.Versions}))
            """,
            ct
        );

    /// <summary>The earlier invoices that each draft adjusts: those that changed, and those that it already adjusts.</summary>
    public static async Task<ILookup<(Guid Subscription, Guid? Draft), InvoiceRow>> OfAsync(
        BillingDbContext db,
        IReadOnlyCollection<(Guid Subscription, InvoiceRow? Draft)> places,
        CancellationToken ct
    )
    {
        var subscriptions = places.Select(place => place.Subscription).Distinct().ToArray();
        var corrected = places
            .Where(place => place.Draft is not null)
            .SelectMany(place =>
                place
                    .Draft!.Lines.Where(line => line.AdjustsInvoiceId is not null)
                    .Select(line => (Earlier: line.AdjustsInvoiceId!.Value, Draft: place.Draft.Id))
            )
            .Distinct()
            .ToDictionary(pair => pair.Earlier, pair => pair.Draft);
        var changed = await StaleInvoices
            .Final(db)
            .Where(row => subscriptions.Contains(row.SubscriptionId))
            .Include(row => row.Lines)
            .ToListAsync(ct);
        var again = corrected.Keys.Except(changed.Select(row => row.Id)).ToArray();
        if (again.Length > 0)
            changed.AddRange(
                await db
                    .Invoices.Where(row => again.Contains(row.Id) && row.Status != InvoiceStatuses.Void)
                    .Include(row => row.Lines)
                    .ToListAsync(ct)
            );
        if (changed.Count == 0)
            return changed.ToLookup(row => (row.SubscriptionId, (Guid?)null));

        var drafts = (
            await db
                .Invoices.Where(row => subscriptions.Contains(row.SubscriptionId) && row.Status == InvoiceStatuses.Draft)
                .Select(row => new
                {
                    row.SubscriptionId,
                    row.Id,
                    row.PeriodStart,
                    row.Sequence,
                })
                .ToListAsync(ct)
        ).ToLookup(row => row.SubscriptionId);
        return changed
            .OrderBy(row => row.Sequence)
            .ToLookup(row =>
                (
                    row.SubscriptionId,
                    corrected.TryGetValue(row.Id, out var draft)
                        ? draft
                        : drafts[row.SubscriptionId]
                            .Where(later => later.PeriodStart > row.PeriodStart)
                            .OrderBy(later => later.Sequence)
                            .FirstOrDefault()
                            ?.Id
                )
            );
    }

    /// <summary>What was invoiced so far for each: its own lines plus their adjustments on finalized invoices.</summary>
    /// <param name="db">Inside a transaction.</param>
    /// <param name="earlier">The invoices, with their lines.</param>
    /// <param name="before">
    /// As known to a draft that was finalized at this time: adjustments on invoices that were final before it, and not void by then. Null
    /// for those that are final now.
    /// </param>
    /// <param name="ct">Cancels.</param>
    public static async Task<Dictionary<Guid, InvoicedPeriod>> InvoicedAsync(
        BillingDbContext db,
        IReadOnlyCollection<InvoiceRow> earlier,
        Instant? before,
        CancellationToken ct
    )
    {
        var ids = earlier.Select(row => row.Id).ToArray();
        var adjustments =
            ids.Length == 0
                ? []
                : await db
                    .Invoices.AsNoTracking()
                    .Where(row =>
                        before == null
                            ? row.Status == InvoiceStatuses.Finalized || row.Status == InvoiceStatuses.Paid
                            : row.FinalizedAt < before && (row.VoidedAt == null || row.VoidedAt > before)
                    )
                    .SelectMany(
                        row => row.Lines.Where(line => line.AdjustsInvoiceId != null && ids.Contains(line.AdjustsInvoiceId.Value)),
                        (row, line) => new { row.Sequence, Line = line }
                    )
                    .ToListAsync(ct);
        var byLine = adjustments
            .OrderBy(adjustment => adjustment.Sequence)
            .ToLookup(
                adjustment => (adjustment.Line.AdjustsInvoiceId!.Value, InvoiceRows.IdOf(adjustment.Line)),
                adjustment => adjustment.Line
            );
        return earlier.ToDictionary(
            row => row.Id,
            row => new InvoicedPeriod(
                row.Id,
                row.Number!,
                [
                    .. row
                        .Lines.Where(line => line.Kind != InvoiceLineKinds.Adjustment)
                        .OrderBy(line => line.Ordinal)
                        .Select(line => Sum(line, byLine[(row.Id, InvoiceRows.IdOf(line))])),
                ]
            )
        );
    }

    // Quantities and amounts add up; count and digest cover all events, so the last one applies.
    private static InvoicedCharge Sum(InvoiceLineRow line, IEnumerable<InvoiceLineRow> adjustments) =>
        adjustments.Aggregate(
            new InvoicedCharge(
                InvoiceRows.IdOf(line),
                line.Quantity,
                line.Amount,
                line.Tax,
                line.EventCount,
                decimal.ToUInt64(line.EventDigest)
            ),
            (sum, next) =>
                new InvoicedCharge(
                    sum.Line,
                    sum.Quantity + next.Quantity,
                    sum.Amount + next.Amount,
                    sum.Tax + next.Tax,
                    next.EventCount,
                    decimal.ToUInt64(next.EventDigest)
                )
        );
}
