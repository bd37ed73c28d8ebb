using NodaTime;
using Polaris.Notifications.Domain;
using Xunit;

namespace Polaris.Tests.Notifications;

public sealed class RetryScheduleTests
{
    private static readonly Instant Start = Instant.FromUtc(2026, 1, 1, 0, 0);

    private static readonly RetrySchedule Day = new(Duration.FromSeconds(5), Duration.FromHours(8), Duration.FromDays(1));

    [Fact]
    public void Waits_grow_up_to_the_longest_and_end_within_a_day()
    {
        var (now, waits) = (Start, new List<double>());
        for (var tries = 1; Day.Next(tries, Start, now, 0) is { } next; tries++)
        {
            waits.Add((next - now).TotalSeconds);
            now = next;
        }

        Assert.Equal([5, 20, 80, 320, 1_280, 5_120, 20_480, 28_800, 28_800], waits);
        Assert.InRange(now - Start, Duration.FromHours(20), Duration.FromDays(1));
    }

    [Fact]
    public void A_wait_is_shorter_by_up_to_a_fifth_at_random() =>
        Assert.Equal(
            (Duration.FromSeconds(5), Duration.FromSeconds(4.5)),
            (Day.Next(1, Start, Start, 0)!.Value - Start, Day.Next(1, Start, Start, 0.5)!.Value - Start)
        );

    [Fact]
    public void A_receiver_may_ask_for_a_longer_wait_but_not_for_one_without_end()
    {
        Assert.Equal(Start + Duration.FromMinutes(2), Day.Next(1, Start, Start, 0, Duration.FromMinutes(2)));
        Assert.Equal(Start + Duration.FromHours(8), Day.Next(1, Start, Start, 0, Duration.FromDays(300)));
        Assert.Equal(Start + Duration.FromSeconds(5), Day.Next(1, Start, Start, 0, Duration.FromSeconds(1)));
    }

    [Fact]
    public void A_circuit_opens_after_failures_in_a_row_for_longer_and_longer()
    {
        var breaker = new CircuitBreaker(5, Duration.FromSeconds(30), Duration.FromMinutes(15));
        Assert.Null(breaker.OpenUntil(4, Start));
        Assert.False(breaker.IsProbing(4));
        Assert.Equal(Start + Duration.FromSeconds(30), breaker.OpenUntil(5, Start));
        Assert.Equal(Start + Duration.FromSeconds(60), breaker.OpenUntil(6, Start));
        Assert.Equal(Start + Duration.FromMinutes(15), breaker.OpenUntil(1_000_000, Start));
        Assert.True(breaker.IsProbing(5));
    }
}
