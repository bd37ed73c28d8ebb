using System.Security.Cryptography;
using System.Text;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// What is derived from the installation's secret (HKDF-SHA256), so that the secret itself is never used for two things. Identity alone
/// has it.
/// </summary>
internal static class InstallationSecret
{
    public const string Setting = "Polaris:InstallationSecret";

    /// <summary>32 bytes for one purpose.</summary>
    /// <exception cref="InvalidOperationException">The setting is missing.</exception>
    public static byte[] Derive(IConfiguration configuration, string purpose) =>
        HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            Encoding.UTF8.GetBytes(
                configuration[Setting] is { Length: > 0 } secret ? secret : throw new InvalidOperationException($"{Setting} is missing.")
            ),
            32,
            info: Encoding.UTF8.GetBytes("polaris/" + purpose)
        );
}
