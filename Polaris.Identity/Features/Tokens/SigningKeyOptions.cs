using System.ComponentModel.DataAnnotations;

namespace Polaris.Identity.Features.Tokens;

/// <summary>Section <c>SigningKeys</c>.</summary>
internal sealed class SigningKeyOptions
{
    public const string Section = "SigningKeys";

    /// <summary>How long a key signs before the next one takes over.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "3650.00:00:00")]
    public TimeSpan RotateEvery { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long a key is published before it signs. Must be longer than <see cref="PollInterval"/> and than the five minutes for which
    /// services cache the published keys.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan PublishBefore { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long a key still verifies after its successor has taken over: longer than the 14 days that a refresh token lives.
    /// </summary>
    [Range(typeof(TimeSpan), "14.00:00:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(15);

    /// <summary>How often each replica reads the keys.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(15);
}
