using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using NodaTime;
using Duration = NodaTime.Duration;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Plans.Domain;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Drafts the invoices of an org's ended periods, and replaces drafts that more usage came for. It holds the org's lock alone, so usage is
/// either in the aggregates it reads or marks the draft stale afterwards.
/// </summary>
internal sealed class DraftInvoices(
    BillingDbContext db, TenantScope tenant, OrgClocks clocks, BillingEventRelay relay, IOptions<BillingOptions> options, TimeProvider time)
{
    /// <summary>Invoices of one transaction; the org's usage waits that long.</summary>
    public const int ChunkSize = 200;

    private sealed record Work(SubscriptionRow Subscription, BillingPeriod Period, InvoiceRow? Draft);

    /// <summary>Drafts or replaces up to <see cref="ChunkSize"/> invoices; returns how many.</summary>
    public async Task<int> DraftSomeAsync(CancellationToken ct)
    {
        var done = await db.InTransactionAsync(async token =>
        {
            await using var tx = Transaction(db);
            await UsageSql.LockOrgAloneAsync(tx, tenant.RequireOrg(), token);
            var work = await DueAsync(token);
            if (work.Count < ChunkSize) work.AddRange(await StaleAsync(ChunkSize - work.Count, token));
            return work.Count == 0 ? 0 : await DraftAsync(tx, work, token);
        }, ct);
        if (done > 0) relay.Wake();
        return done;
    }

    private async Task<List<Work>> DueAsync(CancellationToken ct)
    {
        var endedBefore = await clocks.NowAsync(ct) - Duration.FromTimeSpan(options.Value.Grace);
        var due = await db.Subscriptions.Where(row => row.NextPeriodEnd <= endedBefore)
            .OrderBy(row => row.NextPeriodEnd).ThenBy(row => row.CustomerKey).Take(ChunkSize).ToListAsync(ct);
        return [.. due.Select(row => new Work(row, new BillingPeriod(row.NextPeriodStart!.Value, row.NextPeriodEnd!.Value), null))];
    }

    private async Task<List<Work>> StaleAsync(int atMost, CancellationToken ct)
    {
        var drafts = await db.Invoices.Include(row => row.Lines).Where(row => row.Stale && row.Status == InvoiceStatuses.Draft)
            .OrderBy(row => row.Number).Take(atMost).ToListAsync(ct);
        var ids = drafts.Select(draft => draft.SubscriptionId).Distinct().ToArray();
        var subscriptions = await db.Subscriptions.Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, ct);
        return [.. drafts.Select(draft => new Work(subscriptions[draft.SubscriptionId], new BillingPeriod(draft.PeriodStart, draft.PeriodEnd), draft))];
    }

    private async Task<int> DraftAsync(ScopedTransaction tx, List<Work> work, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        foreach (var meter in meters) await ReadUsage.CheckFilledAsync(tx, org, meter, ct);
        var plans = await PlanCatalog.ReadAsync(db, work.Select(item => item.Draft?.PlanVersionId ?? item.Subscription.PlanVersionId), ct);
        var spans = work.Select((item, index) => new UsageSpan(index, item.Subscription.CustomerKey, item.Period.Start, item.Period.End)).ToArray();
        var usage = await ReadUsage.OfSpansAsync(tx, org, spans, meters, ct);
        var orgRow = await db.Orgs.SingleAsync(ct);
        var customerKeys = work.Select(item => item.Subscription.CustomerKey).Distinct().ToArray();
        var emails = await db.Customers.Where(row => customerKeys.Contains(row.Key)).ToDictionaryAsync(row => row.Key, row => row.Email, ct);
        for (var i = 0; i < work.Count; i++)
        {
            var (subscription, period, draft) = work[i];
            var plan = plans[draft?.PlanVersionId ?? subscription.PlanVersionId];
            var rated = RatingEngine.Rate(
                new InvoiceSubject(subscription.Id, subscription.CustomerKey, period), plan,
                usage.GetValueOrDefault(i) ?? [], Currencies.MinorUnits(plan.Currency));
            if (draft is not null)
            {
                InvoiceRows.Replace(draft, rated);
                continue;
            }

            var invoice = InvoiceRows.Create(org, Guid.CreateVersion7(time.GetUtcNow()), Number(orgRow.NextInvoiceNumber++), subscription, period, plan, rated, Now());
            db.Invoices.Add(invoice);
            db.Outbox.Add(Announce(invoice, emails.GetValueOrDefault(subscription.CustomerKey)));
            MoveOn(subscription, period);
            if (orgRow.InvoicedThrough is null || orgRow.InvoicedThrough < period.End) orgRow.InvoicedThrough = period.End;
        }

        await db.SaveChangesAsync(ct);
        return work.Count;
    }

    private static void MoveOn(SubscriptionRow subscription, BillingPeriod closed)
    {
        var calendar = new PeriodCalendar(subscription.StartAt, subscription.EndAt, subscription.AnchorDay, DateTimeZoneProviders.Tzdb[subscription.TimeZone]);
        var next = calendar.StartingAt(closed.End);
        subscription.NextPeriodStart = next?.Start;
        subscription.NextPeriodEnd = next?.End;
    }

    private OutboxRow Announce(InvoiceRow invoice, string? email)
    {
        var now = time.GetUtcNow();
        var eventId = Guid.CreateVersion7(now);
        var message = new BillingEvent
        {
            EventId = eventId.ToString(),
            OrgId = invoice.OrgId.ToString(),
            OccurredAt = Timestamp.FromDateTimeOffset(now),
            InvoiceGenerated = new InvoiceGenerated
            {
                InvoiceId = invoice.Id.ToString(),
                Number = invoice.Number,
                Customer = invoice.CustomerKey,
                CustomerEmail = email ?? "",
                Currency = invoice.Currency,
                Total = invoice.Total.ToString(CultureInfo.InvariantCulture),
                PeriodStart = Timestamp.FromDateTime(invoice.PeriodStart.ToDateTimeUtc()),
                PeriodEnd = Timestamp.FromDateTime(invoice.PeriodEnd.ToDateTimeUtc()),
            },
        };
        return new OutboxRow { OrgId = invoice.OrgId, EventId = eventId, Message = message.ToByteArray() };
    }

    private static string Number(long number) => string.Create(CultureInfo.InvariantCulture, $"INV-{number:D8}");

    private Instant Now() => Instant.FromDateTimeOffset(time.GetUtcNow());

    /// <summary>EF's own transaction, for the statements that EF cannot write.</summary>
    internal static ScopedTransaction Transaction(BillingDbContext db) => ScopedTransaction.Borrow(
        (NpgsqlConnection)db.Database.GetDbConnection(), (NpgsqlTransaction)db.Database.CurrentTransaction!.GetDbTransaction());
}
