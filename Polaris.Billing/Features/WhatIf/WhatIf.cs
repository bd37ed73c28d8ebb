using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.WhatIf;

/// <summary>A past period under the plan version it had, and under the other one.</summary>
internal sealed record PeriodComparison(UnstoredInvoice Now, UnstoredInvoice Then)
{
    public decimal Difference => Then.Rated.Total - Now.Rated.Total;
}

/// <summary>Periods of a page of subscriptions. Sums and counts are of the page.</summary>
internal sealed record Comparison(string Currency, IReadOnlyList<PeriodComparison> Periods, string? EndCursor, bool HasNextPage);

/// <summary>
/// Rates stored usage of past periods under another plan version, be it a draft, beside the versions they had; both by today's engine and
/// from aggregates as they are now. Writes nothing.
/// </summary>
internal sealed class WhatIf(BillingDbContext db, TenantScope tenant, OrgClocks clocks, PlanCatalog catalog)
{
    public const int MaxSubscriptions = 200;
    public const int MaxCustomers = 1_000;
    public static readonly Duration MaxSpan = Duration.FromDays(400);

    /// <param name="planVersionId">The other version.</param>
    /// <param name="from">Periods that start then or later.</param>
    /// <param name="to">Periods that end then or earlier, and have ended.</param>
    /// <param name="customers">Only these; null for all.</param>
    /// <param name="first">Subscriptions of a page, 1 to <see cref="MaxSubscriptions"/>.</param>
    /// <param name="after">The cursor (subscription id) of the page before.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Comparison> HandleAsync(Guid planVersionId, Instant from, Instant to, string[]? customers, int first, string? after, CancellationToken ct)
    {
        if (to <= from || to - from > MaxSpan) throw new RefusedException(Refusal.Invalid("to", "out_of_range", $"'to' must be after 'from', by at most {MaxSpan.Days} days."));
        if (first is < 1 or > MaxSubscriptions) throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxSubscriptions}."));
        if (customers?.Length > MaxCustomers) throw new RefusedException(Refusal.Invalid("customers", "count", $"At most {MaxCustomers} customers at once."));
        var then = await catalog.FetchAsync(tenant.RequireOrg(), planVersionId, ct);
        return await db.InTransactionAsync(token => CompareAsync(then, from, to, customers, first, after, token), ct);
    }

    private async Task<Comparison> CompareAsync(PlanVersion then, Instant from, Instant to, string[]? customers, int first, string? after, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var now = await clocks.NowAsync(ct);
        var last = to < now ? to : now;
        var matching = db.Subscriptions.AsNoTracking().Where(row => row.StartAt < last && (row.EndAt == null || row.EndAt > from));
        if (customers is not null) matching = matching.Where(row => customers.Contains(row.CustomerKey));
        if (Guid.TryParse(after, out var id)) matching = matching.Where(row => row.Id.CompareTo(id) > 0);
        var page = Paging.ToPage(await matching.OrderBy(row => row.Id).Take(first + 1).ToListAsync(ct), first, 0, row => row.Id.ToString());
        var plans = await PlanCatalog.ReadAsync(db, page.Rows.SelectMany(row => Calendars.PlansOf(row).Versions), ct);
        if (plans.Values.FirstOrDefault(plan => plan.Currency != then.Currency) is { } other)
            throw new RefusedException(Refusal.Invalid("planVersionId", "currency_mismatch", $"The plan version is in {then.Currency}, a subscription's plan '{other.PlanKey}' in {other.Currency}."));
        var tx = DraftInvoices.Transaction(db);
        var meters = await MetersAsync(tx, org, plans.Values.Append(then), ct);
        var periods = page.Rows.SelectMany(row => Periods(row, from, last).Select(period => (Row: row, Period: period))).ToArray();
        var usage = await UsageOfSpans.ReadAsync(tx, org, periods.SelectMany(one => Calendars.PlansOf(one.Row).Within(one.Period).Select(part => part.Span).Append(one.Period)
            .Select(span => (one.Row.CustomerKey, span))), meters, ct);
        var (always, versions) = (new PlanHistory(then.Id, []), new Dictionary<Guid, PlanVersion> { [then.Id] = then });
        return new Comparison(then.Currency, [.. periods.Select(one =>
        {
            PeriodUsage Used(BillingPeriod span) => usage[(one.Row.CustomerKey, span)];
            return new PeriodComparison(Rate(one.Row, Calendars.PlansOf(one.Row), one.Period, plans, Used), Rate(one.Row, always, one.Period, versions, Used));
        })], page.EndCursor, page.HasNextPage);
    }

    /// <exception cref="RefusedException">An amount is too large for any invoice.</exception>
    public static UnstoredInvoice Rate(
        SubscriptionRow row, PlanHistory history, BillingPeriod period, IReadOnlyDictionary<Guid, PlanVersion> versions, Func<BillingPeriod, PeriodUsage> usage)
    {
        try
        {
            return new UnstoredInvoice(row, period, versions[history.First].Currency, InvoiceRows.Rate(RatingEngine.Version, row, history, period, versions, usage));
        }
        catch (OverflowException exception)
        {
            throw new RefusedException(Refusal.Conflict(TooLarge.Code, $"The subscription {row.Id} would have a quantity or an amount that fits no invoice. {exception.Message}"));
        }
    }

    /// <summary>What the plans count; rather no answer than one from a meter that is not filled yet.</summary>
    private static async Task<List<MeterDefinition>> MetersAsync(ScopedTransaction tx, Guid org, IEnumerable<PlanVersion> plans, CancellationToken ct)
    {
        var known = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []).ToDictionary(meter => meter.Key);
        var meters = new List<MeterDefinition>();
        foreach (var key in plans.SelectMany(plan => plan.Charges).Select(charge => charge.Meter).OfType<string>().Distinct())
        {
            if (!known.TryGetValue(key, out var meter))
                throw new RefusedException(new Refusal(RefusalKind.Unavailable, "meter_filling", $"The meter '{key}' has counted nothing yet. Try again after the org's next event."));
            await ReadUsage.CheckFilledAsync(tx, org, meter, ct);
            meters.Add(meter);
        }

        return meters;
    }

    private static IEnumerable<BillingPeriod> Periods(SubscriptionRow row, Instant from, Instant to)
    {
        var calendar = Calendars.Of(row);
        for (var period = calendar.Containing(from > row.StartAt ? from : row.StartAt); period is { } one && one.End <= to; period = calendar.StartingAt(one.End))
        {
            if (one.Start >= from) yield return one;
        }
    }
}
