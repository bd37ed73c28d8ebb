using System.Security.Cryptography;
using System.Text;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>What is derived from the installation's service secret (HKDF-SHA256), so that the secret itself is never sent or used for two things.</summary>
public static class ServiceSecrets
{
    public const string Setting = "Polaris:ServiceSecret";

    /// <summary>32 bytes for one purpose.</summary>
    public static byte[] Derive(string serviceSecret, string purpose)
    {
        ArgumentException.ThrowIfNullOrEmpty(serviceSecret);
        return HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(serviceSecret), 32, info: Encoding.UTF8.GetBytes("polaris/" + purpose));
    }

    /// <summary>The OAuth client secret of one service: of no use for another.</summary>
    public static string OfClient(string serviceSecret, string service) => Convert.ToHexStringLower(Derive(serviceSecret, "client/" + service));
}
