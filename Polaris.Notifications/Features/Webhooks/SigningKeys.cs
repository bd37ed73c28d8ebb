using System.Security.Cryptography;
using StandardWebhooks;

namespace Polaris.Notifications.Features.Webhooks;

/// <summary>The secrets of Standard Webhooks: <c>whsec_</c> and 32 random bytes in base64.</summary>
internal static class SigningKeys
{
    private const string Start = "whsec_";
    private const int RandomBytes = 32;

    public static string Create() => Start + Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>The header <c>webhook-signature</c>: one signature for each secret, in the order given.</summary>
    public static string Sign(IEnumerable<string> secrets, string id, DateTimeOffset at, string body) =>
        string.Join(
            ' ',
            secrets.Select(secret => new StandardWebhook(Convert.FromBase64String(secret[Start.Length..])).Sign(id, at, body))
        );
}
