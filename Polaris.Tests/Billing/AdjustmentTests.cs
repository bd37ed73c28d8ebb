using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Changes after an invoice is final become adjustment lines, each verifiable from raw events.</summary>
public sealed class AdjustmentTests(PolarisApp polaris, BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly MeterDefinition Calls = new(
        Guid.Parse("0192e4a0-0000-7000-8000-000000000001"),
        "calls",
        "call",
        MeterAggregation.Count,
        "",
        []
    );
    private static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);
    private static readonly Instant May = Instant.FromUtc(2026, 5, 1, 0, 0);
    private static readonly Instant June = Instant.FromUtc(2026, 6, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_void_after_finalizing_is_a_credit_on_the_next_invoice_and_both_are_proved()
    {
        var org = await SetUpAsync(calls: 3);
        await CloseAsync(org, April);
        var march = (await InvoicesAsync(org)).Single();
        await FinalizeAsync(org, march);
        await VoidAsync(org, "k0", "k1");
        Assert.Equal(0, await billing.DraftAsync(org)); // It waits for the next period's end.

        await CloseAsync(org, May);
        var (final, april) = Two(await InvoicesAsync(org));
        Assert.Equal((march.ResultHash, 4.50m), (final.ResultHash, final.Total));
        // 1.00 for the month, and 1.50 instead of 3 × 1.50 less 0.75 each beyond two: 1.00 + (1.50 − 3.50).
        var line = Assert.Single(april.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        Assert.Equal(
            (march.Id, final.Number, "calls", -2m, -2.00m, 1L),
            (line.AdjustsInvoiceId!.Value, line.AdjustsNumber, line.Charge, line.Quantity, line.Amount, line.EventCount)
        );
        Assert.Equal(-1.00m, april.Total);
        Assert.Equal(line.UnroundedAmount, InvoiceRows.Steps(line).Sum(step => decimal.Parse(step.Amount)));
        Assert.Equal(["Was: 3, already invoiced", "Is now: Above 0 up to 2"], InvoiceRows.Steps(line).Select(step => step.Label));
        Assert.True((await RecomputeAsync(org, april)).Identical);
        Assert.Equal(
            [("calls", "quantity", "3", "1")],
            (await RecomputeAsync(org, march))
                .Differences.Where(difference => difference.Field == "quantity")
                .Select(difference => (difference.Charge, difference.Field, difference.Stored, difference.Recomputed))
        );
    }

    [Fact]
    public async Task A_draft_in_progress_takes_the_difference_and_gives_it_back()
    {
        var org = await SetUpAsync(calls: 1);
        await CloseAsync(org, May);
        var (march, april) = Two(await InvoicesAsync(org));
        await FinalizeAsync(org, march);
        await LateAsync(org, "late", March + Duration.FromDays(3));
        Assert.Equal(1, await billing.DraftAsync(org));
        Assert.Equal(2.50m, (await InvoicesAsync(org))[1].Total);
        Assert.True((await RecomputeAsync(org, (await InvoicesAsync(org))[1])).Identical);
        await VoidAsync(org, "late");
        Assert.Equal(1, await billing.DraftAsync(org));
        var back = (await InvoicesAsync(org))[1];
        Assert.Equal((april.Total, april.ResultHash, april.Lines.Count), (back.Total, back.ResultHash, back.Lines.Count));
    }

    [Fact]
    public async Task A_second_change_bills_only_what_the_first_adjustment_did_not()
    {
        var org = await SetUpAsync(calls: 1);
        await CloseAsync(org, April);
        await FinalizeAsync(org, (await InvoicesAsync(org))[0]);
        await LateAsync(org, "late-1", March + Duration.FromDays(3));
        await CloseAsync(org, May);
        await FinalizeAsync(org, (await InvoicesAsync(org))[1]);
        await LateAsync(org, "late-2", March + Duration.FromDays(4));
        await CloseAsync(org, June);
        var may = (await InvoicesAsync(org))[2];
        // The second call cost 1.50, the third 0.50.
        Assert.Equal(
            [(1m, 0.50m, 3L)],
            may.Lines.Where(line => line.Kind == InvoiceLineKinds.Adjustment).Select(line => (line.Quantity, line.Amount, line.EventCount))
        );
        Assert.True((await RecomputeAsync(org, may)).Identical);
    }

    [Fact]
    public async Task After_a_subscription_s_end_the_difference_gets_an_invoice_of_its_own()
    {
        var org = await SetUpAsync(calls: 1);
        await CloseAsync(org, June);
        foreach (var invoice in await InvoicesAsync(org))
            await FinalizeAsync(org, invoice);
        await LateAsync(org, "late-1", March + Duration.FromDays(3));
        Assert.Equal(1, await billing.DraftAsync(org));
        Assert.Equal(0, await billing.DraftAsync(org));
        var closing = (await InvoicesAsync(org))[3];
        Assert.Equal((1.50m, June, June, 1), (closing.Total, closing.PeriodStart, closing.PeriodEnd, closing.Lines.Count));
        Assert.True((await RecomputeAsync(org, closing)).Identical);

        // The draft takes further changes; once it is final, the next change gets another draft.
        await LateAsync(org, "late-2", April + Duration.FromDays(3));
        Assert.Equal(1, await billing.DraftAsync(org));
        closing = (await InvoicesAsync(org))[3];
        Assert.Equal((3.00m, 2), (closing.Total, closing.Lines.Count));
        await FinalizeAsync(org, closing);
        await VoidAsync(org, "late-1");
        Assert.Equal(1, await billing.DraftAsync(org));
        Assert.Equal([-1.50m], (await InvoicesAsync(org)).Skip(4).Select(invoice => invoice.Total));
        Assert.True((await RecomputeAsync(org, (await InvoicesAsync(org))[4])).Identical);
    }

    [Fact]
    public async Task No_invoice_is_drafted_over_a_bucket_that_is_about_to_be_counted_anew()
    {
        var org = await SetUpAsync(calls: 2);
        await billing.ApplyAsync(Void(org, "k0"));
        await billing.InOrgAsync<OrgClocks, ClockReading>(org, clocks => clocks.SetAsync(April + Duration.FromDays(1), default));
        Assert.Equal(0, await billing.DraftAsync(org));
        await billing.RebuildAsync();
        Assert.Equal(1, await billing.DraftAsync(org));
        Assert.Equal(2.50m, (await InvoicesAsync(org))[0].Total);
    }

    [Fact]
    public async Task An_event_is_on_the_line_that_was_open_when_it_came()
    {
        var org = await SetUpAsync(calls: 1);
        await CloseAsync(org, April);
        var march = (await InvoicesAsync(org))[0];
        await FinalizeAsync(org, march);
        await polaris.UntilAsync(
            "the next millisecond",
            () =>
                Task.FromResult(
                    TimeProvider.System.GetCurrentInstant() - (march.FinalizedAt ?? march.CreatedAt) > Duration.FromMilliseconds(50)
                )
        );
        await LateAsync(org, "late", March + Duration.FromDays(3));
        Assert.Equal(
            [
                ["INV-00000001"],
                [],
            ],
            await NumbersAsync(org, "k0", "late")
        );
        await CloseAsync(org, May);
        Assert.Equal(
            [
                ["INV-00000001"],
                [""], // A draft has no number.
            ],
            await NumbersAsync(org, "k0", "late")
        );
    }

    private readonly Dictionary<(Guid, string), (UsageBatch Batch, UsageEvent Event)> sent = [];

    /// <summary>March to May on 1.00 a month and 1.50 a call up to the second, 0.50 beyond; some calls in March.</summary>
    private async Task<Guid> SetUpAsync(int calls)
    {
        var org = await billing.NewOrgAsync(Calls);
        var plan = new Polaris.Plans.V1.PlanVersion
        {
            Id = Guid.CreateVersion7().ToString(),
            PlanKey = "p",
            Number = 1,
            Currency = "EUR",
            Hash = "h",
        };
        plan.Charges.Add(
            new Polaris.Plans.V1.Charge
            {
                Key = "base",
                Name = "Base",
                Price = new() { Flat = new() { Amount = "1.00" } },
            }
        );
        var tiers = new Polaris.Plans.V1.TieredPrice();
        tiers.Tiers.Add(new Polaris.Plans.V1.Tier { UpTo = "2", UnitPrice = "1.50" });
        tiers.Tiers.Add(new Polaris.Plans.V1.Tier { UnitPrice = "0.50" });
        plan.Charges.Add(
            new Polaris.Plans.V1.Charge
            {
                Key = "calls",
                Name = "Calls",
                Meter = "calls",
                Price = new() { Graduated = tiers },
            }
        );
        await billing.InOrgAsync<BillingDbContext, int>(
            org,
            db =>
                db.InTransactionAsync(
                    ct =>
                    {
                        db.PlanVersions.Add(
                            new PlanVersionRow
                            {
                                OrgId = org,
                                Id = Guid.Parse(plan.Id),
                                PlanKey = "p",
                                Message = plan.ToByteArray(),
                            }
                        );
                        db.Subscriptions.Add(
                            new SubscriptionRow
                            {
                                OrgId = org,
                                Id = Guid.CreateVersion7(),
                                CustomerKey = "acme",
                                PlanKey = "p",
                                PlanVersionId = Guid.Parse(plan.Id),
                                StartAt = March,
                                EndAt = June,
                                AnchorDay = 1,
                                NextPeriodStart = March,
                                NextPeriodEnd = April,
                            }
                        );
                        return db.SaveChangesAsync(ct);
                    },
                    default
                )
        );
        for (var i = 0; i < calls; i++)
            await LateAsync(org, $"k{i}", March + Duration.FromHours(i));
        return org;
    }

    private async Task LateAsync(Guid org, string key, Instant at)
    {
        var usageEvent = FakeIngestion.Event(key, at);
        var batch = billing.Store.Add(org, usageEvent);
        sent[(org, key)] = (batch, usageEvent);
        await billing.ApplyAsync(batch);
    }

    private UsageBatch Void(Guid org, string key)
    {
        var (batch, earlier) = sent[(org, key)];
        return billing.Store.Add(
            org,
            FakeIngestion.Event($"void-{key}", March, corrects: FakeIngestion.Of(batch, earlier, replaces: false))
        );
    }

    private async Task VoidAsync(Guid org, params string[] keys)
    {
        await billing.ApplyAsync([.. keys.Select(key => Void(org, key))]);
        await billing.RebuildAsync();
    }

    private async Task CloseAsync(Guid org, Instant end)
    {
        await billing.InOrgAsync<OrgClocks, ClockReading>(org, clocks => clocks.SetAsync(end + Duration.FromDays(1), default));
        while (await billing.DraftAsync(org) > 0)
        {
            // One period at a time.
        }
    }

    private Task<InvoiceRow> FinalizeAsync(Guid org, InvoiceRow invoice) =>
        billing.InOrgAsync<FinalizeInvoice, InvoiceRow>(org, finalize => finalize.HandleAsync(invoice.Id, default));

    private Task<Recomputation> RecomputeAsync(Guid org, InvoiceRow invoice) =>
        billing.InOrgAsync<RecomputeInvoice, Recomputation>(org, recompute => recompute.HandleAsync(invoice.Id, default));

    private async Task<InvoiceRow[]> InvoicesAsync(Guid org) =>
        await billing.InOrgAsync<BillingDbContext, InvoiceRow[]>(
            org,
            db =>
                db.InTransactionAsync(
                    ct =>
                        db.Invoices.AsNoTracking()
                            .Include(row => row.Lines.OrderBy(line => line.Ordinal))
                            .OrderBy(row => row.Sequence)
                            .ToArrayAsync(ct),
                    default
                )
        );

    private static (InvoiceRow, InvoiceRow) Two(InvoiceRow[] invoices)
    {
        Assert.Equal(2, invoices.Length);
        return (invoices[0], invoices[1]);
    }

    private async Task<string[][]> NumbersAsync(Guid org, params string[] keys)
    {
        var located = await billing
            .Of<LocateEvents>()
            .HandleAsync(
                org,
                [
                    .. keys.Select(key => sent[(org, key)])
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
        return [.. located.Select(found => found.Counted.SelectMany(counted => counted.Lines).Select(line => line.Number).ToArray())];
    }
}
