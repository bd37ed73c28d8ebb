using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Session;

/// <summary>
/// The one key of ASP.NET Core's data protection, which encrypts the session cookie. It is derived from the gateway's own client secret
/// (HKDF-SHA256): all replicas have it, nothing stores it, and a new secret ends all cookies.
/// </summary>
internal sealed class SessionKeys(IConfiguration configuration) : IXmlRepository
{
    private const int KeyBytes = 64;
    private const int IdBytes = 16;
    private static readonly DateTimeOffset Since = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Add(IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName("polaris.gateway").DisableAutomaticKeyGeneration();
        services.AddSingleton<SessionKeys>();
        services.AddOptions<KeyManagementOptions>().Configure<SessionKeys>((options, keys) => options.XmlRepository = keys);
    }

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var bytes = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            Encoding.UTF8.GetBytes(PolarisAuthentication.ClientSecret(configuration)),
            KeyBytes + IdBytes,
            info: Encoding.UTF8.GetBytes("polaris/gateway-session")
        );
        using var secret = new Secret(bytes.AsSpan(0, KeyBytes).ToArray());
        var descriptor = new AuthenticatedEncryptorDescriptor(
            new AuthenticatedEncryptorConfiguration
            {
                EncryptionAlgorithm = EncryptionAlgorithm.AES_256_GCM,
                ValidationAlgorithm = ValidationAlgorithm.HMACSHA256,
            },
            secret
        ).ExportToXml();
        return
        [
            new XElement(
                "key",
                new XAttribute("id", new Guid(bytes.AsSpan(KeyBytes))),
                new XAttribute("version", 1),
                new XElement("creationDate", Text(Since)),
                new XElement("activationDate", Text(Since)),
                new XElement("expirationDate", Text(Since.AddYears(500))),
                new XElement(
                    "descriptor",
                    new XAttribute("deserializerType", descriptor.DeserializerType.AssemblyQualifiedName!),
                    descriptor.SerializedDescriptorElement
                )
            ),
        ];
    }

    public void StoreElement(XElement element, string friendlyName) =>
        throw new NotSupportedException("The key of sessions is derived; there is no other.");

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);
}
