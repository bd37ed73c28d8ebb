using NodaTime;
using Xunit;

namespace Polaris.Tests.Contracts;

/// <summary>Timestamps by RFC 3339, section 5.6: all of them, and nothing else.</summary>
public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2026-01-10T00:00:00Z", "2026-01-10T00:00:00Z")]
    [InlineData("2026-01-10t00:00:00z", "2026-01-10T00:00:00Z")]
    [InlineData("2026-01-10T00:00:00+23:59", "2026-01-09T00:01:00Z")]
    [InlineData("2026-01-10T00:00:00-23:59", "2026-01-10T23:59:00Z")]
    [InlineData("2026-01-10T00:00:00-00:00", "2026-01-10T00:00:00Z")]
    [InlineData("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.87Z")]
    [InlineData("2026-01-10T00:00:00.1234567891Z", "2026-01-10T00:00:00.123456Z")]
    [InlineData("2026-01-10T00:00:00.99999999999999999999999999999999Z", "2026-01-10T00:00:00.999999Z")]
    [InlineData("2026-01-10T00:00:00.5+05:30", "2026-01-09T18:30:00.5Z")]
    [InlineData("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z")]
    [InlineData("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z")]
    [InlineData("0000-01-01T00:00:00+23:59", "-0001-12-31T00:01:00Z")]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    [InlineData("9999-12-31T00:00:59-23:59", "9999-12-31T23:59:59Z")]
    [InlineData("9999-12-31T23:59:59.5-00:01", "9999-12-31T23:59:59.999999999Z")]
    // Leap seconds, the last two in local time.
    [InlineData("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z")]
    [InlineData("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999999Z")]
    [InlineData("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999999Z")]
    [InlineData("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999999Z")]
    public void A_timestamp_of_the_grammar_is_read(string text, string instant)
    {
        Assert.True(Rfc3339.TryParse(text, out var read));
        Assert.Equal(NodaTime.Text.InstantPattern.ExtendedIso.Parse(instant).Value, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-01-10")]
    [InlineData("2026-01-10T00:00:00")]
    [InlineData("2026-01-10T24:00:00Z")]
    [InlineData("2026-01-10T00:00:00,5Z")]
    [InlineData("2026-01-10T00:00:00.Z")]
    [InlineData("2026-01-10T00:00Z")]
    [InlineData("2026-01-10T00Z")]
    [InlineData("2026-01-10 00:00:00Z")]
    [InlineData("2026-1-10T00:00:00Z")]
    [InlineData("2026-01-1T00:00:00Z")]
    [InlineData("2026-01-10T0:00:00Z")]
    [InlineData("2026-01-10T00:0:00Z")]
    [InlineData("2026-01-10T00:00:0Z")]
    [InlineData("20260110T000000Z")]
    [InlineData("2026-01-10T000000Z")]
    [InlineData("2026-W02-6T00:00:00Z")]
    [InlineData("2026-010T00:00:00Z")]
    [InlineData("+2026-01-10T00:00:00Z")]
    [InlineData("-2026-01-10T00:00:00Z")]
    [InlineData("12026-01-10T00:00:00Z")]
    [InlineData("2026-00-10T00:00:00Z")]
    [InlineData("2026-13-10T00:00:00Z")]
    [InlineData("2026-01-00T00:00:00Z")]
    [InlineData("2026-01-32T00:00:00Z")]
    [InlineData("2026-02-29T00:00:00Z")]
    [InlineData("2026-04-31T00:00:00Z")]
    [InlineData("2026-01-10T00:60:00Z")]
    [InlineData("2026-01-10T00:00:61Z")]
    [InlineData("2026-01-10T00:00:60Z")]
    [InlineData("2016-12-30T23:59:60Z")]
    [InlineData("2016-12-31T23:58:60Z")]
    [InlineData("2016-12-31T23:59:60+01:00")]
    [InlineData("2026-01-10T00:00:00+24:00")]
    [InlineData("2026-01-10T00:00:00+05:60")]
    [InlineData("2026-01-10T00:00:00+05")]
    [InlineData("2026-01-10T00:00:00+0530")]
    [InlineData("2026-01-10T00:00:00+5:30")]
    [InlineData("2026-01-10T00:00:00+05:30:00")]
    [InlineData("2026-01-10T00:00:00\u221205:30")]
    [InlineData("2026-01-10T00:00:00UTC")]
    [InlineData("2026-01-10T00:00:00ZZ")]
    [InlineData("2026-01-10T00:00:00Z ")]
    [InlineData(" 2026-01-10T00:00:00Z")]
    [InlineData("2026-01-10T00:00:00Z\0")]
    [InlineData("２026-01-10T00:00:00Z")]
    [InlineData("2026-01-10T00:00:00.1\u0662Z")]
    [InlineData("1767225600")]
    public void Anything_else_is_refused(string text) => Assert.False(Rfc3339.TryParse(text, out _));

    [Fact]
    public void A_random_time_is_the_same_under_every_offset()
    {
        var random = new Random(20260131);
        for (var i = 0; i < 2_000; i++)
        {
            var at = Instant.FromUnixTimeSeconds(random.NextInt64(0, 7_000_000_000)).PlusNanoseconds(random.Next(1_000_000) * 1000L);
            var minutes = random.Next(-(18 * 60), (18 * 60) + 1);
            var text = NodaTime.Text.OffsetDateTimePattern.Rfc3339.Format(at.WithOffset(Offset.FromSeconds(minutes * 60)));
            Assert.True(Rfc3339.TryParse(text, out var read), text);
            Assert.Equal(at, read);
        }
    }
}
