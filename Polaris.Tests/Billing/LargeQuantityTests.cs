using System.Globalization;
using System.Numerics;
using CsCheck;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>Sums with more digits than a decimal holds never give a wrong figure and affect only the charges that need them.</summary>
public sealed class LargeQuantityTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    /// <summary>The largest value that counts; the sum of 80,000 of them exceeds a decimal.</summary>
    private const string Largest = "999999999999999.999999999";
    private const int Many = 40_001;

    private static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_sum_beyond_decimals_is_counted_exactly_and_holds_the_invoices_that_need_it_and_no_others()
    {
        var meters = new[] { MeterAggregation.Sum, MeterAggregation.Average, MeterAggregation.WeightedSum }
            .Select(aggregation => new MeterDefinition(Guid.CreateVersion7(), $"{aggregation}", "call", aggregation, "n", []))
            .ToArray();
        var org = await billing.NewOrgAsync(meters);
        await SubscribeAsync(org, "huge", "Sum");
        await SubscribeAsync(org, "steady", "Average");
        await SubscribeAsync(org, "level", "WeightedSum");
        await SubscribeAsync(org, "modest", "Sum");
        foreach (var customer in new[] { "huge", "steady", "level" })
        {
            // Each of the two fits; together, in one fold or one period, they do not.
            await billing.ApplyAsync(Batch(org, customer, March, Largest), Batch(org, customer, March, Largest));
            await billing.ApplyAsync(Batch(org, customer, March + Buckets.Size, Largest));
        }

        await billing.ApplyAsync(billing.Store.Add(org, FakeIngestion.Event("one", March, "modest", """{"n":7}""")));
        Assert.Equal(["80001999999999999999.999919998", "40000999999999999999.999959999"], await TotalsAsync(org, "huge"));

        await billing.InOrgAsync<OrgClocks, ClockReading>(org, clocks => clocks.SetAsync(April + Duration.FromDays(1), default));
        while (await billing.DraftAsync(org) > 0)
        {
            // Until nothing is due.
        }

        var invoices = await billing.InOrgAsync<ReadInvoices, Page<InvoiceRow>>(org, read => read.PageAsync(10, null, null, null, default));
        Assert.Equal(
            [("modest", 7.00m), ("steady", 1_000_000_000_000_000.00m)],
            invoices.Rows.Select(row => (row.CustomerKey, row.Total)).Order()
        );
        var held = await billing.InOrgAsync<HeldInvoices, List<SubscriptionRow>>(org, read => read.ListAsync(default));
        Assert.Equal(["huge", "level"], held.Select(row => row.CustomerKey).Order());

        // A query for it is rejected with the reason; quantities that fit are answered and verified from the events.
        var usage = billing.Of<ReadUsage>();
        Assert.Equal(
            "quantity_too_large",
            (await Assert.ThrowsAsync<RefusedException>(() => usage.TotalAsync(org, "Sum", March, April, "huge", default))).Refusal.Code
        );
        Assert.Equal(
            40_000_999_999_999_999_999.999959999m,
            (await usage.TotalAsync(org, "Sum", March + Buckets.Size, April, "huge", default)).Quantity
        );
        var steady = invoices.Rows.Single(row => row.CustomerKey == "steady");
        Assert.True(
            (
                await billing.InOrgAsync<RecomputeInvoice, Recomputation>(org, recompute => recompute.HandleAsync(steady.Id, default))
            ).Identical
        );
        Assert.Empty(await billing.Of<CompareAggregates>().HandleAsync(org, March, March + Duration.FromHours(1), default));
    }

    private UsageBatch Batch(Guid org, string customer, Instant at, string value) =>
        billing.Store.Add(
            org,
            [
                .. Enumerable
                    .Range(0, Many)
                    .Select(_ => FakeIngestion.Event(Guid.CreateVersion7().ToString(), at, customer, $$"""{"n":"{{value}}"}""")),
            ]
        );

    private Task<int> SubscribeAsync(Guid org, string customer, string meter) =>
        billing.InOrgAsync<BillingDbContext, int>(
            org,
            db =>
                db.InTransactionAsync(
                    ct =>
                    {
                        var plan = new Wire.PlanVersion
                        {
                            Id = Guid.CreateVersion7().ToString(),
                            PlanKey = "p",
                            Number = 1,
                            Currency = "EUR",
                            Hash = "h",
                        };
                        plan.Charges.Add(
                            new Wire.Charge
                            {
                                Key = "c",
                                Name = "C",
                                Meter = meter,
                                Price = new() { PerUnit = new() { UnitPrice = "1" } },
                            }
                        );
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
                                CustomerKey = customer,
                                PlanKey = "p",
                                PlanVersionId = Guid.Parse(plan.Id),
                                StartAt = March,
                                EndAt = April,
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

    private async Task<string[]> TotalsAsync(Guid org, string customer)
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command(
            """
            SELECT array(SELECT a.total::text FROM usage_aggregates a JOIN meters m ON m.org_id = a.org_id AND m.id = a.meter_id
              WHERE a.org_id = $1 AND a.customer_key = $2 AND m.key = 'Sum' ORDER BY a.bucket_start)
            """
        );
        command.Parameters.AddWithValue(org);
        command.Parameters.AddWithValue(customer);
        return (string[])(await command.ExecuteScalarAsync())!;
    }
}
