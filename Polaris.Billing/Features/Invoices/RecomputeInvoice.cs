using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A figure of an invoice line that differs when recomputed from raw events.</summary>
public sealed record RecomputationDifference(string Charge, string Field, string Stored, string Recomputed);

/// <summary>A later invoice, draft or final, with corrections of the recomputed one. A draft has no number.</summary>
public sealed record CorrectingInvoice(Guid InvoiceId, string? Number, string Status);

/// <param name="InvoiceId">The invoice.</param>
/// <param name="Identical">Whether everything is the same.</param>
/// <param name="ResultHash">The stored one.</param>
/// <param name="RecomputedHash">The one of now.</param>
/// <param name="Differences">Figure by figure.</param>
/// <param name="ChangedEvents">
/// Of a final invoice with a difference: the first events, by timestamp, that came or were taken back since.
/// </param>
/// <param name="ChangedEventCount">How many there are altogether; no more are counted than <see cref="ChangedEvents.MaxCounted"/>.</param>
/// <param name="CorrectedOn">Later invoices that carry the difference or a part of it.</param>
/// <param name="Settled">Nothing is left to invoice or give back: identical, or the difference is on final invoices.</param>
public sealed record Recomputation(
    Guid InvoiceId,
    bool Identical,
    string ResultHash,
    string RecomputedHash,
    IReadOnlyList<RecomputationDifference> Differences,
    IReadOnlyList<ChangedEvent> ChangedEvents,
    int ChangedEventCount,
    IReadOnlyList<CorrectingInvoice> CorrectedOn,
    bool Settled
);

/// <summary>
/// Verifies an invoice: rates it again from Ingestion's raw events, the plan version and the subscription, without aggregates, and compares
/// every figure. Of a final invoice that differs it names the events that came or were taken back since, and the later invoices that
/// correct it. Writes nothing.
/// </summary>
internal sealed class RecomputeInvoice(BillingDbContext db, UsageFromEvents usageFromEvents)
{
    /// <summary>Maximum number of later invoices that are named.</summary>
    public const int MaxCorrecting = 100;

    /// <exception cref="RefusedException">The org has no such invoice, or Ingestion is unavailable.</exception>
    public async Task<Recomputation> HandleAsync(Guid invoiceId, CancellationToken ct)
    {
        var (invoice, subscription, plans, earlier, invoiced) = await db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db
                        .Invoices.AsNoTracking()
                        .Include(row => row.Lines.OrderBy(line => line.Ordinal))
                        .SingleOrDefaultAsync(row => row.Id == invoiceId, token)
                    ?? throw new RefusedException(Refusal.NotFound("invoice"));
                var ids = row
                    .Lines.Where(line => line.AdjustsInvoiceId is not null)
                    .Select(line => line.AdjustsInvoiceId!.Value)
                    .Distinct()
                    .ToArray();
                var corrects =
                    ids.Length == 0
                        ? []
                        : await db
                            .Invoices.AsNoTracking()
                            .Include(row => row.Lines)
                            .Where(row => ids.Contains(row.Id))
                            .OrderBy(row => row.Sequence)
                            .ToListAsync(token);
                var subscribed = await db
                    .Subscriptions.AsNoTracking()
                    .SingleAsync(subscription => subscription.Id == row.SubscriptionId, token);
                await SubscriptionExtras.LoadAsync(
                    db,
                    [subscribed],
                    corrects.Select(earlier => earlier.PeriodStart).Append(row.PeriodStart).Min(),
                    token
                );
                return (
                    row,
                    subscribed,
                    await PlanCatalog.ReadAsync(db, Calendars.PlansOf(subscribed).Versions, token),
                    corrects,
                    await EarlierInvoices.InvoicedAsync(db, corrects, row.FinalizedAt, token)
                );
            },
            ct
        );
        var history = Calendars.PlansOf(subscription);

        var changed = invoice.FinalizedAt is { } final ? new ChangedEvents(final) : null;
        var now = new Dictionary<Guid, RatedInvoice>();
        foreach (var row in earlier.Append(invoice))
            now.Add(row.Id, await RateAsync(row));
        var rated = Adjustments.Seal(now[invoice.Id], [.. earlier.SelectMany(row => Adjustments.Between(invoiced[row.Id], now[row.Id]))]);
        var identical = rated.ResultHash == invoice.ResultHash;
        var (correcting, settled) =
            identical || invoice.FinalizedAt is null ? ([], identical) : await CorrectionsAsync(invoice, earlier, now, ct);
        return new Recomputation(
            invoice.Id,
            identical,
            invoice.ResultHash,
            rated.ResultHash,
            Compare(invoice, rated),
            identical ? [] : changed?.Named ?? [],
            identical ? 0 : changed?.Count ?? 0,
            correcting,
            settled
        );

        async Task<RatedInvoice> RateAsync(InvoiceRow row)
        {
            var period = new BillingPeriod(row.PeriodStart, row.PeriodEnd);
            var usage = new Dictionary<BilledSpan, PeriodUsage>();
            var versions = RatePeriod.VersionsOf(history, period, plans);
            Action<UsageBatch, UsageEvent>? seen = changed is null ? null : changed.See;
            foreach (var span in RatePeriod.SpansOf(row.EngineVersion, subscription, history, period, plans))
                usage.Add(span, await usageFromEvents.HandleAsync(row.CustomerKey, span, versions, ct, seen));
            return RatePeriod.Run(row.EngineVersion, subscription, history, period, plans, span => usage[span]);
        }
    }

    /// <summary>The later invoices that correct this one, and whether those that are final leave nothing to correct.</summary>
    private Task<(IReadOnlyList<CorrectingInvoice> On, bool Settled)> CorrectionsAsync(
        InvoiceRow invoice,
        IReadOnlyCollection<InvoiceRow> earlier,
        Dictionary<Guid, RatedInvoice> now,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var on = await db
                    .Invoices.AsNoTracking()
                    .Where(row => row.Status != InvoiceStatuses.Void && row.Lines.Any(line => line.AdjustsInvoiceId == invoice.Id))
                    .OrderBy(row => row.Sequence)
                    .Take(MaxCorrecting)
                    .Select(row => new CorrectingInvoice(row.Id, row.Number, row.Status))
                    .ToListAsync(token);
                InvoiceRow[] all = [.. earlier, invoice];
                var invoiced = await EarlierInvoices.InvoicedAsync(db, all, null, token);
                return (
                    (IReadOnlyList<CorrectingInvoice>)on,
                    Array.TrueForAll(
                        all,
                        row => row.Status == InvoiceStatuses.Void || Adjustments.Between(invoiced[row.Id], now[row.Id]).Count == 0
                    )
                );
            },
            ct
        );

    private static List<RecomputationDifference> Compare(InvoiceRow invoice, AdjustedInvoice rated)
    {
        var recomputed = rated
            .Own.Lines.Select(line => (Adjusts: (Guid?)null, Id: LineId.Of(line), Line: line))
            .Concat(
                rated.Adjustments.Select(adjustment =>
                    (Adjusts: (Guid?)adjustment.AdjustsInvoiceId, Id: adjustment.Adjusts, adjustment.Line)
                )
            )
            .ToDictionary(line => (line.Adjusts, line.Id), line => line.Line);
        var differences = new List<RecomputationDifference>();
        foreach (var stored in invoice.Lines)
        {
            // An adjustment that is no longer needed amounts to zero.
            recomputed.Remove((stored.AdjustsInvoiceId, InvoiceRows.IdOf(stored)), out var line);
            Check(Name(InvoiceRows.IdOf(stored), stored.AdjustsNumber), stored, line);
        }

        foreach (var ((adjusts, id), line) in recomputed)
            Check(
                Name(id, rated.Adjustments.FirstOrDefault(adjustment => adjustment.AdjustsInvoiceId == adjusts)?.AdjustsNumber),
                new InvoiceLineRow(),
                line
            );
        return differences;

        static string Name(LineId line, string? adjusts) =>
            line.Charge + (line.From is { } from ? $" from {from}" : "") + (adjusts is null ? "" : $", correction of {adjusts}");

        void Check(string charge, InvoiceLineRow stored, RatedLine? line)
        {
            Differs(charge, "quantity", stored.Quantity, line?.Usage.Quantity, RatingEngine.Text);
            Differs(charge, "unroundedAmount", stored.UnroundedAmount, line?.UnroundedAmount, RatingEngine.Text);
            Differs(charge, "amount", stored.Amount, line?.Amount, InvoiceRows.Text);
            Differs(charge, "tax", stored.Tax, line?.Tax, InvoiceRows.Text);
            Differs(charge, "eventCount", stored.EventCount, line?.Usage.EventCount, InvoiceRows.Text);
            Differs(charge, "eventDigest", stored.EventDigest, line?.Usage.EventDigest, InvoiceRows.Text);
        }

        void Differs(string charge, string field, decimal stored, decimal? recomputed, Func<decimal, string> text)
        {
            if (stored != (recomputed ?? 0))
                differences.Add(new RecomputationDifference(charge, field, text(stored), text(recomputed ?? 0)));
        }
    }
}
