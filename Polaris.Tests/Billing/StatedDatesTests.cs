using NodaTime;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>A date beyond what an instant holds reaches the check of bounds, which names the rule and the path.</summary>
public sealed class StatedDatesTests
{
    [Theory]
    [InlineData("9999-12-31T23:59:59-18:00", true)]
    [InlineData("-9998-01-01T00:00:00+18:00", false)]
    [InlineData("-9000-01-01T00:00:00Z", false)]
    public void A_date_beyond_all_bounds_is_read_as_one_out_of_bounds(string text, bool late)
    {
        var read = (Instant)new InstantScalar().ParseValue(text)!;
        Assert.Equal(late ? Instant.MaxValue : Instant.MinValue, read);
    }

    [Fact]
    public void A_date_within_bounds_is_read_as_it_is() =>
        Assert.Equal(Instant.FromUtc(2199, 12, 31, 22, 0), new InstantScalar().ParseValue("2200-01-01T00:00:00+02:00"));
}
