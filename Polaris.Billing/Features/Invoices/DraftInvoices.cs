using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Duration = NodaTime.Duration;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Drafts the invoices of an org's ended periods and replaces drafts with new usage. It holds the org's exclusive lock, so usage is either
/// in the aggregates it reads or marks the invoice stale afterwards. Changes of an earlier, finalized invoice become adjustment lines (<see
/// cref="EarlierInvoices"/>). Customers with buckets that are about to be rebuilt are skipped.
/// </summary>
internal sealed partial class DraftInvoices(
    BillingDbContext db,
    TenantScope tenant,
    OrgClocks clocks,
    BillingEventRelay relay,
    TimeProvider time,
    ILogger<DraftInvoices> log
)
{
    /// <summary>Maximum number of invoices of a chunk: the org's usage, and other orgs' invoices, wait for its duration.</summary>
    public const int ChunkSize = 100;

    /// <summary>
    /// A chunk ends after the invoice that makes its lines this large (approximate, in bytes): a line with many prices explains each.
    /// </summary>
    public const int ChunkBytes = 4 * 1024 * 1024;

    private const int BytesPerLine = 500;

    private const string InvoiceTag = "polaris.invoice_id";

    private static readonly Counter<long> Unratable = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.invoices_unratable",
        "{invoice}"
    );

    /// <summary>
    /// An empty period stands for the fees in advance of a subscription's first period, at its start; or for an invoice with only
    /// adjustments, after its end.
    /// </summary>
    private sealed record Work(SubscriptionRow Subscription, BillingPeriod Period, InvoiceRow? Draft, Guid? Reissues = null)
    {
        /// <summary>The subscription's next period begins where this one ends.</summary>
        public bool MovesOn { get; } = Draft is null && Reissues is null && Subscription.NextPeriodEnd == Period.End;

        public PlanHistory Plans { get; } = Calendars.PlansOf(Subscription);

        /// <summary>What of the subscription's row drafting may change, as it was read.</summary>
        public SubscriptionProgress Read { get; } = SubscriptionProgress.Of(Subscription);
    }

    /// <summary>The subscriptions of the last chunk, also of one that failed.</summary>
    public IReadOnlyList<Guid> Chosen { get; private set; } = [];

    /// <summary>What the last chunk stored.</summary>
    public DraftedRows Stored { get; private set; } = DraftedRows.None;

    /// <summary>Drafts or replaces one chunk of the org's invoices; returns how many, and those that it held.</summary>
    /// <param name="ct">Cancels.</param>
    /// <param name="only">Only this subscription's invoices; null for all.</param>
    /// <exception cref="RefusedException">The org's lock was not free (<see cref="OrgLock.BusyCode"/>).</exception>
    public async Task<int> DraftSomeAsync(CancellationToken ct, Guid? only = null)
    {
        Chosen = [];
        var done = await db.InTransactionAsync(
            async token =>
            {
                await using var tx = db.BorrowTransaction();
                await OrgLock.TakeExclusiveAsync(tx, tenant.RequireOrg(), token, OrgLock.WorkerWait);
                await OrgBooks.LockAsync(tx, tenant.RequireOrg(), token);
                await EarlierInvoices.MarkDraftsAsync(db, tenant.RequireOrg(), token);
                var work = await IndexOrder.ReadAsync(tx, () => DueAsync(only, token), token);
                if (work.Count < ChunkSize)
                    work.AddRange(await IndexOrder.ReadAsync(tx, () => StaleAsync(only, ChunkSize - work.Count, token), token));
                if (work.Count < ChunkSize)
                    work.AddRange(await ClosingAsync(only, ChunkSize - work.Count, token));
                Chosen = [.. work.Select(item => item.Subscription.Id).Distinct()];
                return work.Count == 0 ? 0 : (await DraftAsync(tx, work, token)).Done;
            },
            ct
        );
        if (done > 0)
            relay.Signal.Wake();
        return done;
    }

    /// <summary>Drafts the period of a void invoice anew. Asked again, it returns the invoice that replaces it.</summary>
    /// <exception cref="RefusedException">
    /// There is no such invoice, it is not void, its period is invoiced again, nothing is to be invoiced in it, or an amount is too large.
    /// </exception>
    public async Task<InvoiceRow> ReissueAsync(Guid id, CancellationToken ct)
    {
        var invoice = await db.InTransactionAsync(
            async token =>
            {
                await using var tx = db.BorrowTransaction();
                await OrgLock.TakeExclusiveAsync(tx, tenant.RequireOrg(), token);
                var former = await FinalInvoice.TakeAsync(db, tenant.RequireOrg(), id, "id", token);
                if (former.Status != InvoiceStatuses.Void)
                    throw new RefusedException(
                        Refusal.Conflict("not_void", $"The invoice is {former.Status}; only a void one is reissued.", "id")
                    );
                var present = await db
                    .Invoices.Include(row => row.Lines.OrderBy(line => line.Ordinal))
                    .SingleOrDefaultAsync(
                        row =>
                            row.Status != InvoiceStatuses.Void
                            && (
                                row.ReissuesId == id
                                || (
                                    row.SubscriptionId == former.SubscriptionId
                                    && row.PeriodStart == former.PeriodStart
                                    && row.PeriodEnd == former.PeriodEnd
                                    && row.PeriodStart < row.PeriodEnd
                                )
                            ),
                        token
                    );
                if (present is not null)
                    return present.ReissuesId == id
                        ? present
                        : throw new RefusedException(
                            Refusal.Conflict("already_reissued", $"Invoice {present.Id} is of the same period.", "id")
                        );
                var subscription = await db.Subscriptions.AsNoTracking().SingleAsync(row => row.Id == former.SubscriptionId, token);
                var period = new BillingPeriod(former.PeriodStart, former.PeriodEnd);
                return (await DraftAsync(tx, [new Work(subscription, period, null, id)], token)).Created.SingleOrDefault()
                    ?? throw new RefusedException(
                        subscription.HeldCode == TooLarge.Code
                            ? Refusal.Conflict(TooLarge.Code, subscription.HeldMessage!, "id")
                            : Refusal.Conflict("nothing_to_invoice", "Nothing is to be invoiced in the period any more.", "id")
                    );
            },
            ct
        );
        relay.Signal.Wake();
        return invoice;
    }

    private async Task<List<Work>> DueAsync(Guid? only, CancellationToken ct)
    {
        var endedBefore = await clocks.NowAsync(ct) - await clocks.GraceAsync(ct);
        var now = Now();
        var due = await db
            .Subscriptions.AsNoTracking()
            .Where(row => row.NextPeriodEnd <= endedBefore && (row.HeldUntil == null || row.HeldUntil <= now))
            .Where(row => only == null || row.Id == only)
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.NextPeriodEnd))
            .OrderBy(row => row.NextPeriodEnd)
            .ThenBy(row => row.CustomerKey)
            .Take(ChunkSize)
            .ToListAsync(ct);
        return [.. due.Select(row => new Work(row, new BillingPeriod(row.NextPeriodStart!.Value, row.NextPeriodEnd!.Value), null))];
    }

    private async Task<List<Work>> StaleAsync(Guid? only, int atMost, CancellationToken ct)
    {
        var now = Now();
        var drafts = await db
            .Invoices.Include(row => row.Lines)
            .Where(row => row.Stale && row.Status == InvoiceStatuses.Draft && (only == null || row.SubscriptionId == only))
            .Where(row => !db.Subscriptions.Any(held => held.Id == row.SubscriptionId && held.HeldUntil > now))
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.PeriodEnd))
            .OrderBy(row => row.Sequence)
            .Take(atMost)
            .ToListAsync(ct);
        var ids = drafts.Select(draft => draft.SubscriptionId).Distinct().ToArray();
        var subscriptions = await db.Subscriptions.AsNoTracking().Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, ct);
        return
        [
            .. drafts.Select(draft => new Work(
                subscriptions[draft.SubscriptionId],
                new BillingPeriod(draft.PeriodStart, draft.PeriodEnd),
                draft
            )),
        ];
    }

    /// <summary>Ended subscriptions with a changed invoice and no draft left that could carry the adjustment.</summary>
    private async Task<List<Work>> ClosingAsync(Guid? only, int atMost, CancellationToken ct)
    {
        var changed = StaleInvoices
            .Final(db)
            .Where(row =>
                !db.Invoices.Any(draft =>
                    draft.SubscriptionId == row.SubscriptionId
                    && draft.Status == InvoiceStatuses.Draft
                    && draft.PeriodStart > row.PeriodStart
                )
            );
        var now = Now();
        var ended = await db
            .Subscriptions.AsNoTracking()
            .Where(row =>
                (row.HeldUntil == null || row.HeldUntil <= now)
                && row.NextPeriodEnd == null
                && row.EndAt != null
                && (only == null || row.Id == only)
                && changed.Any(invoice => invoice.SubscriptionId == row.Id)
            )
            .Where(row => !db.DirtyBuckets.Any(dirty => dirty.CustomerKey == row.CustomerKey && dirty.BucketStart < row.EndAt))
            .OrderBy(row => row.EndAt)
            .ThenBy(row => row.Id)
            .Take(atMost)
            .ToListAsync(ct);
        return [.. ended.Select(row => new Work(row, new BillingPeriod(row.EndAt!.Value, row.EndAt.Value), null))];
    }

    /// <summary>
    /// What is new is kept in lists and stored in a statement for each table (<see cref="StoreDrafts"/>); EF has only the few rows that
    /// change otherwise.
    /// </summary>
    private async Task<(int Done, IReadOnlyList<InvoiceRow> Created)> DraftAsync(
        ScopedTransaction tx,
        List<Work> work,
        CancellationToken ct
    )
    {
        var org = tenant.RequireOrg();
        var earlier = await EarlierInvoices.OfAsync(db, [.. work.Select(item => (item.Subscription.Id, item.Draft))], ct);
        var traces = PolarisTelemetry.Source.HasListeners()
            ? await UsageTraces.OfPeriodsAsync(tx, org, work.SelectMany(PeriodsOf), ct)
            : null;
        using var turn = TraceLinks.Start("draft invoices", ActivityKind.Internal, [], traces?.SelectMany(group => group));
        turn.SetOrgs(org);
        turn?.SetTag("polaris.invoices", work.Count);
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        await ReadUsage.CheckFilledAsync(tx, org, meters, ct);
        var allEarlier = work.SelectMany(item => earlier[(item.Subscription.Id, item.Draft?.Id)]).ToArray();
        var invoiced = await EarlierInvoices.InvoicedAsync(db, allEarlier, null, ct);
        var plans = await PlanCatalog.ReadAsync(db, work.SelectMany(item => item.Plans.Versions), ct);
        await SubscriptionExtras.LoadAsync(
            db,
            [.. work.Select(item => item.Subscription)],
            work.Select(item => item.Period.Start).Concat(allEarlier.Select(row => row.PeriodStart)).Min(),
            ct
        );
        var billed = PlanVersion.MetersOf(plans.Values);
        var usage = await UsageOfSpans.ReadAsync(
            tx,
            org,
            work.SelectMany(item =>
                earlier[(item.Subscription.Id, item.Draft?.Id)]
                    .Select(row => (row.EngineVersion, Period: PeriodOf(row)))
                    .Append((EngineVersion: RatingEngine.Version, Period: item.Period))
                    .SelectMany(rated => RatePeriod.SpansOf(rated.EngineVersion, item.Subscription, item.Plans, rated.Period, plans))
                    .Select(span => (item.Subscription.CustomerKey, span))
            ),
            meters.Where(meter => billed.Contains(meter.Key)),
            ct
        );
        var orgRow = await db.Orgs.SingleAsync(ct);
        var customerKeys = work.Select(item => item.Subscription.CustomerKey).Distinct().ToArray();
        var emails = await db
            .Customers.Where(row => customerKeys.Contains(row.Key))
            .Select(row => new { row.Key, row.Email })
            .ToDictionaryAsync(row => row.Key, row => row.Email, ct);
        var (finished, bytes) = (new List<Work>(work.Count), 0L);
        var (created, events) = (new List<InvoiceRow>(work.Count), new List<OutboxRow>(work.Count));
        foreach (var item in work.TakeWhile(_ => bytes < ChunkBytes))
        {
            finished.Add(item);
            var changed = earlier[(item.Subscription.Id, item.Draft?.Id)].ToArray();
            using var span = TraceLinks.Start(
                "draft invoice",
                ActivityKind.Internal,
                [],
                traces is null ? null : PeriodsOf(item).SelectMany(period => traces[period]).Distinct().Take(UsageTraces.MaxOfInvoice)
            );
            try
            {
                var adjusted = Adjustments.Seal(
                    Rate(RatingEngine.Version, item.Period),
                    [.. changed.SelectMany(row => Adjustments.Between(invoiced[row.Id], Rate(row.EngineVersion, PeriodOf(row))))]
                );
                foreach (var row in changed)
                    row.Stale = false;
                var kept = Keep(item, RatePeriod.VersionsOf(item.Plans, item.Period, plans), adjusted, orgRow);
                if (kept is not null && item.Draft is null)
                {
                    created.Add(kept);
                    events.Add(Announce.Row(org, time.GetUtcNow(), Generated(kept, emails.GetValueOrDefault(kept.CustomerKey))));
                }

                bytes += kept?.Lines.Sum(line => BytesPerLine + line.Explanation.Length) ?? 0;
                HeldInvoices.Release(item.Subscription);
            }
            catch (OverflowException exception)
            {
                // An amount that does not fit an invoice needs a person. Other subscriptions are still invoiced.
                HeldInvoices.HoldTooLarge(item.Subscription, Now());
                Unratable.Add(1);
                span.Fail(exception);
                LogUnratable(exception, item.Subscription.Id, item.Subscription.OrgId);
            }

            RatedInvoice Rate(string engine, BillingPeriod period) =>
                RatePeriod.Run(engine, item.Subscription, item.Plans, period, plans, span => usage[(item.Subscription.CustomerKey, span)]);
        }

        Stored = new DraftedRows(
            created,
            events,
            [.. finished.Where(item => item.Read != SubscriptionProgress.Of(item.Subscription)).Select(item => item.Subscription)]
        );
        await StoreDrafts.SaveAsync(tx, org, Stored, ct);
        await db.SaveChangesAsync(ct);
        if (created.Count > 0)
            Announce.WakeRelay(db);
        await LevelCheckpoints.StoreAsync(
            tx,
            org,
            finished.Select(item => (item.Subscription.CustomerKey, item.Period.Start)),
            [.. meters.Where(meter => meter.Aggregation == MeterAggregation.WeightedSum).Select(meter => meter.Id)],
            ct
        );
        await MarkBalances.RunAsync(
            tx,
            org,
            [.. finished.Select(item => item.Subscription.CustomerKey).Distinct()],
            gone: false,
            orgRow.FrozenAt ?? Now(),
            time,
            ct
        );
        return (finished.Count, created);

        IEnumerable<(string Customer, BillingPeriod Period)> PeriodsOf(Work item) =>
            earlier[(item.Subscription.Id, item.Draft?.Id)]
                .Select(PeriodOf)
                .Prepend(item.Period)
                .Select(period => (item.Subscription.CustomerKey, period));

        static BillingPeriod PeriodOf(InvoiceRow row) => new(row.PeriodStart, row.PeriodEnd);
    }

    /// <summary>The draft as it is now; null when nothing is left to invoice.</summary>
    private InvoiceRow? Keep(Work work, IReadOnlyList<PlanVersion> plans, AdjustedInvoice adjusted, OrgRow org)
    {
        var (subscription, period, draft, reissues) = work;
        if (draft is not null)
        {
            InvoiceRows.Replace(draft, adjusted);
            Activity.Current?.SetTag(InvoiceTag, draft.Id.ToString());
            return draft;
        }

        // Nothing is due or changed, or all of it was paused: no invoice without lines.
        if (adjusted.Own.Lines.Count + adjusted.Adjustments.Count == 0)
        {
            if (work.MovesOn)
                MoveOn(subscription, period);
            return null;
        }

        var invoice = InvoiceRows.Create(
            org.OrgId,
            Guid.CreateVersion7(time.GetUtcNow()),
            org.NextInvoiceSequence++,
            subscription,
            period,
            plans,
            adjusted,
            Now(),
            org.FrozenAt ?? Now()
        );
        invoice.ReissuesId = reissues;
        Activity.Current?.SetTag(InvoiceTag, invoice.Id.ToString());
        if (!work.MovesOn)
            return invoice;
        MoveOn(subscription, period);
        if (!period.IsEmpty && (org.InvoicedThrough is null || org.InvoicedThrough < period.End))
            org.InvoicedThrough = period.End;
        return invoice;
    }

    private static void MoveOn(SubscriptionRow subscription, BillingPeriod closed)
    {
        var next = Calendars.Of(subscription).StartingAt(closed.End);
        subscription.NextPeriodStart = next?.Start;
        subscription.NextPeriodEnd = next?.End;
    }

    private static BillingEvent Generated(InvoiceRow invoice, string? email) =>
        new()
        {
            InvoiceGenerated = new InvoiceGenerated
            {
                InvoiceId = invoice.Id.ToString(),
                Customer = invoice.CustomerKey,
                CustomerEmail = email ?? "",
                Currency = invoice.Currency,
                Total = Announce.Text(invoice.Total),
                PeriodStart = Announce.At(invoice.PeriodStart),
                PeriodEnd = Announce.At(invoice.PeriodEnd),
            },
        };

    private Instant Now() => time.GetCurrentInstant();

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The invoice of subscription {SubscriptionId} of org {OrgId} is held: an amount is too large. Next try in an hour."
    )]
    private partial void LogUnratable(Exception exception, Guid subscriptionId, Guid orgId);
}
