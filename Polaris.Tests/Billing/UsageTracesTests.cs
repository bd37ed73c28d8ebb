using System.Diagnostics;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>The stored requests behind a period's usage.</summary>
public sealed class UsageTracesTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);
    private static readonly BillingPeriod Period = new(March, April);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_period_is_told_the_last_requests_of_each_of_its_days_and_what_is_old_goes()
    {
        var org = await billing.NewOrgAsync();
        var (old, last) = (await RecordAsync(org, March, April), await RecordAsync(org, March + Duration.FromDays(2), April));
        var other = await RecordAsync(org, April, April, "other");
        for (var i = 1; i < UsageTraces.MaxOfDay; i++)
            last = [.. await RecordAsync(org, March + Duration.FromDays(2), April + Duration.FromMinutes(i)), .. last];
        var outside = await RecordAsync(org, April, April + Duration.FromHours(1));

        // The last day's come first; a day keeps the last eight.
        Assert.Equal([.. last, .. old], await OfAsync(org, Period));
        var more = await RecordAsync(org, March + Duration.FromDays(2), April + Duration.FromHours(2));
        Assert.Equal([.. more, .. last[..^1], .. old], await OfAsync(org, Period));
        Assert.Equal(outside, await OfAsync(org, new BillingPeriod(April, April + Duration.FromDays(30))));
        Assert.Equal(other, await OfAsync(org, new BillingPeriod(April, April + Duration.FromDays(30)), "other"));
        Assert.Empty(await OfAsync(await billing.NewOrgAsync(), Period));

        var late = await RecordAsync(org, March + Duration.FromDays(5), April + Duration.FromHours(3) + UsageTraces.Retention);
        Assert.Equal(late, await OfAsync(org, Period));
        Assert.Equal(other, await OfAsync(org, new BillingPeriod(April, April + Duration.FromDays(30)), "other"));
    }

    [Fact]
    public async Task What_is_not_traced_leaves_no_row()
    {
        var org = await billing.NewOrgAsync();
        var (traced, not) = (Batch(org, March, "traced"), Batch(org, March, "untraced"));
        var cause = NewCause();
        await billing
            .Of<ApplyUsage>()
            .ApplyAsync([traced, not], default, new Dictionary<Guid, string> { [FoldUsage.IdOf(traced)] = TraceLinks.Write([cause])! });
        Assert.Equal([cause], await OfAsync(org, Period, "traced"));
        Assert.Empty(await OfAsync(org, Period, "untraced"));
    }

    private async Task<ActivityContext[]> RecordAsync(Guid org, Instant usedAt, Instant now, string customer = "acme")
    {
        var (batch, cause) = (Batch(org, usedAt, customer), NewCause());
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        var traces = new Dictionary<Guid, string> { [FoldUsage.IdOf(batch)] = TraceLinks.Write([cause])! };
        await UsageTraces.RecordAsync(tx, [batch], traces, now, default);
        await tx.CommitAsync(default);
        return [cause];
    }

    private async Task<IEnumerable<ActivityContext>> OfAsync(Guid org, BillingPeriod period, string customer = "acme")
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        return (await UsageTraces.OfPeriodsAsync(tx, org, [(customer, period)], default))[(customer, period)].ToArray();
    }

    private UsageBatch Batch(Guid org, Instant at, string customer) =>
        billing.Store.Add(org, FakeIngestion.Event($"{customer}-{Guid.CreateVersion7()}", at, customer));

    private static ActivityContext NewCause() =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true);
}
