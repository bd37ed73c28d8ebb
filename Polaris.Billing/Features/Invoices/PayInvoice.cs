using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Notes that a customer paid what was due of an invoice, or that it did not after all. The same again changes nothing.
/// </summary>
internal sealed class PayInvoice(BillingDbContext db, TenantScope tenant, OrgClocks clocks, TimeProvider time)
{
    /// <param name="id">The invoice.</param>
    /// <param name="at">When it was paid, not after the org's time; null for now.</param>
    /// <param name="reference">The payment's, for people; null for none.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="RefusedException">It is a draft, void, or paid with another time or reference.</exception>
    public Task<InvoiceRow> PaidAsync(Guid id, Instant? at, string? reference, CancellationToken ct)
    {
        if (at is { } stated)
            StatedDates.Check("at", stated);
        if (reference is not null)
            StatedTexts.Check("reference", reference, StatedTexts.MaxReferenceLength);
        return db.InTransactionAsync(
            async token =>
            {
                var row = await FinalInvoice.TakeAsync(db, tenant.RequireOrg(), id, "id", token);
                if (row.Status == InvoiceStatuses.Void)
                    throw FinalInvoice.IsVoid("id");
                if (row.Status == InvoiceStatuses.Paid)
                    return (at is null || at == row.PaidAt) && (reference is null || reference == row.PaymentReference)
                        ? row
                        : throw new RefusedException(
                            Refusal.Conflict("already_paid", $"The invoice was paid at {row.PaidAt}. Mark it unpaid first.", "id")
                        );
                var now = await clocks.NowAsync(token);
                if (at > now)
                    throw new RefusedException(Refusal.Invalid("at", "out_of_range", $"'at' must not be after {now}, the org's time."));
                await MoveAsync(row, row.AmountDue, LedgerKinds.Payment, token);
                (row.Status, row.PaidAt, row.PaymentReference) = (InvoiceStatuses.Paid, at ?? now, reference);
                Announce.Add(db, row.OrgId, time.GetUtcNow(), Announce.Paid(row));
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    /// <summary>Takes a payment back: it is due again.</summary>
    /// <exception cref="RefusedException">It is a draft or void.</exception>
    public Task<InvoiceRow> UnpaidAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row = await FinalInvoice.TakeAsync(db, tenant.RequireOrg(), id, "id", token);
                if (row.Status == InvoiceStatuses.Void)
                    throw FinalInvoice.IsVoid("id");
                if (row.Status == InvoiceStatuses.Finalized)
                    return row;
                await MoveAsync(row, -row.AmountPaid, LedgerKinds.Unpayment, token);
                var paidAt = row.PaidAt!.Value;
                (row.Status, row.PaidAt, row.PaymentReference) = (InvoiceStatuses.Finalized, null, null);
                Announce.Add(db, row.OrgId, time.GetUtcNow(), Announce.Unpaid(row, paidAt, await clocks.NowAsync(token)));
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private async Task MoveAsync(InvoiceRow row, decimal amount, string kind, CancellationToken ct)
    {
        var transaction = Guid.CreateVersion7(time.GetUtcNow());
        await using var tx = db.BorrowTransaction();
        await PostEntries.PostAsync(
            tx,
            row.OrgId,
            [Post(LedgerAccounts.Cash, amount), Post(LedgerAccounts.Receivable, -amount)],
            time.GetCurrentInstant(),
            ct
        );
        row.AmountPaid += amount;
        row.AmountDue -= amount;

        Posting Post(string account, decimal posted) => new(transaction, row.CustomerKey, row.Currency, account, posted, kind, row.Id);
    }
}
