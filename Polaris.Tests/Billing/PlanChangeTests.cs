using NodaTime;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.WhatIf;
using Polaris.Billing.Persistence;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>Plan changes and early ends of a running subscription: its invoices before and after.</summary>
public sealed class PlanChangeTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant MidApril = Instant.FromUtc(2026, 4, 11, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    /// <summary>30 a month and two tiers of calls; three calls in March, which is invoiced, and three in April before the change.</summary>
    private async Task<BillingScene> SetUpAsync(Instant? end = null, Wire.Proration proration = Wire.Proration.Days)
    {
        var scene = await CreateAsync(billing, Version("old", "30", TwoTiers(), proration: proration), end);
        await scene.CallAsync(March + Duration.FromDays(1), "m1", "m2", "m3");
        await scene.CloseAsync(April);
        await scene.CallAsync(April + Duration.FromDays(1), "a1", "a2", "a3");
        await scene.ClockAsync(MidApril + Duration.FromMinutes(3));
        return scene;
    }

    private static Wire.PlanVersion Bigger(Wire.Proration proration = Wire.Proration.Days) =>
        Version("new", "60", PerUnit("0.10"), proration: proration);

    private static (string, decimal, decimal)[] Figures(InvoiceRow invoice) =>
        [.. invoice.Lines.Select(line => (line.Charge, line.Quantity, line.Amount))];

    [Fact]
    public async Task A_period_with_a_change_in_it_has_lines_of_both_versions_and_is_proved()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Bigger());
        await scene.CallAsync(MidApril + Duration.FromDays(3), "b1", "b2", "b3", "b4", "b5");
        await scene.CloseAsync(May);
        var invoices = await scene.InvoicesAsync();
        var (start, march, april) = (invoices[0], invoices[1], invoices[2]);
        // Billed at the start: March in advance; in March: April in advance.
        Assert.Equal([("base", 1m, 30m)], Figures(start));
        Assert.Equal((March, March), (start.PeriodStart, start.PeriodEnd));
        Assert.Equal([("base", 1m, 30m), ("calls", 3m, 3.50m)], Figures(march));
        // Refund for 20 of April's 30 days; 20 of 30 days of 60, and May in advance. Tiers start again.
        Assert.Equal([("base", 1m, -20m), ("calls", 3m, 3.50m), ("base", 1m, 100m), ("calls", 5m, 0.50m)], Figures(april));
        Assert.Equal((84.00m, "new"), (april.Total, april.PlanVersionHash));
        Assert.Equal(["old", "new"], april.PlanVersionHashes!);
        Assert.Null(march.PlanVersionHashes);
        Assert.Equal(
            [(April, MidApril), (April, MidApril), (MidApril, May), (MidApril, May)],
            april.Lines.Select(line => (line.SpanStart!.Value, line.SpanEnd!.Value))
        );
        Assert.Equal("Calls, 2026-04-11 to 2026-05-01", april.Lines[3].Name);
        await scene.VerifyAllAsync();

        // The next period has only the new version.
        await scene.CloseAsync(June);
        Assert.Equal([("base", 1m, 60m), ("calls", 0m, 0m)], Figures((await scene.InvoicesAsync())[3]));
        await scene.VerifyAllAsync();
    }

    [Fact]
    public async Task Late_usage_is_adjusted_by_the_version_that_held_then()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Bigger());
        await scene.CallAsync(MidApril + Duration.FromDays(3), "b1");
        await scene.CloseAsync(May);
        await scene.FinalizeAllAsync();
        await scene.CallAsync(April + Duration.FromDays(2), "late-old");
        await scene.CallAsync(MidApril + Duration.FromDays(4), "late-new");
        await scene.CloseAsync(June);
        var may = (await scene.InvoicesAsync())[3];
        Assert.Equal(
            [(April, 1m, 0.50m, 4L), (MidApril, 1m, 0.10m, 2L)],
            may.Lines.Where(line => line.AdjustsInvoiceId is not null)
                .Select(line => (line.SpanStart!.Value, line.Quantity, line.Amount, line.EventCount))
        );
        Assert.Equal(60.60m, may.Total);
        await scene.VerifyAsync(may);

        // What is already adjusted is not adjusted again.
        await scene.FinalizeAllAsync();
        await scene.VoidAsync("late-old");
        await scene.CloseAsync(Instant.FromUtc(2026, 7, 1, 0, 0));
        var june = (await scene.InvoicesAsync())[4];
        Assert.Equal(
            [(April, -1m, -0.50m, 3L)],
            june.Lines.Where(line => line.AdjustsInvoiceId is not null)
                .Select(line => (line.SpanStart!.Value, line.Quantity, line.Amount, line.EventCount))
        );
        await scene.VerifyAsync(june);
    }

    [Fact]
    public async Task An_invoice_made_before_the_change_stays_what_it_is_when_it_is_drafted_again()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Bigger());
        await scene.CallAsync(March + Duration.FromDays(2), "late");
        await scene.DraftAsync();
        Assert.Equal([("base", 1m, 30m), ("calls", 4m, 4.00m)], Figures((await scene.InvoicesAsync())[^1]));
        await scene.VerifyAllAsync();
    }

    [Fact]
    public async Task A_change_at_the_period_s_end_bills_no_fee_twice_and_can_be_taken_back_until_then()
    {
        var scene = await SetUpAsync();
        var next = Bigger();
        Assert.Equal(May, Assert.Single((await scene.ChangeAsync(next, atPeriodEnd: true)).Changes).StartsAt);
        Assert.Equal(("change_scheduled", "input.at"), await RefusalAsync(() => scene.ChangeAsync(Version("third", "1", PerUnit("1")))));
        Assert.Empty((await scene.CancelAsync()).Changes);
        await scene.ChangeAsync(next, atPeriodEnd: true);
        await scene.CloseAsync(June);
        var invoices = await scene.InvoicesAsync();
        // April was paid in advance, and its invoice bills the new version's fee of May.
        Assert.Equal([("base", 1m, 0m), ("calls", 3m, 3.50m), ("base", 1m, 60m)], Figures(invoices[2]));
        Assert.Equal([("base", 1m, 60m), ("calls", 0m, 0m)], Figures(invoices[3]));
        Assert.Equal(("old", "new"), (invoices[2].PlanVersionHash, invoices[3].PlanVersionHash));
        await scene.VerifyAllAsync();
    }

    [Fact]
    public async Task A_fee_that_is_not_prorated_is_shared_by_the_versions_of_a_period_and_never_due_twice()
    {
        var scene = await SetUpAsync(proration: Wire.Proration.None);
        await scene.ChangeAsync(Bigger(Wire.Proration.None));
        await scene.CloseAsync(May);
        var april = (await scene.InvoicesAsync())[2];
        Assert.Equal([("base", 1m, -20m), ("calls", 3m, 3.50m), ("base", 1m, 100m), ("calls", 0m, 0m)], Figures(april));
        await scene.VerifyAllAsync();
    }

    [Fact]
    public async Task An_early_end_gives_back_what_was_paid_beyond_it()
    {
        var scene = await SetUpAsync();
        await scene.ClockAsync(Instant.FromUtc(2026, 4, 16, 0, 2));
        var ended = await scene.EndAsync();
        Assert.Equal((Instant.FromUtc(2026, 4, 16, 0, 0), May), (ended.EndAt!.Value, ended.PaidUntil!.Value));
        Assert.Equal(ended.EndAt, (await scene.EndAsync()).EndAt);
        await scene.CallAsync(March + Duration.FromDays(2), "late");
        await scene.CloseAsync(June);
        var invoices = await scene.InvoicesAsync();
        // March's draft was replaced and has all of April in advance as before; 15 of April's 30 days are refunded.
        Assert.Equal([("base", 1m, 30m), ("calls", 4m, 4.00m)], Figures(invoices[1]));
        Assert.Equal([("base", 1m, -15m), ("calls", 3m, 3.50m)], Figures(invoices[2]));
        Assert.Equal((3, ended.EndAt), (invoices.Length, invoices[2].PeriodEnd));
        await scene.VerifyAllAsync();
        Assert.Equal(
            ("subscription_ended", "input.subscriptionId"),
            await RefusalAsync(() => scene.ChangeAsync(Bigger(), MidApril + Duration.FromDays(1)))
        );
    }

    [Fact]
    public async Task An_end_after_a_change_in_the_same_period_credits_the_old_version_and_bills_the_new_one_to_the_end()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Bigger());
        await scene.EndAsync(Instant.FromUtc(2026, 4, 21, 0, 0));
        await scene.CloseAsync(June);
        var invoices = await scene.InvoicesAsync();
        Assert.Equal([("base", 1m, 30m), ("calls", 3m, 3.50m)], Figures(invoices[1]));
        Assert.Equal([("base", 1m, -20m), ("calls", 3m, 3.50m), ("base", 1m, 20m), ("calls", 0m, 0m)], Figures(invoices[2]));
        Assert.Equal(3, invoices.Length);
        await scene.VerifyAllAsync();
    }

    [Fact]
    public async Task An_end_is_refused_where_it_is_invoiced_or_later_than_the_one_there_is()
    {
        var scene = await SetUpAsync(end: June);
        Assert.Equal(("period_invoiced", "input.at"), await RefusalAsync(() => scene.EndAsync(April - Duration.FromDays(1))));
        Assert.Equal(("ends_earlier", "input.at"), await RefusalAsync(() => scene.EndAsync(June + Duration.FromDays(1))));
        Assert.Equal(("not_aligned", "input.at"), await RefusalAsync(() => scene.EndAsync(June - Duration.FromMinutes(1))));
        Assert.Equal(May, (await scene.EndAsync(atPeriodEnd: true)).EndAt);
        Assert.Null((await scene.EndAsync(May)).PaidUntil);
    }

    [Fact]
    public async Task What_cannot_be_is_refused_with_field_and_rule()
    {
        var scene = await SetUpAsync(end: June);
        var (bigger, other) = (Version("bigger", "60", PerUnit("0.10")), Version("other", "1", PerUnit("1")));
        var (draft, dollars) = (Version("draft", "1", PerUnit("1")), Version("dollars", "1", PerUnit("1")));
        (draft.Status, dollars.Currency) = (Wire.VersionStatus.Draft, "USD");
        var at = MidApril + Duration.FromDays(1);
        NewPlanChange To(Guid? id, string? plan = null) => new(scene.Subscription, plan, id, at, false);
        Assert.Equal(
            ("unknown_subscription", "input.subscriptionId"),
            await RefusalAsync(() =>
                scene.ChangeAsync(new NewPlanChange(Guid.CreateVersion7(), null, Guid.Parse(billing.Plans.Add(bigger).Id), at, false))
            )
        );
        Assert.Equal(
            ("unknown_plan_version", "input.planVersionId"),
            await RefusalAsync(() => scene.ChangeAsync(To(Guid.CreateVersion7())))
        );
        Assert.Equal(("unknown_plan", "input.plan"), await RefusalAsync(() => scene.ChangeAsync(To(null, "nowhere"))));
        Assert.Equal(("one_of_two", "input.plan"), await RefusalAsync(() => scene.ChangeAsync(To(null))));
        Assert.Equal(("not_published", "input.planVersionId"), await RefusalAsync(() => scene.ChangeAsync(draft, at)));
        Assert.Equal(("currency_mismatch", "input.planVersionId"), await RefusalAsync(() => scene.ChangeAsync(dollars, at)));
        Assert.Equal(("one_of_two", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, at, atPeriodEnd: true)));
        Assert.Equal(("not_aligned", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, at + Duration.FromMinutes(1))));
        Assert.Equal(("before_start", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, March - Duration.FromDays(1))));
        Assert.Equal(("period_invoiced", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, March)));
        Assert.Equal(("period_invoiced", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, March + Duration.FromDays(3))));
        Assert.Equal(("after_end", "input.at"), await RefusalAsync(() => scene.ChangeAsync(bigger, June)));

        var changed = await scene.ChangeAsync(To(null, bigger.PlanKey));
        Assert.Equal(
            (at, Guid.Parse(bigger.Id), bigger.PlanKey),
            (changed.Changes[0].StartsAt, changed.Changes[0].PlanVersionId, changed.Changes[0].PlanKey)
        );
        // Repeating the same change is a no-op; any other change must be later.
        Assert.Single((await scene.ChangeAsync(bigger, at)).Changes);
        Assert.Equal(("change_scheduled", "input.at"), await RefusalAsync(() => scene.ChangeAsync(other, at)));
        Assert.Equal(("change_scheduled", "input.at"), await RefusalAsync(() => scene.ChangeAsync(other, at - Duration.FromDays(1))));
        Assert.Equal(("change_scheduled", "input.at"), await RefusalAsync(() => scene.ChangeAsync(other, at + Duration.FromDays(1))));
        await scene.ClockAsync(at + Duration.FromDays(2));
        Assert.Equal(
            ("same_version", "input.planVersionId"),
            await RefusalAsync(() => scene.ChangeAsync(bigger, at + Duration.FromDays(1)))
        );
        Assert.Single((await scene.ChangeAsync(bigger)).Changes);
        Assert.Equal(2, (await scene.ChangeAsync(other)).Changes.Count);
    }

    [Fact]
    public async Task Usage_in_progress_previews_and_comparisons_know_of_the_change()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Bigger());
        await scene.CallAsync(MidApril, "b1");
        await scene.ClockAsync(MidApril + Duration.FromDays(2));
        var current = await billing.InOrgAsync<ReadCurrentUsage, IReadOnlyList<ChargeInProgress>>(
            scene.Org,
            usage => usage.HandleAsync("acme", default)
        );
        Assert.Equal(
            [(April, MidApril, 3m, 3.50m), (MidApril, May, 1m, 0.10m)],
            current.Select(line => (line.Period.Start, line.Period.End, line.Quantity, line.Amount))
        );
        var preview = Assert.Single(
            await billing.InOrgAsync<PreviewInvoice, IReadOnlyList<UnstoredInvoice>>(
                scene.Org,
                previews => previews.HandleAsync("acme", null, [new AssumedQuantity("calls", 7, 7)], default)
            )
        );
        Assert.Equal([-20m, 3.50m, 100m, 0.70m], preview.Rated.Lines.Select(line => line.Amount));

        await scene.CloseAsync(May);
        var april = (await scene.InvoicesAsync())[2];
        var third = billing.Plans.Add(Version("third", "0", PerUnit("1")));
        var comparison = await billing.InOrgAsync<WhatIf, Comparison>(
            scene.Org,
            whatIf => whatIf.HandleAsync(Guid.Parse(third.Id), March, June, null, 10, null, default)
        );
        Assert.Equal([30m, 33.50m, april.Total], comparison.Periods.Select(period => period.Now.Rated.Total));
        Assert.Equal(april.ResultHash, comparison.Periods[2].Now.Rated.ResultHash);
        Assert.Equal([0m, 3m, 4m], comparison.Periods.Select(period => period.Then.Rated.Total));
    }

    [Fact]
    public async Task An_event_is_on_the_line_of_the_version_that_held_when_it_happened()
    {
        var scene = await SetUpAsync();
        await scene.ChangeAsync(Version("new", "60", PerUnit("0.10"), charge: "requests"));
        await scene.CallAsync(MidApril, "b1");
        await scene.CloseAsync(May);
        var located = await billing
            .Of<LocateEvents>()
            .HandleAsync(
                scene.Org,
                [
                    .. new[] { "a1", "b1" }
                        .Select(scene.Sent)
                        .Select(pair => new EventToLocate(
                            pair.Event.IdempotencyKey,
                            FoldUsage.IdOf(pair.Batch),
                            pair.Event.Customer,
                            pair.Event.TimestampUs,
                            pair.Event.Type,
                            pair.Event.Properties.Memory
                        )),
                ],
                default
            );
        Assert.Equal(["calls", "requests"], located.Select(found => Assert.Single(Assert.Single(found.Counted).Lines).Charge));
    }
}
