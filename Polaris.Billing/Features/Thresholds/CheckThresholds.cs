using Microsoft.EntityFrameworkCore;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Thresholds;

/// <summary>
/// Rates the subscriptions that counting has marked and stores the crossings of their thresholds: one chunk of each org in turn, right
/// after the usage was counted. The marks are deleted in the transaction that stores the crossings.
/// </summary>
internal sealed class CheckThresholds(
    IServiceScopeFactory scopes,
    NpgsqlDataSource database,
    ThresholdSignal signal,
    OutboxSignal announced,
    TimeProvider time,
    ILogger<CheckThresholds> log
) : PeriodicJob
{
    /// <summary>Marks of a chunk.</summary>
    public const int ChunkSize = 100;

    private const int OrgPageSize = 100;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly OrgBackoff failing = new(nameof(CheckThresholds), time, log);

    public override WakeSignal Signal => signal;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var (done, after) = (0, Guid.Empty);
        while (await OrgsAsync(after, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
                await failing.RunAsync(org, async stop => done += await CheckSomeAsync(org, stop), ct);
            after = orgs[^1];
        }

        return done > 0 ? Immediately : PollInterval;
    }

    /// <summary>Checks one chunk of the org's marks; returns how many.</summary>
    public async Task<int> CheckSomeAsync(Guid org, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        var (marks, events) = await scope.ServiceProvider.GetRequiredService<RateThresholds>().HandleAsync(ChunkSize, ct);
        if (events > 0)
            announced.Wake();
        return marks;
    }

    private async Task<List<Guid>> OrgsAsync(Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.CheckThresholds, ct);
        await using var command = tx.Command("SELECT DISTINCT org_id FROM threshold_checks WHERE org_id > $2 ORDER BY org_id LIMIT $1");
        command.Bind(OrgPageSize).Bind(after);
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            orgs.Add(reader.GetGuid(0));
        return orgs;
    }
}

/// <summary>Rates marked subscriptions as their invoices would be, and compares with the thresholds that need it.</summary>
internal sealed class RateThresholds(BillingDbContext db, TenantScope tenant, MeasureBalances balances, TimeProvider time)
{
    private sealed record Mark(Guid Id, Guid Subscription, Instant Bucket, bool CreditsGone);

    /// <returns>The number of marks that are done, and of new crossings.</returns>
    public Task<(int Marks, int Events)> HandleAsync(int atMost, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                await using var tx = db.BorrowTransaction();
                // What is marked is committed with its usage, which the statements after this one see.
                var marks = await MarksAsync(tx, org, atMost, token);
                if (marks.Count == 0)
                    return (0, 0);
                var thresholds = (await WatchedThresholds.OfAsync(tx, [org], token))[org].Where(one => !one.AtOnce).ToArray();
                var reached = thresholds.Length == 0 ? [] : await ReachedAsync(tx, org, marks, thresholds, token);
                var events = await StoreCrossings.RunAsync(tx, reached, time.GetUtcNow(), token);
                await DeleteAsync(tx, org, [.. marks.Select(mark => mark.Id)], token);
                return (marks.Count, events);
            },
            ct
        );

    private async Task<List<Reached>> ReachedAsync(
        ScopedTransaction tx,
        Guid org,
        List<Mark> marks,
        ThresholdRow[] thresholds,
        CancellationToken ct
    )
    {
        var ids = marks.Select(mark => mark.Subscription).Distinct().ToArray();
        var rows = await db.Subscriptions.AsNoTracking().Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, ct);
        var onBalances = thresholds.Where(one => one.On == ThresholdOn.Balance).ToArray();
        var reached = onBalances.Length == 0 ? [] : await balances.HandleAsync(tx, org, CustomersOf(marks, rows), onBalances, ct);
        if (onBalances.Length < thresholds.Length)
            reached.AddRange(await RateAsync(tx, org, marks, rows, [.. thresholds.Except(onBalances)], ct));
        return reached;
    }

    /// <summary>With whether credits of theirs are gone.</summary>
    private static Dictionary<string, bool> CustomersOf(List<Mark> marks, Dictionary<Guid, SubscriptionRow> rows) =>
        marks
            .Where(mark => rows.ContainsKey(mark.Subscription))
            .GroupBy(mark => rows[mark.Subscription].CustomerKey)
            .ToDictionary(of => of.Key, of => of.Any(mark => mark.CreditsGone));

    private async Task<List<Reached>> RateAsync(
        ScopedTransaction tx,
        Guid org,
        List<Mark> marks,
        Dictionary<Guid, SubscriptionRow> rows,
        ThresholdRow[] thresholds,
        CancellationToken ct
    )
    {
        // A subscription whose end has moved before the bucket has no such period any more.
        var work = marks
            .Where(mark => rows.ContainsKey(mark.Subscription))
            .Select(mark =>
                (Row: rows[mark.Subscription], Period: Calendars.Of(rows[mark.Subscription]).Containing(mark.Bucket), mark.Bucket)
            )
            .Where(item => item.Period is not null)
            .Select(item => (item.Row, Period: item.Period!.Value, item.Bucket))
            .DistinctBy(item => (item.Row.Id, item.Period))
            .ToArray();
        if (work.Length == 0)
            return [];
        var plans = await PlanCatalog.ReadAsync(db, work.SelectMany(item => Calendars.PlansOf(item.Row).Versions), ct);
        await SubscriptionExtras.LoadAsync(db, [.. work.Select(item => item.Row).Distinct()], work.Min(item => item.Period.Start), ct);
        var measured = PlanVersion.MetersOf(plans.Values);
        measured.UnionWith(thresholds.Select(threshold => threshold.MeterKey).OfType<string>());
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        var usage = await UsageOfSpans.ReadAsync(
            tx,
            org,
            work.SelectMany(item =>
                RatePeriod
                    .SpansOf(RatingEngine.Version, item.Row, Calendars.PlansOf(item.Row), item.Period, plans)
                    .Append(new BilledSpan(item.Period, item.Period))
                    .Select(span => (item.Row.CustomerKey, span))
            ),
            meters.Where(meter => measured.Contains(meter.Key)),
            ct
        );
        var reached = new List<Reached>();
        foreach (var (row, period, bucket) in work)
        {
            var (history, concerning) = (
                Calendars.PlansOf(row),
                thresholds.Where(one => one.Concerns(row.CustomerKey, MeasureBalances.PlanAt(row, bucket)))
            );
            if (!concerning.Any())
                continue;
            try
            {
                var rated = RatePeriod.Run(RatingEngine.Version, row, history, period, plans, span => usage[(row.CustomerKey, span)]);
                var totals = usage[(row.CustomerKey, new BilledSpan(period, period))].Totals;
                var currency = plans[history.First].Currency;
                foreach (var threshold in concerning)
                {
                    if (Measure(threshold, rated, totals, currency) is { } quantity)
                        reached.Add(new Reached(threshold, row.CustomerKey, row.Id, period, quantity));
                }
            }
            catch (OverflowException)
            {
                // An amount that fits no invoice: the subscription is held when its period ends, and shown then.
            }
        }

        return reached;
    }

    /// <summary>Null when the threshold is not about this subscription.</summary>
    private static decimal? Measure(
        ThresholdRow threshold,
        RatedInvoice rated,
        IReadOnlyDictionary<string, MeterUsage> totals,
        string currency
    )
    {
        switch (threshold.On)
        {
            case ThresholdOn.Amount:
                return threshold.Currency == currency ? rated.Total : null;
            case ThresholdOn.Quantity:
                return totals.TryGetValue(threshold.MeterKey!, out var usage) ? usage.Quantity : null;
            default:
                var lines = rated.Lines.Where(line => line.Kind == LineKind.Charge && line.Charge.Key == threshold.Charge).ToArray();
                var included = lines.Select(line => (line.Charge as Charge)?.IncludedUnits ?? 0).LastOrDefault();
                return included > 0 ? Exact.Divide(lines.Sum(line => line.Usage.Quantity), 100, included) : null;
        }
    }

    private static async Task<List<Mark>> MarksAsync(ScopedTransaction tx, Guid org, int atMost, CancellationToken ct)
    {
        await using var command = tx.Command(
            "SELECT id, subscription_id, bucket_start, credits_gone FROM threshold_checks WHERE org_id = $1 ORDER BY id LIMIT $2"
        );
        command.Bind(org).Bind(atMost);
        var marks = new List<Mark>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            marks.Add(new Mark(reader.GetGuid(0), reader.GetGuid(1), reader.GetFieldValue<Instant>(2), reader.GetBoolean(3)));
        return marks;
    }

    private static async Task DeleteAsync(ScopedTransaction tx, Guid org, Guid[] ids, CancellationToken ct)
    {
        await using var command = tx.Command("DELETE FROM threshold_checks WHERE org_id = $1 AND id = ANY($2)");
        command.Bind(org).Bind(ids);
        await command.ExecuteNonQueryAsync(ct);
    }
}
