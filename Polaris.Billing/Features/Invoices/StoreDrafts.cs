using NodaTime;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>What of a subscription's row drafting may change: its next period, and whether it is held.</summary>
internal sealed record SubscriptionProgress(
    Instant? NextPeriodStart,
    Instant? NextPeriodEnd,
    Instant? HeldUntil,
    string? HeldCode,
    string? HeldMessage,
    int HeldTries
)
{
    public static SubscriptionProgress Of(SubscriptionRow row) =>
        new(row.NextPeriodStart, row.NextPeriodEnd, row.HeldUntil, row.HeldCode, row.HeldMessage, row.HeldTries);
}

/// <summary>What drafting made, and the subscriptions that it changed.</summary>
internal sealed record DraftedRows(
    IReadOnlyList<InvoiceRow> Invoices,
    IReadOnlyList<OutboxRow> Events,
    IReadOnlyList<SubscriptionRow> Subscriptions
)
{
    public static readonly DraftedRows None = new([], [], []);
}

/// <summary>
/// Stores what drafting made: new invoices, their lines and events, and their subscriptions' next periods, in a statement each for the
/// whole chunk, where EF would send one for each row, and follow each of their values.
/// </summary>
internal static class StoreDrafts
{
    /// <summary>The caller is inside the org's transaction.</summary>
    public static async Task SaveAsync(ScopedTransaction tx, Guid org, DraftedRows rows, CancellationToken ct)
    {
        await InsertInvoicesAsync(tx, org, [.. rows.Invoices], ct);
        await InsertLinesAsync(tx, org, [.. rows.Invoices.SelectMany(invoice => invoice.Lines)], ct);
        await Announce.StoreAsync(tx, rows.Events, ct);
        await UpdateSubscriptionsAsync(tx, org, [.. rows.Subscriptions], ct);
    }

    private static async Task InsertInvoicesAsync(ScopedTransaction tx, Guid org, InvoiceRow[] rows, CancellationToken ct)
    {
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO invoices (org_id, id, sequence, subscription_id, customer_key, status, currency, period_start, period_end, total,
              tax, plan_version_id, plan_version_hash, plan_version_hashes, engine_version, result_hash, stale, created_at, drafted_at,
              reissues_id, amount_due, balance_applied, credits_applied, credited, amount_paid)
            SELECT $1, i.id, i.sequence, i.subscription_id, i.customer_key, 'draft', i.currency, i.period_start, i.period_end, i.total,
              i.tax, i.plan_version_id, i.plan_version_hash, string_to_array(i.plan_version_hashes, ','), i.engine_version, i.result_hash,
              false, i.created_at, i.drafted_at, i.reissues_id, 0, 0, 0, 0, 0
            FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::numeric[],
              $10::numeric[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::timestamptz[],
              $18::uuid[])
              i(id, sequence, subscription_id, customer_key, currency, period_start, period_end, total, tax, plan_version_id,
                plan_version_hash, plan_version_hashes, engine_version, result_hash, created_at, drafted_at, reissues_id)
            """
        );
        command
            .Bind(org)
            .BindColumn(rows, row => row.Id)
            .BindColumn(rows, row => row.Sequence)
            .BindColumn(rows, row => row.SubscriptionId)
            .BindColumn(rows, row => row.CustomerKey)
            .BindColumn(rows, row => row.Currency)
            .BindColumn(rows, row => row.PeriodStart)
            .BindColumn(rows, row => row.PeriodEnd)
            .BindColumn(rows, row => row.Total)
            .BindColumn(rows, row => row.Tax)
            .BindColumn(rows, row => row.PlanVersionId)
            .BindColumn(rows, row => row.PlanVersionHash)
            // Hashes have no comma, and an array of arrays must be of one length.
            .BindColumn(rows, row => row.PlanVersionHashes is { } hashes ? string.Join(',', hashes) : null)
            .BindColumn(rows, row => row.EngineVersion)
            .BindColumn(rows, row => row.ResultHash)
            .BindColumn(rows, row => row.CreatedAt)
            .BindColumn(rows, row => row.DraftedAt)
            .BindColumn(rows, row => row.ReissuesId);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task InsertLinesAsync(ScopedTransaction tx, Guid org, InvoiceLineRow[] rows, CancellationToken ct)
    {
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO invoice_lines (org_id, invoice_id, ordinal, kind, adjusts_invoice_id, adjusts_number, adjusts_kind, span_start,
              span_end, plan_version_id, charge, name, meter, quantity, unrounded_amount, amount, tax, event_count, event_digest,
              explanation)
            SELECT $1, l.invoice_id, l.ordinal, l.kind, l.adjusts_invoice_id, l.adjusts_number, l.adjusts_kind, l.span_start, l.span_end,
              l.plan_version_id, l.charge, l.name, l.meter, l.quantity, l.unrounded_amount, l.amount, l.tax, l.event_count, l.event_digest,
              l.explanation::jsonb
            FROM unnest($2::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[],
              $10::uuid[], $11::text[], $12::text[], $13::text[], $14::numeric[], $15::numeric[], $16::numeric[], $17::numeric[],
              $18::bigint[], $19::numeric[], $20::text[])
              l(invoice_id, ordinal, kind, adjusts_invoice_id, adjusts_number, adjusts_kind, span_start, span_end, plan_version_id, charge,
                name, meter, quantity, unrounded_amount, amount, tax, event_count, event_digest, explanation)
            """
        );
        command
            .Bind(org)
            .BindColumn(rows, row => row.InvoiceId)
            .BindColumn(rows, row => row.Ordinal)
            .BindColumn(rows, row => row.Kind)
            .BindColumn(rows, row => row.AdjustsInvoiceId)
            .BindColumn(rows, row => row.AdjustsNumber)
            .BindColumn(rows, row => row.AdjustsKind)
            .BindColumn(rows, row => row.SpanStart)
            .BindColumn(rows, row => row.SpanEnd)
            .BindColumn(rows, row => row.PlanVersionId)
            .BindColumn(rows, row => row.Charge)
            .BindColumn(rows, row => row.Name)
            .BindColumn(rows, row => row.Meter)
            .BindColumn(rows, row => row.Quantity)
            .BindColumn(rows, row => row.UnroundedAmount)
            .BindColumn(rows, row => row.Amount)
            .BindColumn(rows, row => row.Tax)
            .BindColumn(rows, row => row.EventCount)
            .BindColumn(rows, row => row.EventDigest)
            .BindColumn(rows, row => row.Explanation);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task UpdateSubscriptionsAsync(ScopedTransaction tx, Guid org, SubscriptionRow[] rows, CancellationToken ct)
    {
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            UPDATE subscriptions s SET next_period_start = n.next_period_start, next_period_end = n.next_period_end,
              held_until = n.held_until, held_code = n.held_code, held_message = n.held_message, held_tries = n.held_tries
            FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::int[])
              n(id, next_period_start, next_period_end, held_until, held_code, held_message, held_tries)
            WHERE s.org_id = $1 AND s.id = n.id
            """
        );
        command
            .Bind(org)
            .BindColumn(rows, row => row.Id)
            .BindColumn(rows, row => row.NextPeriodStart)
            .BindColumn(rows, row => row.NextPeriodEnd)
            .BindColumn(rows, row => row.HeldUntil)
            .BindColumn(rows, row => row.HeldCode)
            .BindColumn(rows, row => row.HeldMessage)
            .BindColumn(rows, row => row.HeldTries);
        await command.ExecuteNonQueryAsync(ct);
    }
}
