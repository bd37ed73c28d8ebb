using System.ComponentModel.DataAnnotations;

namespace Polaris.Identity.Features.Tokens;

/// <summary>Section <c>SigningKeys</c>.</summary>
internal sealed class SigningKeyOptions
{
    public const string Section = "SigningKeys";

    /// <summary>How long a key signs before the next one does.</summary>
    [Range(typeof(TimeSpan), "00:00:05", "3650.00:00:00")]
    public TimeSpan RotateEvery { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a key is published before it signs. Longer than <see cref="LookEvery"/> and than the five minutes that services keep what was published.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan PublishBefore { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long what a key signed stays valid after the next one signs: longer than a refresh token lives, 14 days.</summary>
    [Range(typeof(TimeSpan), "14.00:00:00", "365.00:00:00")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(15);

    /// <summary>How often each replica looks for new keys.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan LookEvery { get; set; } = TimeSpan.FromSeconds(15);
}
