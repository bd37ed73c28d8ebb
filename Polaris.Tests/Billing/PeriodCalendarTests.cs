using CsCheck;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Domain;
using Xunit;
using static Polaris.Billing.Domain.BillingInterval;

namespace Polaris.Tests.Billing;

public sealed class PeriodCalendarTests
{
    private static readonly string[] Zones =
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Cairo",
        "Pacific/Kiritimati",
    ];

    private static readonly Gen<BillingCycle> AnyCycle = Gen.Select(
        Gen.Enum<BillingInterval>(),
        Gen.Int[1, 31],
        Gen.Int[1, 12],
        (interval, day, month) => interval == Week ? new BillingCycle(interval, 1 + (day % 7)) : new BillingCycle(interval, day, month)
    );

    /// <summary>Starts from 1975 on: zones moved across the date line in 1994 and 2011, and had odd offsets until 1979.</summary>
    private static readonly Gen<(Instant Start, PeriodCalendar Calendar)> Any = Gen.Select(
        Gen.Int[0, 1_800_000],
        AnyCycle,
        Gen.Int[0, Zones.Length - 1],
        Gen.Int[1, 100_000],
        (startQuarters, cycle, zone, lengthQuarters) =>
        {
            var start = At("1975-06-01T00:00:00Z") + Buckets.Size * startQuarters;
            return (
                start,
                new PeriodCalendar(start, start + Buckets.Size * lengthQuarters, cycle, DateTimeZoneProviders.Tzdb[Zones[zone]])
            );
        }
    );

    [Fact]
    public void One_month_from_its_anchor_is_one_period()
    {
        var calendar = Calendar("2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z", new(Month, 1), "UTC");
        var period = calendar.StartingAt(calendar.Start)!.Value;
        Assert.Equal((At("2015-05-01T00:00:00Z"), At("2015-06-01T00:00:00Z")), (period.Start, period.End));
        Assert.Null(calendar.StartingAt(period.End));
    }

    [Fact]
    public void A_start_between_boundaries_makes_a_shorter_first_period()
    {
        var calendar = Calendar("2024-01-10T06:00:00Z", null, new(Month, 1), "UTC");
        Assert.Equal(At("2024-02-01T00:00:00Z"), calendar.StartingAt(calendar.Start)!.Value.End);
    }

    [Theory]
    [InlineData("2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z")]
    [InlineData("2023-01-31T00:00:00Z", "2023-02-28T00:00:00Z")]
    public void Anchor_31_is_the_last_day_of_a_shorter_month(string start, string end) =>
        Assert.Equal(At(end), Calendar("2023-01-31T00:00:00Z", null, new(Month, 31), "UTC").StartingAt(At(start))!.Value.End);

    [Theory]
    [InlineData(Week, 1, 1, "UTC", "2024-01-03T00:00:00Z", "2024-01-08T00:00:00Z 2024-01-15T00:00:00Z 2024-01-22T00:00:00Z")]
    [InlineData(Week, 7, 1, "Asia/Kolkata", "2024-01-03T00:00:00Z", "2024-01-06T18:30:00Z 2024-01-13T18:30:00Z")]
    [InlineData(Week, 3, 1, "America/New_York", "2024-03-06T05:00:00Z", "2024-03-13T04:00:00Z 2024-03-20T04:00:00Z")]
    [InlineData(Quarter, 1, 1, "UTC", "2024-02-10T00:00:00Z", "2024-04-01T00:00:00Z 2024-07-01T00:00:00Z 2024-10-01T00:00:00Z")]
    [InlineData(Quarter, 30, 11, "UTC", "2023-11-30T00:00:00Z", "2024-02-29T00:00:00Z 2024-05-30T00:00:00Z 2024-08-30T00:00:00Z")]
    [InlineData(Quarter, 31, 8, "UTC", "2024-02-29T00:00:00Z", "2024-05-31T00:00:00Z 2024-08-31T00:00:00Z 2024-11-30T00:00:00Z")]
    [InlineData(
        Year,
        29,
        2,
        "UTC",
        "2024-02-29T00:00:00Z",
        "2025-02-28T00:00:00Z 2026-02-28T00:00:00Z 2027-02-28T00:00:00Z 2028-02-29T00:00:00Z"
    )]
    [InlineData(Year, 1, 1, "Pacific/Apia", "2011-05-01T00:00:00Z", "2011-12-31T10:00:00Z 2012-12-31T10:00:00Z")]
    [InlineData(Year, 15, 7, "America/New_York", "2024-07-14T00:00:00Z", "2024-07-15T04:00:00Z 2025-07-15T04:00:00Z")]
    [InlineData(Month, 30, 1, "Pacific/Apia", "2011-10-30T10:00:00Z", "2011-11-30T10:00:00Z 2011-12-30T10:00:00Z 2012-01-29T10:00:00Z")]
    [InlineData(Month, 31, 1, "Pacific/Apia", "2011-10-31T10:00:00Z", "2011-11-30T10:00:00Z 2011-12-30T10:00:00Z 2012-01-30T10:00:00Z")]
    [InlineData(Week, 5, 1, "Pacific/Apia", "2011-12-16T10:00:00Z", "2011-12-23T10:00:00Z 2011-12-30T10:00:00Z 2012-01-05T10:00:00Z")]
    public void Boundaries_follow_interval_anchor_and_zone(
        BillingInterval interval,
        int day,
        int month,
        string zone,
        string start,
        string boundaries
    )
    {
        var calendar = Calendar(start, null, new(interval, day, month), zone);
        var at = calendar.Start;
        foreach (var boundary in boundaries.Split(' '))
        {
            at = calendar.StartingAt(at)!.Value.End;
            Assert.Equal(At(boundary), at);
        }
    }

    [Fact]
    public void A_boundary_is_midnight_in_the_subscriptions_zone_on_both_sides_of_a_clock_change()
    {
        var calendar = Calendar("2024-03-01T00:00:00+01:00", null, new(Month, 1), "Europe/Berlin");
        var march = calendar.StartingAt(calendar.Start)!.Value;
        Assert.Equal(At("2024-03-31T22:00:00Z"), march.End);
        Assert.Equal(At("2024-04-30T22:00:00Z"), calendar.StartingAt(march.End)!.Value.End);
    }

    [Fact]
    public void Periods_tile_without_gap_or_overlap_and_align_with_buckets() =>
        Check.Sample(
            Any,
            any =>
            {
                var (start, calendar) = any;
                var at = start;
                while (calendar.StartingAt(at) is { } period)
                {
                    Assert.Equal(at, period.Start);
                    Assert.True(period.End > period.Start);
                    Assert.True(period.End - period.Start <= Longest(calendar.Cycle.Interval));
                    Assert.True(Buckets.IsAligned(period.End));
                    Assert.Equal(period, calendar.Containing(period.Start));
                    Assert.Equal(period, calendar.Containing(period.End - Duration.Epsilon));
                    at = period.End;
                }

                Assert.Equal(calendar.End, at);
            }
        );

    [Fact]
    public void Whole_periods_tile_all_time_and_begin_on_days_of_the_cycle() =>
        Check.Sample(
            Any,
            any =>
            {
                var (start, calendar) = any;
                var whole = calendar.WholeContaining(start);
                Assert.True(whole.Contains(start));
                var next = calendar.WholeContaining(whole.End);
                Assert.Equal((whole.End, whole), (next.Start, calendar.WholeContaining(whole.End - Duration.Epsilon)));
                Assert.True(whole.End - whole.Start >= Shortest(calendar.Cycle.Interval), $"{whole}");
                // The day itself, the last one of a shorter month, or the day after one that the zone skipped.
                var local = (whole.Start - Buckets.Size).InZone(calendar.Zone).Date.PlusDays(1);
                var cycle = calendar.Cycle;
                Assert.True(
                    cycle.Interval == Week
                        ? (int)local.DayOfWeek == cycle.AnchorDay
                        : local.Day == Math.Min(cycle.AnchorDay, CalendarSystem.Iso.GetDaysInMonth(local.Year, local.Month)),
                    $"{local} {cycle}"
                );
                if (cycle.Interval is Quarter or Year)
                    Assert.Equal(0, (local.Month - cycle.AnchorMonth) % (cycle.Interval == Quarter ? 3 : 12));
            }
        );

    private static Duration Longest(BillingInterval interval) =>
        Duration.FromDays(
            interval switch
            {
                Week => 8,
                Month => 32,
                Quarter => 93,
                _ => 367,
            }
        );

    // One day less than by the calendar: a zone may have skipped one.
    private static Duration Shortest(BillingInterval interval) =>
        Duration.FromDays(
            interval switch
            {
                Week => 6,
                Month => 27,
                Quarter => 88,
                _ => 363,
            }
        ) - Duration.FromHours(2);

    private static Instant At(string text) => OffsetDateTimePattern.ExtendedIso.Parse(text).Value.ToInstant();

    private static PeriodCalendar Calendar(string start, string? end, BillingCycle cycle, string zone) =>
        new(At(start), end is null ? null : At(end), cycle, DateTimeZoneProviders.Tzdb[zone]);
}
