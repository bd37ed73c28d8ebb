using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Voids a finalized, unpaid invoice: everything it posted is reversed, so the balance and the prepaid credits it used are the customer's
/// again. Corrections of earlier invoices that it carried go to the next draft. An invoice that a later final one corrects stays: that one
/// is voided first, so a correction is neither lost nor charged twice (docs/adr/0024-void-invoices.md). Voiding it again changes nothing.
/// </summary>
internal sealed class VoidInvoice(BillingDbContext db, TenantScope tenant, InvoiceSignal signal, TimeProvider time)
{
    public async Task<InvoiceRow> HandleAsync(Guid id, string reason, CancellationToken ct)
    {
        StatedTexts.Check("reason", reason, StatedTexts.MaxReasonLength);
        var invoice = await db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                await using var tx = db.BorrowTransaction();
                // Drafts read which invoices are final, and one may carry a correction of this one.
                await OrgLock.TakeExclusiveAsync(tx, org, token);
                var row = await FinalInvoice.TakeAsync(db, org, id, "id", token);
                if (row.Status == InvoiceStatuses.Void)
                    return row;
                await CheckAsync(row, token);
                await ReverseAsync(tx, row, token);
                (row.Status, row.VoidedAt, row.VoidReason) = (InvoiceStatuses.Void, time.GetCurrentInstant(), reason);
                (row.AmountDue, row.BalanceApplied, row.CreditsApplied, row.Stale) = (0, 0, 0, false);
                await PassOnCorrectionsAsync(row, token);
                Announce.Add(db, org, time.GetUtcNow(), Announce.Voided(row));
                await db.SaveChangesAsync(token);
                await EarlierInvoices.MarkDraftsAsync(db, org, token);
                return row;
            },
            ct
        );
        signal.Wake();
        return invoice;
    }

    private async Task CheckAsync(InvoiceRow row, CancellationToken ct)
    {
        if (row.Status == InvoiceStatuses.Paid)
            throw new RefusedException(
                Refusal.Conflict("invoice_paid", "The invoice is paid: mark it unpaid first, or create a credit note.", "id")
            );
        if (row.CreditNotes.Count > 0)
            throw new RefusedException(
                Refusal.Conflict("has_credit_notes", "The invoice has credit notes: create one for the rest instead.", "id")
            );
        var later = await db
            .Invoices.Where(other => other.Status == InvoiceStatuses.Finalized || other.Status == InvoiceStatuses.Paid)
            .Where(other => other.Lines.Any(line => line.AdjustsInvoiceId == row.Id))
            .OrderBy(other => other.Sequence)
            .Select(other => other.Number)
            .FirstOrDefaultAsync(ct);
        if (later is not null)
            throw new RefusedException(
                Refusal.Conflict(
                    "corrected_later",
                    $"Invoice {later} corrects this one: void that one first, or create a credit note.",
                    "id"
                )
            );
    }

    private async Task ReverseAsync(ScopedTransaction tx, InvoiceRow row, CancellationToken ct)
    {
        var (now, transaction) = (time.GetCurrentInstant(), Guid.CreateVersion7(time.GetUtcNow()));
        var posted = await PostedAsync(tx, row, ct);
        await CheckBalanceAsync(row, -posted.Where(sum => sum.Account == LedgerAccounts.Balance).Sum(sum => sum.Amount), ct);
        var postings = posted.Select(sum => Post(sum.Account, -sum.Amount, LedgerKinds.Void, sum.Grant)).ToList();
        var drawn = posted
            .Where(sum => sum.Account == LedgerAccounts.Prepaid && sum.Grant is not null)
            .ToDictionary(sum => sum.Grant!.Value, sum => sum.Amount);
        Guid[] grants = [.. drawn.Keys];
        foreach (var grant in await db.CreditGrants.Where(grant => grants.Contains(grant.Id)).ToListAsync(ct))
            if (grant.VoidedAt is null)
            {
                grant.Remaining += drawn[grant.Id];
            }
            else
            {
                // What comes back to a void grant is void too.
                postings.Add(Post(LedgerAccounts.Prepaid, drawn[grant.Id], LedgerKinds.GrantVoid, grant.Id));
                postings.Add(Post(LedgerAccounts.Granted, -drawn[grant.Id], LedgerKinds.GrantVoid, grant.Id));
            }

        await PostEntries.PostAsync(tx, row.OrgId, postings, now, ct);

        Posting Post(string account, decimal amount, string kind, Guid? grant) =>
            new(transaction, row.CustomerKey, row.Currency, account, amount, kind, row.Id, Grant: grant);
    }

    /// <summary>A negative total went to the balance, which may be spent since.</summary>
    private async Task CheckBalanceAsync(InvoiceRow row, decimal change, CancellationToken ct)
    {
        if (change <= 0)
            return;
        var balance = await db
            .AccountBalances.Where(account =>
                account.CustomerKey == row.CustomerKey && account.Currency == row.Currency && account.Account == LedgerAccounts.Balance
            )
            .SumAsync(account => account.Amount, ct);
        if (balance + change > 0)
            throw new RefusedException(
                Refusal.Conflict("balance_used", "The credit of this invoice was used by a later one: void that one first.", "id")
            );
    }

    private static async Task<List<(string Account, Guid? Grant, decimal Amount)>> PostedAsync(
        ScopedTransaction tx,
        InvoiceRow row,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT account, grant_id, sum(amount) FROM ledger_entries WHERE org_id = $1 AND invoice_id = $2
            GROUP BY account, grant_id HAVING sum(amount) <> 0 ORDER BY account, grant_id
            """
        );
        var posted = new List<(string, Guid?, decimal)>();
        await using var reader = await command.Bind(row.OrgId).Bind(row.Id).ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            posted.Add((reader.GetString(0), await reader.IsDBNullAsync(1, ct) ? null : reader.GetGuid(1), reader.GetDecimal(2)));
        return posted;
    }

    /// <summary>
    /// What it corrected of earlier invoices is not invoiced any more: they are stale again. A draft that corrects it is made anew without.
    /// </summary>
    private async Task PassOnCorrectionsAsync(InvoiceRow row, CancellationToken ct)
    {
        var corrected = row
            .Lines.Where(line => line.AdjustsInvoiceId is not null)
            .Select(line => line.AdjustsInvoiceId!.Value)
            .Distinct()
            .ToArray();
        var touched = await db
            .Invoices.Where(other =>
                (corrected.Contains(other.Id) && (other.Status == InvoiceStatuses.Finalized || other.Status == InvoiceStatuses.Paid))
                || (other.Status == InvoiceStatuses.Draft && other.Lines.Any(line => line.AdjustsInvoiceId == row.Id))
            )
            .ToListAsync(ct);
        foreach (var other in touched)
            other.Stale = true;
    }
}
