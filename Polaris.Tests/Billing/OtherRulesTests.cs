using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Usage;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Published examples whose rule is another one here: what they come to under Polaris's, as docs/pricing.md says.</summary>
public sealed class OtherRulesTests
{
    [Fact]
    public void An_upgrade_gives_back_the_unused_part_of_the_old_fee_and_not_all_of_it()
    {
        // lago-upgrade-may11: 20 to 40 with 21 of 31 days left. There all of the 20 is netted: 7.10.
        var may = PublicFormat.Period("2022-05-01T00:00:00Z", "2022-06-01T00:00:00Z");
        var change = PublicFormat.At("2022-05-11T00:00:00Z");
        var before = new BilledTime(new BilledSpan(may with { End = change }, may), false, null, may.End, DateTimeZone.Utc);
        var after = new BilledTime(new BilledSpan(may with { Start = change }, may), true, null, null, DateTimeZone.Utc);
        Assert.Equal((-13.55m, 27.10m), (Fee("20", before), Fee("40", after)));

        static decimal Fee(string amount, BilledTime time) =>
            PublicFormat.Rate(PublicFormat.Plan($$$"""[{"key":"fee","timing":"ADVANCE","proration":"DAYS","price":{"model":"FLAT","amount":"{{{amount}}}"}}]"""), 0, time: time).Total;
    }

    [Fact]
    public void An_event_counts_as_it_was_sent_first_and_one_that_replaces_it_counts_instead()
    {
        // flexprice-sum-multiplier: there the last event with an id wins. Here that must be said.
        UsageEvent[] sent = [Event("evt_001", 1000), Event("evt_002", 2500), Event("evt_003", 1500)];
        Assert.Equal(5.00m, Cost(sent, []));
        Assert.Equal(4.80m, Cost([.. sent, Event("again", 800)], ["evt_001"]));
    }

    private static UsageEvent Event(string key, int value) => FakeIngestion.Event(key, PublicFormat.November.Start, properties: $$"""{"v":{{value}}}""");

    private static decimal Cost(UsageEvent[] events, string[] replaced)
    {
        var (org, batch) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var meter = PublicFormat.Meter("""{"key":"m","eventType":"call","aggregation":"SUM","property":"v"}""");
        var fold = new FoldUsage(
            new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [org] = [meter] }, replaced.Select(key => new EventIdentity(org, batch, key)).ToHashSet());
        var message = new UsageBatch { OrgId = ByteString.CopyFrom(org.ToByteArray(bigEndian: true)), BatchId = ByteString.CopyFrom(batch.ToByteArray(bigEndian: true)) };
        message.Events.AddRange(events);
        fold.Add(message);
        var quantity = Assert.Single(fold.Aggregates).Value.ToUsage(Aggregation.Sum).Quantity;
        return PublicFormat.Rate(PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"0.001"}"""), quantity).Total;
    }
}
