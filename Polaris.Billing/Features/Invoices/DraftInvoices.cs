using System.Diagnostics.Metrics;
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
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Drafts the invoices of an org's ended periods, and replaces drafts that more usage came for. It holds the org's lock alone, so usage is
/// either in the aggregates it reads or marks the invoice stale afterwards. What changed of an earlier, final invoice becomes adjustment
/// lines (<see cref="EarlierInvoices"/>). A customer with a bucket that is about to be counted anew waits.
/// </summary>
internal sealed partial class DraftInvoices(
    BillingDbContext db, TenantScope tenant, OrgClocks clocks, BillingEventRelay relay, IOptions<BillingOptions> options, TimeProvider time, ILogger<DraftInvoices> log)
{
    /// <summary>Invoices of one transaction; the org's usage waits that long.</summary>
    public const int ChunkSize = 200;

    /// <summary>How long a subscription waits whose amounts fit no invoice.</summary>
    public static readonly Duration HoldFor = Duration.FromHours(1);

    private static readonly Counter<long> Unratable = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.invoices_unratable", "{invoice}");

    /// <summary>An empty period is that of an invoice with nothing but adjustments, after a subscription's end.</summary>
    private sealed record Work(SubscriptionRow Subscription, BillingPeriod Period, InvoiceRow? Draft)
    {
        public PlanHistory Plans { get; } = Calendars.PlansOf(Subscription);
    }

    /// <summary>Drafts or replaces up to <see cref="ChunkSize"/> invoices; returns how many.</summary>
    public async Task<int> DraftSomeAsync(CancellationToken ct)
    {
        var done = await db.InTransactionAsync(async token =>
        {
            await using var tx = Transaction(db);
            await UsageSql.LockOrgAloneAsync(tx, tenant.RequireOrg(), token);
            await EarlierInvoices.MarkDraftsAsync(db, tenant.RequireOrg(), token);
            var work = await DueAsync(token);
            if (work.Count < ChunkSize) work.AddRange(await StaleAsync(ChunkSize - work.Count, token));
            if (work.Count < ChunkSize) work.AddRange(await ClosingAsync(ChunkSize - work.Count, token));
            return work.Count == 0 ? 0 : await DraftAsync(tx, work, token);
        }, ct);
        if (done > 0) relay.Wake();
        return done;
    }

    private async Task<List<Work>> DueAsync(CancellationToken ct)
    {
        var endedBefore = await clocks.NowAsync(ct) - Duration.FromTimeSpan(options.Value.Grace);
        var now = Now();
        var due = await db.Subscriptions.Where(row => row.NextPeriodEnd <= endedBefore && (row.HeldUntil == null || row.HeldUntil <= now))
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.NextPeriodEnd))
            .OrderBy(row => row.NextPeriodEnd).ThenBy(row => row.CustomerKey).Take(ChunkSize).ToListAsync(ct);
        return [.. due.Select(row => new Work(row, new BillingPeriod(row.NextPeriodStart!.Value, row.NextPeriodEnd!.Value), null))];
    }

    private async Task<List<Work>> StaleAsync(int atMost, CancellationToken ct)
    {
        var now = Now();
        var drafts = await db.Invoices.Include(row => row.Lines).Where(row => row.Stale && row.Status == InvoiceStatuses.Draft)
            .Where(row => !db.Subscriptions.Any(held => held.Id == row.SubscriptionId && held.HeldUntil > now))
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.PeriodEnd))
            .OrderBy(row => row.Number).Take(atMost).ToListAsync(ct);
        var ids = drafts.Select(draft => draft.SubscriptionId).Distinct().ToArray();
        var subscriptions = await db.Subscriptions.Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, ct);
        return [.. drafts.Select(draft => new Work(subscriptions[draft.SubscriptionId], new BillingPeriod(draft.PeriodStart, draft.PeriodEnd), draft))];
    }

    /// <summary>Ended subscriptions of which an invoice changed and no draft is left that could correct it.</summary>
    private async Task<List<Work>> ClosingAsync(int atMost, CancellationToken ct)
    {
        var changed = EarlierInvoices.Changed(db).Where(row => !db.Invoices.Any(draft =>
            draft.SubscriptionId == row.SubscriptionId && draft.Status == InvoiceStatuses.Draft && draft.PeriodStart > row.PeriodStart));
        var now = Now();
        var ended = await db.Subscriptions.Where(row => (row.HeldUntil == null || row.HeldUntil <= now) && row.NextPeriodEnd == null && row.EndAt != null && changed.Any(invoice => invoice.SubscriptionId == row.Id))
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.EndAt))
            .OrderBy(row => row.EndAt).ThenBy(row => row.Id).Take(atMost).ToListAsync(ct);
        return [.. ended.Select(row => new Work(row, new BillingPeriod(row.EndAt!.Value, row.EndAt.Value), null))];
    }

    private async Task<int> DraftAsync(ScopedTransaction tx, List<Work> work, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        foreach (var meter in meters) await ReadUsage.CheckFilledAsync(tx, org, meter, ct);
        var earlier = await EarlierInvoices.OfAsync(db, [.. work.Select(item => (item.Subscription.Id, item.Draft))], ct);
        var allEarlier = work.SelectMany(item => earlier[(item.Subscription.Id, item.Draft?.Id)]).ToArray();
        var invoiced = await EarlierInvoices.InvoicedAsync(db, allEarlier, null, ct);
        var plans = await PlanCatalog.ReadAsync(db, work.SelectMany(item => item.Plans.Versions), ct);
        var usage = await UsageOfSpans.ReadAsync(tx, org, work.SelectMany(item => earlier[(item.Subscription.Id, item.Draft?.Id)].Select(PeriodOf).Append(item.Period)
            .SelectMany(period => item.Plans.Within(period)).Select(one => (item.Subscription.CustomerKey, one.Span))), meters, ct);
        var orgRow = await db.Orgs.SingleAsync(ct);
        var customerKeys = work.Select(item => item.Subscription.CustomerKey).Distinct().ToArray();
        var emails = await db.Customers.Where(row => customerKeys.Contains(row.Key)).ToDictionaryAsync(row => row.Key, row => row.Email, ct);
        foreach (var item in work)
        {
            var changed = earlier[(item.Subscription.Id, item.Draft?.Id)].ToArray();
            try
            {
                var adjusted = Adjustments.Seal(
                    Rate(RatingEngine.Version, item.Period), [.. changed.SelectMany(row => Adjustments.Between(invoiced[row.Id], Rate(row.EngineVersion, PeriodOf(row))))]);
                foreach (var row in changed) row.Stale = false;
                Keep(item, [.. item.Plans.Within(item.Period).Select(one => plans[one.PlanVersionId])], adjusted, orgRow, emails.GetValueOrDefault(item.Subscription.CustomerKey));
            }
            catch (OverflowException exception)
            {
                // An amount that fits no invoice: a person must look at it. The others' invoices are made.
                item.Subscription.HeldUntil = Now() + HoldFor;
                Unratable.Add(1);
                LogUnratable(exception, item.Subscription.Id, item.Subscription.OrgId);
            }

            RatedInvoice Rate(string engine, BillingPeriod period) => InvoiceRows.Rate(
                engine, item.Subscription, item.Plans, period, plans, span => usage[(item.Subscription.CustomerKey, span)]);
        }

        await db.SaveChangesAsync(ct);
        await LevelCheckpoints.KeepAsync(
            tx, org, work.Select(item => (item.Subscription.CustomerKey, item.Period.Start)), [.. meters.Where(meter => meter.Aggregation == Aggregation.WeightedSum).Select(meter => meter.Id)], ct);
        return work.Count;

        static BillingPeriod PeriodOf(InvoiceRow row) => new(row.PeriodStart, row.PeriodEnd);
    }

    private void Keep(Work work, IReadOnlyList<PlanVersion> plans, AdjustedInvoice adjusted, OrgRow org, string? email)
    {
        var (subscription, period, draft) = work;
        if (draft is not null)
        {
            InvoiceRows.Replace(draft, adjusted);
            return;
        }

        // Nothing came of the change: no invoice without a line.
        if (period.IsEmpty && adjusted.Adjustments.Count == 0) return;
        var invoice = InvoiceRows.Create(org.OrgId, Guid.CreateVersion7(time.GetUtcNow()), Number(org.NextInvoiceNumber++), subscription, period, plans, adjusted, Now());
        db.Invoices.Add(invoice);
        db.Outbox.Add(Announce(invoice, email));
        if (period.IsEmpty) return;
        MoveOn(subscription, period);
        if (org.InvoicedThrough is null || org.InvoicedThrough < period.End) org.InvoicedThrough = period.End;
    }

    private static void MoveOn(SubscriptionRow subscription, BillingPeriod closed)
    {
        var next = Calendars.Of(subscription).StartingAt(closed.End);
        subscription.HeldUntil = null;
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

    [LoggerMessage(Level = LogLevel.Error, Message = "The invoice of subscription {SubscriptionId} of org {OrgId} has an amount that fits none; it is tried again in an hour.")]
    private partial void LogUnratable(Exception exception, Guid subscriptionId, Guid orgId);
}
