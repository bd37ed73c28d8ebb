namespace Polaris.ServiceDefaults.Hosting;

/// <summary>
/// Exponential backoff with jitter: each delay is twice the previous one, at most <paramref name="max"/>, and reduced by up to half at
/// random, so that replicas that failed together do not retry together. Not thread-safe.
/// </summary>
public sealed class Backoff(TimeSpan min, TimeSpan max)
{
    private TimeSpan? last;

    /// <summary>The delay after this failure: between half of the current step and all of it.</summary>
    public TimeSpan Next()
    {
        var step =
            last is not { } before ? min
            : before < max / 2 ? before * 2
            : max;
        last = step;
        return step * (1 - (Random.Shared.NextDouble() / 2));
    }

    /// <summary>Call after a success: the next failure starts with the shortest delay.</summary>
    public void Reset() => last = null;
}
