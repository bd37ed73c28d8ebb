using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>How many unknown API keys a service takes (docs/limits.md).</summary>
internal sealed class KeyGuessOptions
{
    public const string Section = "KeyGuesses";

    /// <summary>More than anyone sends.</summary>
    public const int Unlimited = 1_000_000;

    /// <summary>Unknown keys from one network address within a minute.</summary>
    [Range(1, Unlimited)]
    public int PerAddress { get; set; } = 60;
}

/// <summary>
/// Counts unknown API keys by the network address that sends them. An address that sent too many is refused every key that was not valid
/// lately, without a question to Identity; keys in use go on from there.
/// </summary>
internal sealed class KeyGuesses(IOptions<KeyGuessOptions> options) : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>Parts of the window, at the end of which what was sent in the oldest is forgotten.</summary>
    private const int Segments = 6;

    private readonly PartitionedRateLimiter<string> limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetSlidingWindowLimiter(
            address,
            _ => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = options.Value.PerAddress,
                Window = Window,
                SegmentsPerWindow = Segments,
                QueueLimit = 0,
            }
        )
    );

    /// <summary>Null when the address may send unknown keys.</summary>
    public TimeSpan? BlockedFor(string address)
    {
        // Zero permits: asks without counting.
        using var lease = limiter.AttemptAcquire(address, 0);
        return lease.IsAcquired ? null : Window / Segments;
    }

    public void Count(string address) => limiter.AttemptAcquire(address).Dispose();

    public void Dispose() => limiter.Dispose();
}
