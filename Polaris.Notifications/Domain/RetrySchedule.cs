using NodaTime;

namespace Polaris.Notifications.Domain;

/// <summary>When a delivery that failed is tried again: each wait is four times the one before, up to the longest.</summary>
/// <param name="First">The wait after the first try.</param>
/// <param name="Longest">The longest wait.</param>
/// <param name="GiveUpAfter">No try begins later than this after the first one.</param>
public sealed record RetrySchedule(Duration First, Duration Longest, Duration GiveUpAfter)
{
    private const int Factor = 4;

    /// <summary>A wait is shorter by up to this share, at random, so that what failed together is not tried together again.</summary>
    private const double Jitter = 0.2;

    /// <param name="tries">Tries so far, the failed one included; 1 or more.</param>
    /// <param name="firstTry">When the first of them began.</param>
    /// <param name="now">The time.</param>
    /// <param name="random">0 up to 1.</param>
    /// <param name="atLeast">What the receiver asked for, at most <see cref="Longest"/> of it is kept.</param>
    /// <returns>Null when it is given up.</returns>
    public Instant? Next(int tries, Instant firstTry, Instant now, double random, Duration? atLeast = null)
    {
        var wait = First;
        for (var i = 1; i < tries && wait < Longest; i++)
            wait *= Factor;
        wait = Duration.Min(wait, Longest) * (1 - (random * Jitter));
        if (atLeast is { } asked)
            wait = Duration.Max(wait, Duration.Min(asked, Longest));
        var next = now + wait;
        return next > firstTry + GiveUpAfter ? null : next;
    }
}

/// <summary>
/// A receiver that keeps failing is asked less and less often, with one delivery at a time, so that its deliveries keep their tries.
/// </summary>
/// <param name="After">Failures in a row that open the circuit.</param>
/// <param name="First">The first pause.</param>
/// <param name="Longest">The longest pause.</param>
public sealed record CircuitBreaker(int After, Duration First, Duration Longest)
{
    /// <summary>When the receiver is asked again; null while the circuit is closed.</summary>
    /// <param name="failures">Failures in a row.</param>
    /// <param name="now">The time.</param>
    public Instant? OpenUntil(int failures, Instant now)
    {
        if (failures < After)
            return null;
        var pause = First;
        for (var i = After; i < failures && pause < Longest; i++)
            pause *= 2;
        return now + Duration.Min(pause, Longest);
    }

    /// <summary>Whether one delivery at a time shows if the receiver is back.</summary>
    public bool IsProbing(int failures) => failures >= After;
}
