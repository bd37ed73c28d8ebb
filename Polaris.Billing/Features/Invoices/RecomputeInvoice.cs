using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A figure of an invoice line that differs when recomputed from raw events.</summary>
public sealed record RecomputationDifference(string Charge, string Field, string Stored, string Recomputed);

public sealed record Recomputation(
    Guid InvoiceId,
    bool Identical,
    string ResultHash,
    string RecomputedHash,
    IReadOnlyList<RecomputationDifference> Differences
);

/// <summary>
/// Verifies an invoice: rates it again from Ingestion's raw events, the plan version and the subscription, without aggregates, and compares
/// every figure. Writes nothing.
/// </summary>
internal sealed class RecomputeInvoice(BillingDbContext db, UsageFromEvents usageFromEvents)
{
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

        var adjustments = new List<AdjustmentLine>();
        foreach (var row in earlier)
            adjustments.AddRange(Adjustments.Between(invoiced[row.Id], await RateAsync(row)));
        var rated = Adjustments.Seal(await RateAsync(invoice), adjustments);
        return new Recomputation(
            invoice.Id,
            rated.ResultHash == invoice.ResultHash,
            invoice.ResultHash,
            rated.ResultHash,
            Compare(invoice, rated)
        );

        async Task<RatedInvoice> RateAsync(InvoiceRow row)
        {
            var period = new BillingPeriod(row.PeriodStart, row.PeriodEnd);
            var usage = new Dictionary<BilledSpan, PeriodUsage>();
            var versions = RatePeriod.VersionsOf(history, period, plans);
            foreach (var span in RatePeriod.SpansOf(row.EngineVersion, subscription, history, period, plans))
                usage.Add(span, await usageFromEvents.HandleAsync(row.CustomerKey, span, versions, ct));
            return RatePeriod.Run(row.EngineVersion, subscription, history, period, plans, span => usage[span]);
        }
    }

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
