using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.WhatIf;
using Polaris.Billing.Persistence;
using Xunit;
using static Polaris.Billing.Domain.BillingInterval;
using static Polaris.Tests.Billing.BillingScene;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>From creating a subscription to its end: trial, pause, cancellation, backdating, coupons and one-off charges.</summary>
public sealed class SubscriptionLifeTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private readonly BillingAlone billing = alone.Billing;

    [Theory]
    [InlineData(Week, "UTC", "2026-01-07T00:00:00Z", null, null, 52)]
    [InlineData(Month, "America/New_York", "2026-01-31T05:00:00Z", null, null, 12)]
    [InlineData(Month, "Asia/Kolkata", "2026-01-14T18:30:00Z", 1, null, 12)]
    [InlineData(Quarter, "America/New_York", "2026-01-15T05:00:00Z", 31, 3, 4)]
    [InlineData(Year, "Asia/Kolkata", "2026-01-31T18:30:00Z", null, null, 1)]
    [InlineData(Week, "Pacific/Apia", "2011-06-03T11:00:00Z", null, null, 52)]
    [InlineData(Month, "Pacific/Apia", "2011-06-30T11:00:00Z", null, null, 12)]
    [InlineData(Quarter, "Pacific/Apia", "2011-06-30T11:00:00Z", null, null, 4)]
    [InlineData(Year, "Pacific/Apia", "2011-06-30T11:00:00Z", 30, 12, 1)]
    public async Task A_year_is_invoiced_period_by_period(
        BillingInterval interval,
        string zone,
        string start,
        int? day,
        int? month,
        int expected
    )
    {
        var (org, plan) = await OrgAsync(At(start));
        var row = await CreateAsync(
            org,
            new NewSubscription("acme", plan, At(start), Interval: interval, AnchorDay: day, AnchorMonth: month, TimeZone: zone)
        );
        await DraftUntilAsync(org, At(start) + Duration.FromDays(367));
        var invoices = (await InvoicesAsync(org)).Where(invoice => invoice.PeriodStart < invoice.PeriodEnd).ToArray();
        Assert.InRange(invoices.Length, expected, expected + 1);
        Assert.Equal(At(start), invoices[0].PeriodStart);
        Assert.All(invoices.Zip(invoices.Skip(1)), pair => Assert.Equal(pair.First.PeriodEnd, pair.Second.PeriodStart));
        var calendar = new PeriodCalendar(
            At(start),
            null,
            new BillingCycle(interval, row.AnchorDay, row.AnchorMonth),
            DateTimeZoneProviders.Tzdb[zone]
        );
        Assert.All(
            invoices,
            invoice => Assert.Equal(new BillingPeriod(invoice.PeriodStart, invoice.PeriodEnd), calendar.StartingAt(invoice.PeriodStart))
        );
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2026-01-15T00:00:00Z")]
    [InlineData("2026-03-01T00:00:00Z")]
    [InlineData("2026-03-01T00:15:00Z")]
    public async Task A_subscription_that_has_not_started_is_canceled_and_nothing_is_invoiced(string? at)
    {
        var (org, plan) = await OrgAsync(At("2026-02-01T00:00:00Z"));
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        for (var time = 0; time < 2; time++)
        {
            row = await EndAsync(org, new SubscriptionEnd(row.Id, at is null ? null : At(at), false));
            Assert.Equal((March, SubscriptionStatus.Canceled), (row.EndAt, SubscriptionStatuses.Of(row, At("2026-02-01T00:00:00Z"))));
        }

        await DraftUntilAsync(org, June);
        Assert.Empty(await InvoicesAsync(org));
        await Assert.ThrowsAsync<Polaris.ServiceDefaults.Errors.RefusedException>(() =>
            billing.InOrgAsync<PauseSubscription, SubscriptionRow>(org, pause => pause.PauseAsync(row.Id, null, false, default))
        );
    }

    [Fact]
    public async Task A_cancellation_is_taken_back_and_the_subscription_begins_as_agreed()
    {
        var (org, plan) = await OrgAsync(At("2026-02-01T00:00:00Z"));
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March, May));
        await EndAsync(org, new SubscriptionEnd(row.Id, null, false));
        row = await UndoAsync(org, row.Id);
        Assert.Equal((May, SubscriptionStatus.Scheduled), (row.EndAt, SubscriptionStatuses.Of(row, At("2026-02-01T00:00:00Z"))));
        await DraftUntilAsync(org, June);
        Assert.Equal(2, (await InvoicesAsync(org)).Count(invoice => invoice.PeriodStart < invoice.PeriodEnd));
    }

    [Fact]
    public async Task An_end_is_taken_back_until_its_period_is_invoiced()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        await DraftUntilAsync(org, April + Duration.FromDays(9));
        row = await EndAsync(org, new SubscriptionEnd(row.Id, April + Duration.FromDays(10), false, Credit: false));
        Assert.Equal((May, false), (row.PaidUntil, row.CreditUnused));
        row = await UndoAsync(org, row.Id);
        Assert.Equal((null, null, May, true), (row.EndAt, row.PaidUntil, row.NextPeriodEnd, row.CreditUnused));
        await EndAsync(org, new SubscriptionEnd(row.Id, April + Duration.FromDays(10), false));
        await DraftUntilAsync(org, May);
        Assert.Equal(("subscription_ended", "subscriptionId"), await RefusalAsync(() => UndoAsync(org, row.Id)));
    }

    [Fact]
    public async Task Billing_starts_at_the_end_of_the_trial()
    {
        var (org, plan) = await OrgAsync(March);
        await SendAsync(org, "in-trial", March + Duration.FromDays(3));
        await SendAsync(org, "billed", March + Duration.FromDays(20));
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March, TrialDays: 14, AnchorDay: 1));
        Assert.Equal(At("2026-03-15T00:00:00Z"), row.TrialEnd);
        Assert.Equal(SubscriptionStatus.Trialing, SubscriptionStatuses.Of(row, At("2026-03-14T23:45:00Z")));
        Assert.Equal(SubscriptionStatus.Active, SubscriptionStatuses.Of(row, At("2026-03-15T00:00:00Z")));
        await DraftUntilAsync(org, April + Duration.FromDays(1));
        var invoice = Assert.Single((await InvoicesAsync(org)), found => found.PeriodStart < found.PeriodEnd);
        Assert.Equal((At("2026-03-15T00:00:00Z"), April), (invoice.PeriodStart, invoice.PeriodEnd));
        Assert.Equal(1, invoice.Lines.Single(line => line.Charge == "calls").Quantity);
    }

    [Theory]
    [InlineData(false, "2026-03-10T00:00:00Z")]
    [InlineData(true, "2026-03-15T00:00:00Z")]
    public async Task An_end_in_the_trial_invoices_nothing(bool atPeriodEnd, string ends)
    {
        var (org, plan) = await OrgAsync(At("2026-03-10T00:00:00Z"));
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March, TrialEnd: At("2026-03-15T00:00:00Z")));
        row = await EndAsync(org, new SubscriptionEnd(row.Id, null, atPeriodEnd));
        Assert.Equal(At(ends), row.EndAt);
        await DraftUntilAsync(org, June);
        Assert.Empty(await InvoicesAsync(org));
        Assert.Equal(SubscriptionStatus.Canceled, SubscriptionStatuses.Of(row, June));
    }

    [Theory]
    [InlineData("2025-01-31T00:00:00Z", false, "far_past")]
    [InlineData("2025-02-01T00:00:00Z", false, null)]
    [InlineData("2020-02-01T00:00:00Z", true, null)]
    [InlineData("1980-01-01T00:00:00Z", true, "too_many_periods")]
    public async Task A_start_far_in_the_past_is_confirmed_and_makes_a_bounded_number_of_invoices(string start, bool confirm, string? rule)
    {
        var (org, plan) = await OrgAsync(At("2026-02-01T00:00:00Z"));
        var create = () => CreateAsync(org, new NewSubscription("acme", plan, At(start), Interval: Week, ConfirmBackdate: confirm));
        if (rule is not null)
            Assert.Equal((rule, "input[0].start"), await RefusalAsync(create));
        else
            await create();
    }

    [Fact]
    public async Task Periods_that_are_paused_as_a_whole_have_no_invoice()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        await SendAsync(org, "march", March + Duration.FromDays(1));
        await SendAsync(org, "may", May + Duration.FromDays(1));
        await SendAsync(org, "june", June + Duration.FromDays(20));
        for (var time = 0; time < 2; time++)
            row = await PauseAsync(org, row.Id, at: null, atPeriodEnd: true);
        Assert.Equal(("change_scheduled", "input.at"), await RefusalAsync(() => PauseAsync(org, row.Id, March + Duration.FromDays(3))));
        for (var time = 0; time < 2; time++)
            row = await ResumeAsync(org, row.Id, June + Duration.FromDays(9));
        Assert.Equal(SubscriptionStatus.Paused, SubscriptionStatuses.Of(row, May));
        Assert.Equal(SubscriptionStatus.Active, SubscriptionStatuses.Of(row, June + Duration.FromDays(9)));
        await DraftUntilAsync(org, At("2026-07-02T00:00:00Z"));
        var invoices = (await InvoicesAsync(org)).Where(invoice => invoice.PeriodStart < invoice.PeriodEnd).ToArray();
        Assert.Equal(
            [(March, April), (June, At("2026-07-01T00:00:00Z"))],
            invoices.Select(invoice => (invoice.PeriodStart, invoice.PeriodEnd))
        );
        Assert.Equal(1, invoices[1].Lines.Single(line => line.Charge == "calls").Quantity);
    }

    [Fact]
    public async Task A_change_at_the_start_of_a_billed_period_comes_after_billing()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        await DraftUntilAsync(org, April + Duration.FromDays(3));
        var other = billing.Plans.Add(Version(Guid.CreateVersion7().ToString(), "60", PerUnit("1")));
        Assert.Equal(
            ("period_invoiced", "input.at"),
            await RefusalAsync(() => ChangeAsync(org, row.Id, other, April - Duration.FromMinutes(15)))
        );
        var change = Assert.Single((await ChangeAsync(org, row.Id, other, April)).Changes);
        Assert.Equal((April, true), (change.StartsAt, change.AfterBilling));
        var later = billing.Plans.Add(Version(Guid.CreateVersion7().ToString(), "90", PerUnit("1")));
        Assert.False((await ChangeAsync(org, row.Id, later, April + Duration.FromDays(2))).Changes[^1].AfterBilling);
    }

    [Fact]
    public async Task Coupons_and_one_off_charges_are_stored_once()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        for (var time = 0; time < 2; time++)
        {
            await InAsync<Coupons, CouponRow>(org, coupons => coupons.CreateAsync(new NewCoupon("ten", "Ten", 10, null, null, 3), default));
            var applied = await InAsync<Coupons, AppliedCouponRow>(org, coupons => coupons.ApplyAsync(row.Id, "ten", March, default));
            Assert.Equal(March, applied.AppliedAt);
            var charge = await InAsync<CreateOneOffCharge, OneOffChargeRow>(
                org,
                charges => charges.HandleAsync(new NewOneOffCharge(row.Id, "setup", "Setup", 20, March + Duration.FromDays(2)), default)
            );
            Assert.Equal((20m, March + Duration.FromDays(2)), (charge.Amount, charge.At));
        }

        Assert.Equal(
            ("coupon_exists", "input.key"),
            await RefusalAsync(() =>
                InAsync<Coupons, CouponRow>(org, coupons => coupons.CreateAsync(new NewCoupon("ten", "Ten", 11, null, null, 3), default))
            )
        );
        Assert.Equal(
            ("charge_exists", "input.key"),
            await RefusalAsync(() =>
                InAsync<CreateOneOffCharge, OneOffChargeRow>(
                    org,
                    charges => charges.HandleAsync(new NewOneOffCharge(row.Id, "setup", "Setup", 21, null), default)
                )
            )
        );
        await InAsync<Coupons, CouponRow>(org, coupons => coupons.CreateAsync(new NewCoupon("yen", null, null, 10, "JPY", null), default));
        Assert.Equal(
            ("currency_mismatch", "input.coupon"),
            await RefusalAsync(() => InAsync<Coupons, AppliedCouponRow>(org, coupons => coupons.ApplyAsync(row.Id, "yen", null, default)))
        );
    }

    [Fact]
    public async Task The_preview_is_the_invoice_in_progress_with_coupons_one_off_charges_and_pending_adjustments()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        await InAsync<Coupons, CouponRow>(org, coupons => coupons.CreateAsync(new NewCoupon("ten", "Ten", 10, null, null, 3), default));
        await InAsync<Coupons, AppliedCouponRow>(org, coupons => coupons.ApplyAsync(row.Id, "ten", March, default));
        await InAsync<CreateOneOffCharge, OneOffChargeRow>(
            org,
            charges => charges.HandleAsync(new NewOneOffCharge(row.Id, "setup", "Setup", 20, March + Duration.FromDays(2)), default)
        );
        await DraftUntilAsync(org, March + Duration.FromDays(20));
        Assert.Equal(27m, Assert.Single(await InvoicesAsync(org)).Total);
        var march = await PreviewAsync(org);
        await DraftUntilAsync(org, April + Duration.FromDays(5));
        var drafted = (await InvoicesAsync(org)).Single(invoice => invoice.PeriodEnd == April);
        // 10 % off 30 and 20, less the 27 of the start, and April's 27.
        Assert.Equal((45m, 45m), (drafted.Total, march.Total));

        foreach (var invoice in await InvoicesAsync(org))
            await InAsync<Polaris.Billing.Features.Invoices.FinalizeInvoice, InvoiceRow>(
                org,
                finalize => finalize.HandleAsync(invoice.Id, default)
            );
        await SendAsync(org, "late", March + Duration.FromDays(9));
        var april = await PreviewAsync(org);
        Assert.Equal(0.90m, april.Pending.Sum(adjustment => adjustment.Line.Amount));
        await DraftUntilAsync(org, May + Duration.FromHours(1));
        Assert.Equal(april.Total, (await InvoicesAsync(org)).Single(invoice => invoice.PeriodEnd == May).Total);
        foreach (var invoice in await InvoicesAsync(org))
            Assert.True(
                (
                    await InAsync<Polaris.Billing.Features.Invoices.RecomputeInvoice, Polaris.Billing.Features.Invoices.Recomputation>(
                        org,
                        recompute => recompute.HandleAsync(invoice.Id, default)
                    )
                ).Identical
                    || invoice.PeriodEnd == April
            );
    }

    [Fact]
    public async Task An_end_at_the_boundary_that_is_billed_up_to_takes_the_fees_in_advance_back()
    {
        var (org, plan) = await OrgAsync(March);
        var row = await CreateAsync(org, new NewSubscription("acme", plan, March));
        await DraftUntilAsync(org, April + Duration.FromHours(1));
        Assert.Equal([30m, 30m], (await InvoicesAsync(org)).Select(invoice => invoice.Total));
        Assert.Equal(
            ("period_invoiced", "input.at"),
            await RefusalAsync(() => EndAsync(org, new SubscriptionEnd(row.Id, April, false, Credit: false)))
        );
        await EndAsync(org, new SubscriptionEnd(row.Id, April, false));
        await DraftUntilAsync(org, May);
        Assert.Equal(30m, (await InvoicesAsync(org)).Sum(invoice => invoice.Total));
        Assert.Equal(("subscription_ended", "subscriptionId"), await RefusalAsync(() => UndoAsync(org, row.Id)));
    }

    [Fact]
    public async Task Time_does_not_go_back_behind_invoices()
    {
        var (org, plan) = await OrgAsync(March);
        await CreateAsync(org, new NewSubscription("acme", plan, March));
        var ahead = SystemClock.Instance.GetCurrentInstant() + Duration.FromDays(400);
        await DraftUntilAsync(org, ahead);
        Assert.NotEmpty(await InvoicesAsync(org));
        Assert.Equal(
            ("clock_backwards", "now"),
            await RefusalAsync(() => billing.InOrgAsync<OrgClocks, ClockReading>(org, clocks => clocks.SetAsync(null, default)))
        );
    }

    private async Task<(Guid Org, string Plan)> OrgAsync(Instant now)
    {
        var org = await billing.NewOrgAsync(new MeterDefinition(Guid.CreateVersion7(), "calls", "call", MeterAggregation.Count, "", []));
        await ClockAsync(org, now);
        await billing.InOrgAsync<Polaris.Billing.Features.Customers.CreateCustomers, object>(
            org,
            async customers =>
                await customers.HandleAsync([new Polaris.Billing.Features.Customers.NewCustomer("acme", "Acme", null)], default)
        );
        var plan = Version(Guid.CreateVersion7().ToString(), "30", PerUnit("1"));
        billing.Plans.Add(plan);
        return (org, plan.PlanKey);
    }

    private async Task<SubscriptionRow> CreateAsync(Guid org, NewSubscription subscription) =>
        (await InAsync<CreateSubscriptions, IReadOnlyList<SubscriptionRow>>(org, create => create.HandleAsync([subscription], default)))[0];

    private async Task<UnstoredInvoice> PreviewAsync(Guid org) =>
        Assert.Single(
            await InAsync<PreviewInvoice, IReadOnlyList<UnstoredInvoice>>(org, preview => preview.HandleAsync("acme", null, [], default))
        );

    private Task<SubscriptionRow> EndAsync(Guid org, SubscriptionEnd end) =>
        InAsync<EndSubscription, SubscriptionRow>(org, ends => ends.HandleAsync(end, default));

    private Task<SubscriptionRow> UndoAsync(Guid org, Guid id) =>
        InAsync<EndSubscription, SubscriptionRow>(org, ends => ends.UndoAsync(id, default));

    private Task<SubscriptionRow> PauseAsync(Guid org, Guid id, Instant? at, bool atPeriodEnd = false) =>
        InAsync<PauseSubscription, SubscriptionRow>(org, pause => pause.PauseAsync(id, at, atPeriodEnd, default));

    private Task<SubscriptionRow> ResumeAsync(Guid org, Guid id, Instant? at) =>
        InAsync<PauseSubscription, SubscriptionRow>(org, pause => pause.ResumeAsync(id, at, false, default));

    private Task<SubscriptionRow> ChangeAsync(Guid org, Guid id, Wire.PlanVersion to, Instant at) =>
        InAsync<ChangePlan, SubscriptionRow>(
            org,
            changes => changes.HandleAsync(new NewPlanChange(id, null, Guid.Parse(to.Id), at, false), default)
        );

    private Task SendAsync(Guid org, string key, Instant at) => billing.ApplyAsync(billing.Store.Add(org, FakeIngestion.Event(key, at)));

    private Task<ClockReading> ClockAsync(Guid org, Instant now) =>
        InAsync<OrgClocks, ClockReading>(org, clocks => clocks.SetAsync(now, default));

    private async Task DraftUntilAsync(Guid org, Instant now)
    {
        await ClockAsync(org, now);
        while (await billing.DraftAsync(org) > 0)
        {
            // A chunk at a time.
        }
    }

    private Task<InvoiceRow[]> InvoicesAsync(Guid org) =>
        billing.InOrgAsync<BillingDbContext, InvoiceRow[]>(
            org,
            db =>
                db.InTransactionAsync(
                    ct =>
                        db.Invoices.AsNoTracking()
                            .Include(row => row.Lines)
                            .OrderBy(row => row.PeriodStart)
                            .ThenBy(row => row.Sequence)
                            .ToArrayAsync(ct),
                    default
                )
        );

    private Task<TResult> InAsync<T, TResult>(Guid org, Func<T, Task<TResult>> act)
        where T : notnull => billing.InOrgAsync(org, act);

    private static Instant At(string text) => OffsetDateTimePattern.ExtendedIso.Parse(text).Value.ToInstant();
}
