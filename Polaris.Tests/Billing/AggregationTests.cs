using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>Every aggregation from events to invoice, through the tables: merged in any order, verified from raw events.</summary>
public sealed class AggregationTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant February = Instant.FromUtc(2026, 2, 20, 0, 0);
    private static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);
    private static readonly Instant May = Instant.FromUtc(2026, 5, 1, 0, 0);
    private static readonly Instant June = Instant.FromUtc(2026, 6, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    // Half of March is 15 days and 12 hours.
    private static readonly (Instant At, string Properties)[] Events =
    [
        (February, """{"n":10,"region":"eu"}"""),
        (March, """{"n":4,"region":"eu"}"""),
        (Instant.FromUtc(2026, 3, 16, 12, 0), """{"n":-6,"region":"us"}"""),
        (Instant.FromUtc(2026, 3, 16, 12, 10), """{"n":5}"""),
    ];

    [Theory]
    [InlineData(0, 1, 2, 3)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(2, 0, 3, 1)]
    public async Task Every_aggregation_is_the_same_in_whatever_order_events_come(params int[] order)
    {
        var org = await SetUpAsync(EveryAggregation());
        await SendAsync(org, [.. order.Select(i => Events[i])]);
        await CloseAsync(org, April);
        var march = Assert.Single(await InvoicesAsync(org));
        // 10 until the month begins, then 14, 8 from its middle on, 13 ten minutes later: 13.5 less 5 × 600 of 2,678,400 seconds.
        Assert.Equal(
            [
                ("Count", 3m),
                ("Sum", 3m),
                ("Max", 5m),
                ("UniqueCount", 3m),
                ("Min", -6m),
                ("Average", 1m),
                ("Latest", 5m),
                ("WeightedSum", 13.498879928315m),
                ("regions", 3m),
            ],
            march.Lines.Take(9).Select(line => (line.Charge, line.Quantity))
        );
        // 2 for each of eu's 4 units, 1 for the others' -6 and 5.
        Assert.Equal(7.00m, march.Lines[8].Amount);
        Assert.Equal(["(none)", "eu", "us"], InvoiceRows.Steps(march.Lines[8]).Select(step => step.Label));
        Assert.Equal("8", Assert.Single(InvoiceRows.Steps(march.Lines[8])[1].Children!).Amount);
        Assert.Equal([("discount", -3.45m), ("tax", 6.21m)], march.Lines.Skip(9).Select(line => (line.Kind, line.Amount)));
        Assert.Equal((37.26m, 6.21m), (march.Total, march.Tax));
        Assert.True((await RecomputeAsync(org, march)).Identical);
    }

    [Fact]
    public async Task A_level_lasts_into_the_next_period_and_a_late_change_of_it_corrects_every_later_one()
    {
        var org = await SetUpAsync(EveryAggregation());
        await SendAsync(org, Events);
        await CloseAsync(org, May);
        var april = (await InvoicesAsync(org))[1];
        Assert.Equal(
            (13m, 13.00m, 0L),
            (Of(april, "WeightedSum").Quantity, Of(april, "WeightedSum").Amount, Of(april, "WeightedSum").EventCount)
        );
        Assert.Equal(13m, (await billing.Of<ReadUsage>().TotalAsync(org, "WeightedSum", April, May, "acme", default)).Quantity);
        Assert.True((await RecomputeAsync(org, april)).Identical);
        foreach (var invoice in await InvoicesAsync(org))
            await FinalizeAsync(org, invoice);

        await SendAsync(org, [(February, """{"n":1,"region":"eu"}""")]);
        await CloseAsync(org, June);
        var may = (await InvoicesAsync(org))[2];
        Assert.Equal(14m, Of(may, "WeightedSum").Quantity);
        var corrections = may.Lines.Where(line => line.Kind == InvoiceLineKinds.Adjustment && line.Charge == "WeightedSum").ToArray();
        Assert.Equal([1m, 1m], corrections.Select(line => line.Quantity));
        Assert.True((await RecomputeAsync(org, may)).Identical);
    }

    [Fact]
    public async Task A_wrong_figure_of_any_aggregation_is_found()
    {
        var org = await SetUpAsync(EveryAggregation());
        await SendAsync(org, Events);
        var compare = billing.Of<CompareAggregates>();
        Assert.Empty(await compare.HandleAsync(org, February, April, default));
        foreach (var column in new[] { "min_value", "latest_value", "latest_at", "moment" })
        {
            await ExecuteAsync(
                org,
                $"UPDATE usage_aggregates SET {column} = {column} + 1 WHERE org_id = $1 AND bucket_start >= '2026-03-16Z'"
            );
            Assert.Single(await compare.HandleAsync(org, February, April, default));
            await billing.RebuildAsync();
            Assert.Empty(await compare.HandleAsync(org, February, April, default));
        }
    }

    [Fact]
    public async Task An_invoice_of_the_first_engine_is_recomputed_by_it()
    {
        var plan = Plan(("count", "0.333333333333"));
        var org = await SetUpAsync(plan, new MeterDefinition(Guid.CreateVersion7(), "count", "call", MeterAggregation.Count, "", []));
        await SendAsync(org, Events);
        await CloseAsync(org, April);
        var march = Assert.Single(await InvoicesAsync(org));
        Assert.Equal(RatingEngine.Version, march.EngineVersion);
        var charge = new Charge("count", "count", "count", new PerUnitPrice(0.333333333333m));
        var first = RatingEngineV1.Rate(
            new InvoiceSubject(march.SubscriptionId, "acme", new BillingPeriod(March, April)),
            new PlanVersion(march.PlanVersionId, "p", "EUR", plan.Hash, [charge]),
            new Dictionary<string, MeterUsage>
            {
                ["count"] = new(3, march.Lines[0].EventCount, decimal.ToUInt64(march.Lines[0].EventDigest)),
            },
            2
        );
        Assert.NotEqual(march.ResultHash, first.ResultHash);
        await ExecuteAsync(org, $"UPDATE invoices SET engine_version = '1', result_hash = '{first.ResultHash}' WHERE org_id = $1");
        Assert.True((await RecomputeAsync(org, march)).Identical);
    }

    [Fact]
    public async Task An_amount_that_fits_no_invoice_holds_up_nobody_else()
    {
        var sum = new MeterDefinition(Guid.CreateVersion7(), "sum", "call", MeterAggregation.Sum, "n", []);
        var org = await SetUpAsync(Plan(("sum", "999999999999")), sum);
        await SubscribeAsync(org, Plan(("sum", "1")), "modest");
        await SendAsync(org, [(March, """{"n":"999999999999999"}""")]);
        await CloseAsync(org, April);
        Assert.Equal("modest", Assert.Single(await InvoicesAsync(org)).CustomerKey);
    }

    [Fact]
    public async Task A_shortened_period_costs_its_share()
    {
        var plan = Plan();
        plan.Charges.Add(
            new Wire.Charge
            {
                Key = "fee",
                Name = "Fee",
                Price = new() { Flat = new() { Amount = "10" } },
            }
        );
        plan.Terms = new Wire.Terms { Proration = Wire.Proration.Days };
        var org = await billing.NewOrgAsync();
        await SubscribeAsync(org, plan, "acme", Instant.FromUtc(2026, 4, 15, 0, 0), May);
        await CloseAsync(org, May);
        var april = Assert.Single(await InvoicesAsync(org));
        Assert.Equal((5.33m, "30"), (april.Total, Assert.Single(InvoiceRows.Steps(april.Lines[0])).Divisor));
        Assert.True((await RecomputeAsync(org, april)).Identical);
    }

    private static InvoiceLineRow Of(InvoiceRow invoice, string charge) =>
        invoice.Lines.Single(line => line.Charge == charge && line.Kind == InvoiceLineKinds.Charge);

    private static MeterDefinition[] MetersOfEveryAggregation() =>
        [
            .. Enum.GetValues<MeterAggregation>()
                .Select(aggregation => new MeterDefinition(
                    Guid.CreateVersion7(),
                    $"{aggregation}",
                    "call",
                    aggregation,
                    aggregation == MeterAggregation.Count ? "" : "n",
                    []
                )),
            new MeterDefinition(Guid.CreateVersion7(), "regions", "call", MeterAggregation.Sum, "n", [], ["region"]),
        ];

    /// <summary>1 for each unit of each meter, 2 for those in eu; 10 % off, then 20 % tax.</summary>
    private static Wire.PlanVersion EveryAggregation()
    {
        var plan = Plan([.. Enum.GetNames<MeterAggregation>().Append("regions").Select(meter => (meter, "1"))]);
        plan.Charges[^1]
            .DimensionPrices.Add(
                new Wire.DimensionPrice
                {
                    Values = { "eu" },
                    Price = new() { PerUnit = new() { UnitPrice = "2" } },
                }
            );
        plan.Terms = new Wire.Terms();
        plan.Terms.Discounts.Add(
            new Wire.Discount
            {
                Key = "loyal",
                Name = "Loyal",
                Percent = "10",
            }
        );
        plan.Terms.Taxes.Add(
            new Wire.TaxRate
            {
                Key = "vat",
                Name = "VAT",
                Percent = "20",
            }
        );
        return plan;
    }

    private static Wire.PlanVersion Plan(params (string Meter, string UnitPrice)[] charges)
    {
        var plan = new Wire.PlanVersion
        {
            Id = Guid.CreateVersion7().ToString(),
            PlanKey = "p",
            Number = 1,
            Currency = "EUR",
            Hash = "h",
        };
        plan.Charges.AddRange(
            charges.Select(one => new Wire.Charge
            {
                Key = one.Meter,
                Name = one.Meter,
                Meter = one.Meter,
                Price = new() { PerUnit = new() { UnitPrice = one.UnitPrice } },
            })
        );
        return plan;
    }

    private async Task<Guid> SetUpAsync(Wire.PlanVersion plan, params MeterDefinition[] meters)
    {
        var org = await billing.NewOrgAsync(meters.Length == 0 ? MetersOfEveryAggregation() : meters);
        await SubscribeAsync(org, plan, "acme");
        return org;
    }

    private Task<int> SubscribeAsync(Guid org, Wire.PlanVersion plan, string customer, Instant? start = null, Instant? firstEnd = null) =>
        billing.InOrgAsync<BillingDbContext, int>(
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
                                CustomerKey = customer,
                                PlanKey = "p",
                                PlanVersionId = Guid.Parse(plan.Id),
                                StartAt = start ?? March,
                                EndAt = June,
                                AnchorDay = 1,
                                NextPeriodStart = start ?? March,
                                NextPeriodEnd = firstEnd ?? April,
                            }
                        );
                        return db.SaveChangesAsync(ct);
                    },
                    default
                )
        );

    /// <summary>Each event in a batch and a transaction of its own.</summary>
    private async Task SendAsync(Guid org, (Instant At, string Properties)[] events)
    {
        foreach (var (at, properties) in events)
            await billing.ApplyAsync(billing.Store.Add(org, FakeIngestion.Event($"{at}{properties}", at, properties: properties)));
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

    private Task<InvoiceRow[]> InvoicesAsync(Guid org) =>
        billing.InOrgAsync<BillingDbContext, InvoiceRow[]>(
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

    private async Task ExecuteAsync(Guid org, string sql)
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command(sql);
        command.Parameters.AddWithValue(org);
        Assert.NotEqual(0, await command.ExecuteNonQueryAsync());
        await tx.CommitAsync(default);
    }
}
