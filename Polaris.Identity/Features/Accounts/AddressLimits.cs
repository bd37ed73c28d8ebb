using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Accounts;

/// <summary>What one network address may do so often.</summary>
internal enum AddressLimit
{
    SignIn,
    SignUp,
    Request,
}

/// <summary>
/// Bounds what one network address does, whoever it says it is. Each replica counts for itself: the bound is against a flood, not exact.
/// </summary>
internal sealed class AddressLimits(IOptions<ThrottleOptions> options) : IDisposable
{
    /// <summary>Parts of a window, at the end of which what was done in the oldest is forgotten.</summary>
    private const int Segments = 6;

    private readonly PartitionedRateLimiter<(AddressLimit, string)> limiter = PartitionedRateLimiter.Create<
        (AddressLimit, string),
        (AddressLimit, string)
    >(key => RateLimitPartition.GetSlidingWindowLimiter(key, of => WindowOf(of.Item1, options.Value)));

    /// <exception cref="RefusedException">It did so too often.</exception>
    public void Take(AddressLimit what, string address)
    {
        if (Try(what, address) is { } wait)
            throw new RefusedException(
                Refusal.TooMany("too_many_requests", "There were too many requests of this kind from this network address.", wait)
            );
    }

    /// <summary>Null when it may; else after which time it may again.</summary>
    public TimeSpan? Try(AddressLimit what, string address)
    {
        using var lease = limiter.AttemptAcquire((what, address));
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait
            : WindowOf(what, options.Value).Window / Segments;
    }

    public void Dispose() => limiter.Dispose();

    private static SlidingWindowRateLimiterOptions WindowOf(AddressLimit what, ThrottleOptions limits) =>
        new()
        {
            PermitLimit = what switch
            {
                AddressLimit.SignIn => limits.SignInsPerAddress,
                AddressLimit.SignUp => limits.SignUpsPerAddress,
                _ => limits.RequestsPerAddress,
            },
            Window = what == AddressLimit.SignUp ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(1),
            SegmentsPerWindow = Segments,
            QueueLimit = 0,
        };
}
