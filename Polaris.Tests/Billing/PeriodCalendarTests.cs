using CsCheck;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

public sealed class PeriodCalendarTests
{
    private static readonly string[] Zones = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"];

    [Fact]
    public void One_month_from_its_anchor_is_one_period()
    {
        var calendar = Calendar("2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z", 1, "UTC");
        var period = calendar.StartingAt(calendar.Start)!.Value;
        Assert.Equal((At("2015-05-01T00:00:00Z"), At("2015-06-01T00:00:00Z")), (period.Start, period.End));
        Assert.Null(calendar.StartingAt(period.End));
    }

    [Fact]
    public void A_start_between_boundaries_makes_a_shorter_first_period()
    {
        var calendar = Calendar("2024-01-10T06:00:00Z", null, 1, "UTC");
        Assert.Equal(At("2024-02-01T00:00:00Z"), calendar.StartingAt(calendar.Start)!.Value.End);
    }

    [Theory]
    [InlineData("2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z")]
    [InlineData("2023-01-31T00:00:00Z", "2023-02-28T00:00:00Z")]
    public void Anchor_31_is_the_last_day_of_a_shorter_month(string start, string end) =>
        Assert.Equal(At(end), Calendar("2023-01-31T00:00:00Z", null, 31, "UTC").StartingAt(At(start))!.Value.End);

    [Fact]
    public void A_boundary_is_midnight_in_the_subscriptions_zone_on_both_sides_of_a_clock_change()
    {
        var calendar = Calendar("2024-03-01T00:00:00+01:00", null, 1, "Europe/Berlin");
        var march = calendar.StartingAt(calendar.Start)!.Value;
        Assert.Equal(At("2024-03-31T22:00:00Z"), march.End);
        Assert.Equal(At("2024-04-30T22:00:00Z"), calendar.StartingAt(march.End)!.Value.End);
    }

    [Fact]
    public void Periods_tile_without_gap_or_overlap_and_align_with_buckets() => Check.Sample(
        Gen.Select(Gen.Int[0, 60_000], Gen.Int[1, 31], Gen.Int[0, 7], Gen.Int[1, 40_000]),
        (startQuarters, anchor, zone, lengthQuarters) =>
        {
            var start = At("2023-06-01T00:00:00Z") + Buckets.Size * startQuarters;
            var calendar = new PeriodCalendar(start, start + Buckets.Size * lengthQuarters, anchor, DateTimeZoneProviders.Tzdb[Zones[zone]]);
            var at = start;
            while (calendar.StartingAt(at) is { } period)
            {
                Assert.Equal(at, period.Start);
                Assert.True(period.End > period.Start);
                Assert.True(period.End - period.Start <= Duration.FromDays(32));
                Assert.True(Buckets.IsAligned(period.End));
                Assert.Equal(period, calendar.Containing(period.Start));
                Assert.Equal(period, calendar.Containing(period.End - Duration.Epsilon));
                at = period.End;
            }

            Assert.Equal(calendar.End, at);
        });

    private static Instant At(string text) => OffsetDateTimePattern.ExtendedIso.Parse(text).Value.ToInstant();

    private static PeriodCalendar Calendar(string start, string? end, int anchor, string zone) =>
        new(At(start), end is null ? null : At(end), anchor, DateTimeZoneProviders.Tzdb[zone]);
}
