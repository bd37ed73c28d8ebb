using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>
/// The one key of a service's data protection (ASP.NET Core's), derived from a secret of its own (HKDF-SHA256): all replicas have it,
/// nothing stores it, and with a new secret nothing that was encrypted can be read.
/// </summary>
public sealed class DerivedKeys : IXmlRepository
{
    private const int KeyBytes = 64;
    private const int IdBytes = 16;
    private static readonly DateTimeOffset Since = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Func<string> secret;
    private readonly string purpose;

    private DerivedKeys(Func<string> secret, string purpose) => (this.secret, this.purpose) = (secret, purpose);

    /// <param name="services">The service collection.</param>
    /// <param name="application">Whose data it is.</param>
    /// <param name="purpose">What the key is derived for.</param>
    /// <param name="secret">Reads the secret.</param>
    public static void AddDataProtection(
        IServiceCollection services,
        string application,
        string purpose,
        Func<IConfiguration, string> secret
    )
    {
        services.AddDataProtection().SetApplicationName(application).DisableAutomaticKeyGeneration();
        services
            .AddOptions<KeyManagementOptions>()
            .Configure<IConfiguration>(
                (options, configuration) => options.XmlRepository = new DerivedKeys(() => secret(configuration), purpose)
            );
    }

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var bytes = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            Encoding.UTF8.GetBytes(secret()),
            KeyBytes + IdBytes,
            info: Encoding.UTF8.GetBytes(purpose)
        );
        using var key = new Secret(bytes.AsSpan(0, KeyBytes).ToArray());
        var descriptor = new AuthenticatedEncryptorDescriptor(
            new AuthenticatedEncryptorConfiguration
            {
                EncryptionAlgorithm = EncryptionAlgorithm.AES_256_GCM,
                ValidationAlgorithm = ValidationAlgorithm.HMACSHA256,
            },
            key
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
        throw new NotSupportedException("The key is derived; there is no other.");

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);
}
