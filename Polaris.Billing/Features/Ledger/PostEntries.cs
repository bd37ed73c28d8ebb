using NodaTime;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Ledger;

/// <summary>An entry to write: a debit when positive, else a credit; nothing when 0.</summary>
internal sealed record Posting(
    Guid Transaction,
    string Customer,
    string Currency,
    string Account,
    decimal Amount,
    string Kind,
    Guid? Invoice = null,
    Guid? CreditNote = null,
    Guid? Grant = null
);

/// <summary>Writes ledger entries and the balances of their accounts in one statement. The caller holds <see cref="OrgBooks"/>.</summary>
internal static class PostEntries
{
    /// <exception cref="InvalidOperationException">A transaction does not sum to zero.</exception>
    public static async Task PostAsync(ScopedTransaction tx, Guid org, IEnumerable<Posting> postings, Instant now, CancellationToken ct)
    {
        var rows = postings.Where(posting => posting.Amount != 0).ToArray();
        foreach (var transaction in rows.GroupBy(posting => (posting.Transaction, posting.Currency, posting.Customer)))
            if (transaction.Sum(posting => posting.Amount) is var sum and not 0)
                throw new InvalidOperationException($"Entries of {transaction.Key} sum to {sum}.");
        if (rows.Length == 0)
            return;
        // The database checks the same again: an entry of a transaction that does not sum to zero gets no amount, which the table refuses.
        await using var command = tx.Command(
            """
            WITH numbers AS (
              UPDATE orgs SET next_ledger_entry = next_ledger_entry + $2 WHERE org_id = $1 RETURNING next_ledger_entry - $2 AS first),
            entries AS (
              SELECT numbers.first + e.n - 1 AS id, e.transaction_id, e.customer_key, e.currency, e.account, e.kind, e.invoice_id,
                e.credit_note_id, e.grant_id,
                CASE WHEN sum(e.amount) OVER (PARTITION BY e.transaction_id, e.currency) = 0 THEN e.amount END AS amount
              FROM numbers, unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::numeric[], $9::text[], $10::uuid[], $11::uuid[],
                $12::uuid[]) WITH ORDINALITY
                e(transaction_id, customer_key, currency, account, amount, kind, invoice_id, credit_note_id, grant_id, n)),
            written AS (
              INSERT INTO ledger_entries (org_id, id, transaction_id, customer_key, currency, account, amount, kind, invoice_id,
                credit_note_id, grant_id, created_at)
              SELECT $1, id, transaction_id, customer_key, currency, account, amount, kind, invoice_id, credit_note_id, grant_id, $3
              FROM entries)
            INSERT INTO account_balances AS b (org_id, customer_key, currency, account, amount)
            SELECT $1, customer_key, currency, account, sum(amount) FROM entries GROUP BY customer_key, currency, account
            ON CONFLICT (org_id, customer_key, currency, account) DO UPDATE SET amount = b.amount + excluded.amount
            """
        );
        command
            .Bind(org)
            .Bind((long)rows.Length)
            .Bind(now)
            .BindColumn(rows, row => row.Transaction)
            .BindColumn(rows, row => row.Customer)
            .BindColumn(rows, row => row.Currency)
            .BindColumn(rows, row => row.Account)
            .BindColumn(rows, row => row.Amount)
            .BindColumn(rows, row => row.Kind)
            .BindColumn(rows, row => row.Invoice)
            .BindColumn(rows, row => row.CreditNote)
            .BindColumn(rows, row => row.Grant);
        await command.ExecuteNonQueryAsync(ct);
    }
}
