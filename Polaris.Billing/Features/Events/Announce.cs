using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Npgsql;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Events;

/// <summary>
/// Announces what happened: a row of the outbox, in the transaction that does it, so that there is an event exactly when the change is
/// committed. <c>BillingEventRelay</c> publishes an org's events in the order of their ids, which is that of time.
/// </summary>
internal static class Announce
{
    /// <summary>Adds the event to the context; the caller saves it with the change. It is published as soon as that is committed.</summary>
    /// <param name="db">In the transaction of the change.</param>
    /// <param name="org">The org.</param>
    /// <param name="now">The time, by the real clock.</param>
    /// <param name="happened">The event's own message; id, org and time are set here.</param>
    public static void Add(BillingDbContext db, Guid org, DateTimeOffset now, BillingEvent happened)
    {
        db.Outbox.Add(Row(org, now, happened));
        WakeRelay(db);
    }

    /// <summary>Has the relay look as soon as the current transaction is committed, for whoever stores rows by SQL.</summary>
    public static void WakeRelay(BillingDbContext db) =>
        db.WakeAfterCommit = db.GetService<IDbContextOptions>()
            .FindExtension<CoreOptionsExtension>()
            ?.ApplicationServiceProvider?.GetService<OutboxSignal>();

    /// <summary>The row of an event, for whoever stores it by SQL.</summary>
    public static OutboxRow Row(Guid org, DateTimeOffset now, BillingEvent happened)
    {
        var id = Guid.CreateVersion7(now);
        happened.EventId = id.ToString();
        happened.OrgId = org.ToString();
        happened.OccurredAt = Timestamp.FromDateTimeOffset(now);
        return new OutboxRow
        {
            OrgId = org,
            EventId = id,
            Message = happened.ToByteArray(),
            TraceLinks = TraceLinks.Write([TraceLinks.Current]),
        };
    }

    /// <summary>Stores rows of the outbox in one statement.</summary>
    public static async Task StoreAsync(ScopedTransaction tx, IReadOnlyList<OutboxRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO outbox (org_id, event_id, message, trace_links)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[])
            """
        );
        command
            .BindColumn(rows, row => row.OrgId)
            .BindColumn(rows, row => row.EventId)
            .BindColumn(rows, row => row.Message)
            .BindColumn(rows, row => row.TraceLinks);
        await command.ExecuteNonQueryAsync(ct);
    }

    public static BillingEvent Finalized(InvoiceRow invoice) =>
        new()
        {
            InvoiceFinalized = new InvoiceFinalized
            {
                InvoiceId = invoice.Id.ToString(),
                Number = invoice.Number,
                Customer = invoice.CustomerKey,
                Currency = invoice.Currency,
                Total = Text(invoice.Total),
                PeriodStart = At(invoice.PeriodStart),
                PeriodEnd = At(invoice.PeriodEnd),
                FinalizedAt = At(invoice.FinalizedAt!.Value),
            },
        };

    public static BillingEvent Paid(InvoiceRow invoice) =>
        new()
        {
            InvoicePaid = new InvoicePaid
            {
                InvoiceId = invoice.Id.ToString(),
                Number = invoice.Number,
                Customer = invoice.CustomerKey,
                Currency = invoice.Currency,
                Total = Text(invoice.Total),
                PaidAt = At(invoice.PaidAt!.Value),
            },
        };

    /// <param name="invoice">The invoice, due again.</param>
    /// <param name="paidAt">When the payment that is taken back was made.</param>
    /// <param name="at">When it was taken back.</param>
    public static BillingEvent Unpaid(InvoiceRow invoice, Instant paidAt, Instant at) =>
        new()
        {
            InvoiceUnpaid = new InvoiceUnpaid
            {
                InvoiceId = invoice.Id.ToString(),
                Number = invoice.Number,
                Customer = invoice.CustomerKey,
                Currency = invoice.Currency,
                Total = Text(invoice.Total),
                AmountDue = Text(invoice.AmountDue),
                PaidAt = At(paidAt),
                UnpaidAt = At(at),
            },
        };

    public static BillingEvent Voided(InvoiceRow invoice) =>
        new()
        {
            InvoiceVoided = new InvoiceVoided
            {
                InvoiceId = invoice.Id.ToString(),
                Number = invoice.Number,
                Customer = invoice.CustomerKey,
                Currency = invoice.Currency,
                Total = Text(invoice.Total),
                VoidedAt = At(invoice.VoidedAt!.Value),
                Reason = invoice.VoidReason ?? "",
            },
        };

    public static BillingEvent Created(CreditNoteRow note, InvoiceRow invoice) =>
        new()
        {
            CreditNoteCreated = new CreditNoteCreated
            {
                CreditNoteId = note.Id.ToString(),
                Number = note.Number,
                InvoiceId = invoice.Id.ToString(),
                InvoiceNumber = invoice.Number,
                Customer = invoice.CustomerKey,
                Currency = note.Currency,
                Total = Text(note.Amount),
                CreatedAt = At(note.CreatedAt),
            },
        };

    public static BillingEvent Created(SubscriptionRow row) =>
        new()
        {
            SubscriptionCreated = new SubscriptionCreated
            {
                SubscriptionId = row.Id.ToString(),
                Customer = row.CustomerKey,
                Plan = row.PlanKey,
                PlanVersionId = row.PlanVersionId.ToString(),
                Start = At(row.StartAt),
                TrialEnd = AtOrNone(row.TrialEnd),
                End = AtOrNone(row.EndAt),
            },
        };

    /// <param name="row">The subscription.</param>
    /// <param name="change">One of <see cref="SubscriptionChanges"/>.</param>
    /// <param name="at">When it takes effect.</param>
    /// <param name="plan">Its plan version from then on, of another plan version.</param>
    public static BillingEvent Changed(SubscriptionRow row, string change, Instant at, PlanChangeRow? plan = null) =>
        new()
        {
            SubscriptionChanged = new SubscriptionChanged
            {
                SubscriptionId = row.Id.ToString(),
                Customer = row.CustomerKey,
                Change = change,
                At = At(at),
                Plan = plan?.PlanKey ?? "",
                PlanVersionId = plan?.PlanVersionId.ToString() ?? "",
            },
        };

    public static BillingEvent Ended(SubscriptionRow row) =>
        new()
        {
            SubscriptionEnded = new SubscriptionEnded
            {
                SubscriptionId = row.Id.ToString(),
                Customer = row.CustomerKey,
                End = At(row.EndAt!.Value),
            },
        };

    public static BillingEvent Created(CustomerRow row) =>
        new()
        {
            CustomerCreated = new CustomerCreated
            {
                CustomerId = row.Id.ToString(),
                Customer = row.Key,
                Name = row.Name,
                Email = row.Email ?? "",
            },
        };

    public static BillingEvent Updated(CustomerRow row) =>
        new()
        {
            CustomerUpdated = new CustomerUpdated
            {
                CustomerId = row.Id.ToString(),
                Customer = row.Key,
                Name = row.Name,
                Email = row.Email ?? "",
                Archived = row.ArchivedAt is not null,
            },
        };

    public static Timestamp At(Instant at) => Timestamp.FromDateTime(at.ToDateTimeUtc());

    public static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);

    private static Timestamp? AtOrNone(Instant? at) => at is { } known ? At(known) : null;
}

/// <summary>What <see cref="SubscriptionChanged.Change"/> says.</summary>
internal static class SubscriptionChanges
{
    public const string Plan = "plan";
    public const string ChangeCanceled = "change_canceled";
    public const string Paused = "paused";
    public const string Resumed = "resumed";
    public const string EndUndone = "end_undone";
}
