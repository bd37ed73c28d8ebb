using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.WhatIf;

/// <summary>A past period rated under its own plan version and under the other one.</summary>
internal sealed record PeriodComparison(UnstoredInvoice Now, UnstoredInvoice Then)
{
    public decimal Difference => Then.Rated.Total - Now.Rated.Total;
}

/// <summary>The compared periods of a page of subscriptions. Sums and counts cover the page.</summary>
internal sealed record Comparison(string Currency, IReadOnlyList<PeriodComparison> Periods, string? EndCursor, bool HasNextPage);

/// <summary>
/// Rates stored usage of past periods under another plan version, which may be a draft, and under their own; both with the current engine
/// and current aggregates. Writes nothing.
/// </summary>
internal sealed class WhatIf(BillingDbContext db, TenantScope tenant, OrgClocks clocks, PlanCatalog catalog)
{
    public const int MaxSubscriptions = 200;
    public const int MaxCustomers = 1_000;
    public static readonly Duration MaxSpan = Duration.FromDays(400);

    /// <param name="planVersionId">The other version.</param>
    /// <param name="from">Only periods that start at or after it.</param>
    /// <param name="to">Only ended periods that end at or before it.</param>
    /// <param name="customers">Only these customers; null for all.</param>
    /// <param name="first">Page size in subscriptions, 1 to <see cref="MaxSubscriptions"/>.</param>
    /// <param name="after">Cursor (subscription id) of the previous page's last subscription.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Comparison> HandleAsync(
        Guid planVersionId,
        Instant from,
        Instant to,
        string[]? customers,
        int first,
        string? after,
        CancellationToken ct
    )
    {
        StatedDates.Check("from", from);
        StatedDates.Check("to", to);
        if (to <= from || to - from > MaxSpan)
            throw new RefusedException(
                Refusal.Invalid("to", "out_of_range", $"'to' must be after 'from', by at most {MaxSpan.Days} days.")
            );
        if (first is < 1 or > MaxSubscriptions)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxSubscriptions}."));
        if (customers?.Length > MaxCustomers)
            throw new RefusedException(Refusal.Invalid("customers", "count", $"At most {MaxCustomers} customers per call."));
        var cursor = Cursors.Id(after);
        var then = await catalog.FetchAsync(tenant.RequireOrg(), planVersionId, ct);
        return await db.InTransactionAsync(token => CompareAsync(then, from, to, customers, first, cursor, token), ct);
    }

    private async Task<Comparison> CompareAsync(
        PlanVersion then,
        Instant from,
        Instant to,
        string[]? customers,
        int first,
        Guid? after,
        CancellationToken ct
    )
    {
        var org = tenant.RequireOrg();
        var now = await clocks.NowAsync(ct);
        var last = to < now ? to : now;
        var matching = db
            .Subscriptions.AsNoTracking()
            .Where(row => (row.TrialEnd ?? row.StartAt) < last && (row.EndAt == null || row.EndAt > from));
        if (customers is not null)
            matching = matching.Where(row => customers.Contains(row.CustomerKey));
        if (after is { } id)
            matching = matching.Where(row => row.Id.CompareTo(id) > 0);
        var page = Paging.ToPage(await matching.OrderBy(row => row.Id).Take(first + 1).ToListAsync(ct), first, 0, row => row.Id.ToString());
        var plans = await PlanCatalog.ReadAsync(db, page.Rows.SelectMany(row => Calendars.PlansOf(row).Versions), ct);
        if (plans.Values.FirstOrDefault(plan => plan.Currency != then.Currency) is { } other)
            throw new RefusedException(
                Refusal.Invalid(
                    "planVersionId",
                    "currency_mismatch",
                    $"The plan version's currency is {then.Currency}, but the subscribed plan '{other.PlanKey}' has {other.Currency}."
                )
            );
        var tx = db.BorrowTransaction();
        var meters = await MetersAsync(tx, org, plans.Values.Append(then), ct);
        var periods = page.Rows.SelectMany(row => Periods(row, from, last).Select(period => (Row: row, Period: period))).ToArray();
        await SubscriptionExtras.LoadAsync(db, [.. page.Rows], from, ct);
        var (always, versions) = (new PlanHistory(then.Id, []), new Dictionary<Guid, PlanVersion> { [then.Id] = then });
        var usage = await UsageOfSpans.ReadAsync(
            tx,
            org,
            periods.SelectMany(billed =>
                RatePeriod
                    .SpansOf(RatingEngine.Version, billed.Row, Calendars.PlansOf(billed.Row), billed.Period, plans)
                    .Concat(RatePeriod.SpansOf(RatingEngine.Version, billed.Row, always, billed.Period, versions))
                    .Select(span => (billed.Row.CustomerKey, span))
            ),
            meters,
            ct
        );
        return new Comparison(
            then.Currency,
            [
                .. periods
                    .Select(billed =>
                    {
                        PeriodUsage Used(BilledSpan span) => usage[(billed.Row.CustomerKey, span)];
                        return new PeriodComparison(
                            Rate(billed.Row, Calendars.PlansOf(billed.Row), billed.Period, plans, Used),
                            Rate(billed.Row, always, billed.Period, versions, Used)
                        );
                    })
                    // The invoice at the start has only fees in advance, and there may be none.
                    .Where(compared =>
                        !compared.Now.Period.IsEmpty || compared.Now.Rated.Lines.Count + compared.Then.Rated.Lines.Count > 0
                    ),
            ],
            page.EndCursor,
            page.HasNextPage
        );
    }

    /// <exception cref="RefusedException">An amount is too large for an invoice.</exception>
    public static UnstoredInvoice Rate(
        SubscriptionRow row,
        PlanHistory history,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions,
        Func<BilledSpan, PeriodUsage> usage
    )
    {
        try
        {
            return new UnstoredInvoice(
                row,
                period,
                versions[history.First].Currency,
                RatePeriod.Run(RatingEngine.Version, row, history, period, versions, usage),
                []
            );
        }
        catch (OverflowException exception)
        {
            throw new RefusedException(
                Refusal.Conflict(
                    TooLarge.Code,
                    $"A quantity or an amount of the subscription {row.Id} is too large for an invoice. {exception.Message}"
                )
            );
        }
    }

    /// <summary>The plans' meters. Rejects the query while one of them is not filled.</summary>
    private static async Task<List<MeterDefinition>> MetersAsync(
        ScopedTransaction tx,
        Guid org,
        IEnumerable<PlanVersion> plans,
        CancellationToken ct
    )
    {
        var known = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []).ToDictionary(meter => meter.Key);
        var meters = new List<MeterDefinition>();
        foreach (var key in plans.SelectMany(plan => plan.Charges).Select(charge => charge.Meter).OfType<string>().Distinct())
        {
            if (!known.TryGetValue(key, out var meter))
                throw new RefusedException(
                    new Refusal(
                        RefusalKind.Unavailable,
                        "meter_filling",
                        $"The meter '{key}' has not counted any event yet. Try again after the org's next event."
                    )
                );
            await ReadUsage.CheckFilledAsync(tx, org, meter, ct);
            meters.Add(meter);
        }

        return meters;
    }

    private static IEnumerable<BillingPeriod> Periods(SubscriptionRow row, Instant from, Instant to)
    {
        var calendar = Calendars.Of(row);
        if (calendar.Start >= from)
            yield return new BillingPeriod(calendar.Start, calendar.Start);
        for (
            var period = calendar.Containing(from > calendar.Start ? from : calendar.Start);
            period is { } next && next.End <= to;
            period = calendar.StartingAt(next.End)
        )
        {
            if (next.Start >= from)
                yield return next;
        }
    }
}
