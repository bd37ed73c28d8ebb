using System.Globalization;
using System.Numerics;
using CsCheck;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>Sums of more digits than a decimal has: never a wrong figure, and nobody's trouble but the charge's that would need it.</summary>
public sealed class LargeQuantityTests(BillingAloneFixture alone) : IClassFixture<BillingAloneFixture>
{
    /// <summary>The largest value that counts; 80,000 of it are more than a decimal holds with their places.</summary>
    private const string Largest = "999999999999999.999999999";
    private const int Many = 40_001;

    private static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public void A_total_is_exact_in_any_order_and_tells_when_it_is_no_decimal() => Check.Sample(
        Gen.Select(Gen.Select(Gen.Long[-999_999_999_999_999, 999_999_999_999_999], Gen.Int[0, 999_999_999], Gen.OneOf(Gen.Int[1, 10_000], Gen.Int[1, 2_000_000])).Array[0, 8], Gen.Int), (values, seed) =>
        {
            var all = values.Select(one => (Value: one.Item1 + (Math.Sign(one.Item1) * one.Item2 / 1_000_000_000m), Times: one.Item3)).ToArray();
            var exact = all.Aggregate(BigInteger.Zero, (sum, one) => sum + (new BigInteger(one.Value * 1_000_000m) * 1000 + (BigInteger)(one.Value * 1_000_000m % 1 * 1000)) * one.Times);
            new Random(seed).Shuffle(all);
            var total = default(ExactTotal);
            foreach (var (value, times) in all) total += new ExactTotal(((ExactTotal)value).Units * times);
            Assert.Equal(exact, (BigInteger)total.Units);
            var digits = BigInteger.Abs(exact);
            for (var i = 0; i < ExactTotal.Places && digits % 10 == 0; i++) digits /= 10;
            if (digits >= BigInteger.Pow(2, 96)) Assert.Throws<OverflowException>(() => total.ToDecimal());
            else Assert.Equal(exact, BigInteger.Parse(total.ToDecimal().ToString("F9", CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            Assert.Equal(exact, BigInteger.Parse(Scaled(total.ToString()), CultureInfo.InvariantCulture));
        });

    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0.000000001", "-0.000000001")]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950335")]
    [InlineData("1.50", "1.5")]
    public void A_total_reads_as_it_was_written(string value, string text)
    {
        ExactTotal total = decimal.Parse(value, CultureInfo.InvariantCulture);
        Assert.Equal((text, text), (total.ToString(), total.ToDecimal().ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void A_sum_that_would_lose_places_is_an_error()
    {
        Assert.Equal(79228162514264337593.543950335m, Exact.Add(79228162514264337593.543950334m, 0.000000001m));
        Assert.Throws<OverflowException>(() => Exact.Add(79228162514264337593.543950335m, 0.000000001m));
        // Tiers and free units with twelve places of a quantity that has none to spare.
        foreach (var price in new Price[] { new GraduatedPrice([new(0.000000000001m, 0, 0), new(null, 0.000000000001m, 0)]), new PackagePrice(1_000_000, 1, 0.000000000001m), new PercentagePrice(0.000000000001m, 0, 0.000000000001m, 0) })
            Assert.Throws<OverflowException>(() => RatingEngine.RateLine(new Charge("c", "C", "m", price), new MeterUsage(79228162514264337593.543950335m, 1, 0), 2));
    }

    [Fact]
    public async Task A_sum_beyond_decimals_is_counted_exactly_and_holds_the_invoices_that_need_it_and_no_others()
    {
        var meters = new[] { Aggregation.Sum, Aggregation.Average, Aggregation.WeightedSum }
            .Select(aggregation => new MeterDefinition(Guid.CreateVersion7(), $"{aggregation}", "call", aggregation, "n", [])).ToArray();
        var org = await billing.NewOrgAsync(meters);
        await SubscribeAsync(org, "huge", "Sum");
        await SubscribeAsync(org, "steady", "Average");
        await SubscribeAsync(org, "level", "WeightedSum");
        await SubscribeAsync(org, "modest", "Sum");
        foreach (var customer in new[] { "huge", "steady", "level" })
        {
            // Each of the two fits; together, in one fold or in one period, they do not.
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
        Assert.Equal([("modest", 7.00m), ("steady", 1_000_000_000_000_000.00m)], invoices.Rows.Select(row => (row.CustomerKey, row.Total)).Order());
        var held = await billing.InOrgAsync<ReadInvoices, List<SubscriptionRow>>(org, read => read.HeldAsync(default));
        Assert.Equal(["huge", "level"], held.Select(row => row.CustomerKey).Order());

        // Whoever asks for it hears why; what fits is answered, and proved from the events.
        var usage = billing.Of<ReadUsage>();
        Assert.Equal("quantity_too_large", (await Assert.ThrowsAsync<RefusedException>(() => usage.TotalAsync(org, "Sum", March, April, "huge", default))).Refusal.Code);
        Assert.Equal(40_000_999_999_999_999_999.999959999m, (await usage.TotalAsync(org, "Sum", March + Buckets.Size, April, "huge", default)).Quantity);
        var steady = invoices.Rows.Single(row => row.CustomerKey == "steady");
        Assert.True((await billing.InOrgAsync<RecomputeInvoice, Recomputation>(org, recompute => recompute.HandleAsync(steady.Id, default))).Identical);
        Assert.Empty(await billing.Of<CompareAggregates>().HandleAsync(org, March, March + Duration.FromHours(1), default));
    }

    private UsageBatch Batch(Guid org, string customer, Instant at, string value) => billing.Store.Add(org, [.. Enumerable.Range(0, Many).Select(_ =>
        FakeIngestion.Event(Guid.CreateVersion7().ToString(), at, customer, $$"""{"n":"{{value}}"}"""))]);

    private static string Scaled(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? 0 : text.Length - point - 1;
        return text.Replace(".", "", StringComparison.Ordinal) + new string('0', ExactTotal.Places - places);
    }

    private Task<int> SubscribeAsync(Guid org, string customer, string meter) => billing.InOrgAsync<BillingDbContext, int>(org, db => db.InTransactionAsync(ct =>
    {
        var plan = new Wire.PlanVersion { Id = Guid.CreateVersion7().ToString(), PlanKey = "p", Number = 1, Currency = "EUR", Hash = "h" };
        plan.Charges.Add(new Wire.Charge { Key = "c", Name = "C", Meter = meter, Price = new() { PerUnit = new() { UnitPrice = "1" } } });
        db.PlanVersions.Add(new PlanVersionRow { OrgId = org, Id = Guid.Parse(plan.Id), PlanKey = "p", Message = plan.ToByteArray() });
        db.Subscriptions.Add(new SubscriptionRow
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
        });
        return db.SaveChangesAsync(ct);
    }, default));

    private async Task<string[]> TotalsAsync(Guid org, string customer)
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command("""
            SELECT array(SELECT a.total::text FROM usage_aggregates a JOIN meters m ON m.org_id = a.org_id AND m.id = a.meter_id
              WHERE a.org_id = $1 AND a.customer_key = $2 AND m.key = 'Sum' ORDER BY a.bucket_start)
            """);
        command.Parameters.AddWithValue(org);
        command.Parameters.AddWithValue(customer);
        return (string[])(await command.ExecuteScalarAsync())!;
    }
}
