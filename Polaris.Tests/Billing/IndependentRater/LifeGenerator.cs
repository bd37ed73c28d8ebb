using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Random lives: the same seed gives the same life.</summary>
internal sealed class LifeGenerator
{
    // With and without daylight saving; in Havana, Cairo, Beirut, Santiago and (until 2019) São Paulo clocks change at midnight.
    private static readonly string[] Zones =
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "America/Santiago",
        "America/Sao_Paulo",
    ];

    private static readonly Duration Quarter = Duration.FromMinutes(15);

    private readonly Random random;
    private readonly PlanGenerator plans;

    private LifeGenerator(int seed)
    {
        random = new Random(seed);
        plans = new PlanGenerator(random);
    }

    public static Life Generate(int seed) => new LifeGenerator(seed).Life();

    private Life Life()
    {
        var (zone, anchor) = (Zones[random.Next(Zones.Length)], random.Next(4) == 0 ? 31 : random.Next(1, 32));
        var boundaries = new Boundaries(zone, anchor);
        var near = Instant.FromUtc(random.Next(2016, 2028), random.Next(1, 13), random.Next(1, 29), 0, 0);
        var start = random.Next(3) == 0 ? boundaries.Whole(near).Start : near + (Quarter * random.Next(96));
        var count = random.Next(1, 5);
        var periods = new List<BillingPeriod>();
        for (var from = start; periods.Count < count; from = periods[^1].End)
            periods.Add(boundaries.PeriodFrom(from, null));
        var (end, early) = Ends(periods[^1]);
        var life = new Life(
            zone,
            start,
            anchor,
            count,
            end,
            early,
            random.Next(4) switch
            {
                0 => 0,
                1 => 3,
                _ => 2,
            },
            plans.Versions(),
            [],
            PlanGenerator.Meters,
            [],
            [],
            []
        );
        var last = early?.At ?? end ?? periods[^1].End;
        var edges = periods.Select(period => period.Start).Where(at => at < last).ToArray();
        life = life with { Changes = Changes(life, edges, last) };
        Instant[] marks = [.. edges, .. life.Changes.Select(change => change.At)];
        return life with
        {
            Events = Events(marks, start, last, LifeRules.PeriodsOf(life).Count),
            Coupons = Coupons(marks, edges, start, last),
            OneOffs = OneOffs(marks, start, last),
        };
    }

    private (Instant? End, LifeEnd? Early) Ends(BillingPeriod last)
    {
        // One in four is so soon that hardly a day ends in the period.
        Instant Within(BillingPeriod period)
        {
            var quarters = (int)((period.End - period.Start).TotalMinutes / 15);
            return period.Start + (Quarter * random.Next(1, random.Next(4) == 0 ? Math.Min(quarters, 100) : quarters));
        }

        return random.Next(6) switch
        {
            0 => (null, null),
            1 => (last.End, null),
            2 => (Within(last), null),
            3 => (null, Early(last)),
            4 => (last.End + Duration.FromDays(random.Next(60)), Early(last)),
            _ => Shortened(Within(last)),
        };

        LifeEnd? Early(BillingPeriod period) =>
            period.End - period.Start > Quarter ? new LifeEnd(Within(period), random.Next(2) == 0) : null;

        (Instant?, LifeEnd?) Shortened(Instant end) => (end, Early(new BillingPeriod(last.Start, end)));
    }

    private List<LifeChange> Changes(Life life, Instant[] edges, Instant last)
    {
        var changes = new SortedDictionary<Instant, LifeChange>();
        for (var i = random.Next(4); i > 0; i--)
        {
            var at = random.Next(3) == 0 ? edges[random.Next(edges.Length)] : Time([], life.Start, last);
            if (random.Next(3) == 0)
                at = MidnightBefore(at, life.Zone);
            if (at < life.Start || at >= last)
                continue;
            int? version = random.Next(5) == 0 ? null : random.Next(life.Versions.Count);
            changes[at] = new LifeChange(at, version, edges.Contains(at) && (at == life.Start || random.Next(2) == 0));
        }

        return [.. changes.Values];
    }

    private static Instant MidnightBefore(Instant at, string zone)
    {
        var tz = DateTimeZoneProviders.Tzdb[zone];
        return tz.AtStartOfDay(at.InZone(tz).Date).ToInstant();
    }

    private List<LifeEvent> Events(Instant[] marks, Instant start, Instant last, int invoices)
    {
        var events = new List<LifeEvent>();
        for (var i = random.Next(14); i > 0; i--)
        {
            var meter = PlanGenerator.Meters[random.Next(PlanGenerator.Meters.Count)];
            var value = random.Next(4) switch
            {
                0 => random.Next(-30, 30) / 4m,
                1 => random.Next(0, 4),
                2 => random.Next(-2000, 20_000) / 1000m,
                _ => random.Next(1, 300),
            };
            var dimensions = string.Join('\u001f', Enumerable.Range(0, meter.Dimensions).Select(_ => PlanGenerator.Value(random)));
            // To the microsecond, except on the marks.
            var at = random.Next(4) == 0 ? Time(marks, start, last) : Fine(start, last);
            int known = random.Next(4) == 0 ? random.Next(invoices) : 0;
            int? voided = random.Next(5) == 0 ? random.Next(known + 1, invoices + 1) : null;
            events.Add(new LifeEvent(i, at, meter.Key, value, dimensions, known, voided));
        }

        return events;
    }

    private Instant Fine(Instant start, Instant last) =>
        start + Duration.FromTicks(random.NextInt64((last - start).BclCompatibleTicks / 10) * 10);

    private List<SubscriptionDiscount> Coupons(Instant[] marks, Instant[] edges, Instant start, Instant last)
    {
        var coupons = new List<SubscriptionDiscount>();
        for (var i = Math.Max(0, random.Next(5) - 2); i > 0; i--)
        {
            var at = Time(marks, start, last);
            var ends = edges.Where(edge => edge > at).ToArray();
            coupons.Add(
                new SubscriptionDiscount(
                    plans.Discount($"c{i}"),
                    at,
                    ends.Length == 0 || random.Next(2) == 0 ? null : ends[random.Next(ends.Length)]
                )
            );
        }

        return coupons;
    }

    private List<LifeOneOff> OneOffs(Instant[] marks, Instant start, Instant last)
    {
        var singles = new List<LifeOneOff>();
        for (var i = Math.Max(0, random.Next(5) - 2); i > 0; i--)
            singles.Add(new LifeOneOff(Time(marks, start, last), new OneOff($"o{i}", "Single", random.Next(-30, 60))));
        return singles;
    }

    // A mark, or any quarter of an hour.
    private Instant Time(Instant[] marks, Instant start, Instant last) =>
        marks.Length > 0 && random.Next(2) == 0
            ? marks[random.Next(marks.Length)]
            : start + (Quarter * random.Next((int)((last - start).TotalMinutes / 15)));
}
