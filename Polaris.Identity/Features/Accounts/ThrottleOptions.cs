using System.ComponentModel.DataAnnotations;

namespace Polaris.Identity.Features.Accounts;

/// <summary>How many attempts Identity takes (docs/limits.md).</summary>
internal sealed class ThrottleOptions
{
    public const string Section = "Throttle";

    /// <summary>More than anyone sends.</summary>
    public const int Unlimited = 1_000_000;

    /// <summary>Attempts to sign in to one account from one address within <see cref="SignInWindow"/>.</summary>
    [Range(1, 1_000)]
    public int SignInsPerAddressAndAccount { get; set; } = 5;

    /// <summary>
    /// Attempts to sign in to one account from all addresses within <see cref="SignInWindow"/>; beyond it, only from addresses from which
    /// the person signed in before.
    /// </summary>
    [Range(1, 100_000)]
    public int SignInsPerAccount { get; set; } = 25;

    public TimeSpan SignInWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Attempts to sign in from one address, to whatever account, within a minute.</summary>
    [Range(1, Unlimited)]
    public int SignInsPerAddress { get; set; } = 30;

    /// <summary>Sign-ups from one address within an hour.</summary>
    [Range(1, Unlimited)]
    public int SignUpsPerAddress { get; set; } = 20;

    /// <summary>Requests to <c>/connect/</c> and <c>/account/</c> from one address within a minute.</summary>
    [Range(1, Unlimited)]
    public int RequestsPerAddress { get; set; } = 600;
}
