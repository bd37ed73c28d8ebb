using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Published examples whose rule differs from Polaris's: their result under Polaris's rule, as in docs/pricing.md.</summary>
public sealed class OtherRulesTests
{
    [Fact]
    public void An_upgrade_gives_back_the_unused_part_of_the_old_fee_and_not_all_of_it()
    {
        // lago-upgrade-may11: 20 to 40 with 21 of 31 days left. Lago nets all of the 20: 7.10.
        var may = PublicFormat.Period("2022-05-01T00:00:00Z", "2022-06-01T00:00:00Z");
        var change = PublicFormat.At("2022-05-11T00:00:00Z");
        var old = new Guid(1, 0, 0, new byte[8]);
        var invoice = new Life(
            new PeriodCalendar(may.Start, may.End, new BillingCycle(BillingInterval.Month, 1), DateTimeZone.Utc),
            new PlanHistory(old, [new PlanChange(change, Guid.AllBitsSet)]),
            [Fee("20", old), Fee("40", Guid.AllBitsSet)]
        ).Rate(may);
        Assert.Equal([-13.55m, 27.10m], invoice.Lines.Select(line => line.Amount));

        static PlanVersion Fee(string amount, Guid id) =>
            PublicFormat.Plan(
                $$$"""[{"key":"fee","timing":"ADVANCE","proration":"DAYS","price":{"model":"FLAT","amount":"{{{amount}}}"}}]"""
            ) with
            {
                Id = id,
            };
    }

    [Fact]
    public void An_event_counts_as_it_was_sent_first_and_one_that_replaces_it_counts_instead()
    {
        // flexprice-sum-multiplier: there the last event with an id wins. Here a replacement must be explicit.
        UsageEvent[] sent = [Event("evt_001", 1000), Event("evt_002", 2500), Event("evt_003", 1500)];
        Assert.Equal(5.00m, Cost(sent, []));
        Assert.Equal(4.80m, Cost([.. sent, Event("again", 800)], ["evt_001"]));
    }

    private static UsageEvent Event(string key, int value) =>
        FakeIngestion.Event(key, PublicFormat.November.Start, properties: $$"""{"v":{{value}}}""");

    private static decimal Cost(UsageEvent[] events, string[] replaced)
    {
        var (org, batch) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var meter = PublicFormat.Meter("""{"key":"m","eventType":"call","aggregation":"SUM","property":"v"}""");
        var fold = new FoldUsage(
            new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [org] = [meter] },
            replaced.Select(key => new EventIdentity(org, batch, key)).ToHashSet()
        );
        var message = new UsageBatch
        {
            OrgId = ByteString.CopyFrom(org.ToByteArray(bigEndian: true)),
            BatchId = ByteString.CopyFrom(batch.ToByteArray(bigEndian: true)),
        };
        message.Events.AddRange(events);
        fold.Add(message);
        var quantity = Assert.Single(fold.Aggregates).Value.ToUsage(MeterAggregation.Sum).Quantity;
        return PublicFormat.Rate(PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"0.001"}"""), quantity).Total;
    }
}
