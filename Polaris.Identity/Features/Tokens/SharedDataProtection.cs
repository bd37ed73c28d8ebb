using System.Security.Cryptography;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.Options;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// ASP.NET Core's data protection, which cookies and forms rely on, with keys that all replicas share: a session begun at one is one at the
/// others, and after a restart. The keys are in the database, encrypted (AES-GCM) with a key derived from the installation secret.
/// </summary>
internal static class SharedDataProtection
{
    private const string Purpose = "data-protection";

    public static void AddSharedDataProtection(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddDataProtection().SetApplicationName("polaris.identity").PersistKeysToDbContext<AccountsDbContext>();
        services.AddSingleton(new WrappingKey(InstallationSecret.Derive(configuration, Purpose)));
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(options =>
            options.XmlEncryptor = new Encryptor(provider.GetRequiredService<WrappingKey>())
        ));
    }

    internal sealed record WrappingKey(byte[] Bytes);

    private sealed class Encryptor(WrappingKey key) : IXmlEncryptor
    {
        public EncryptedXmlInfo Encrypt(XElement plaintextElement)
        {
            var plain = System.Text.Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
            var nonce = RandomNumberGenerator.GetBytes(AesGcm.NonceByteSizes.MaxSize);
            var (secret, tag) = (new byte[plain.Length], new byte[AesGcm.TagByteSizes.MaxSize]);
            using var aes = new AesGcm(key.Bytes, tag.Length);
            aes.Encrypt(nonce, plain, secret, tag);
            return new EncryptedXmlInfo(
                new XElement("encrypted", new XElement("value", Convert.ToBase64String([.. nonce, .. tag, .. secret]))),
                typeof(Decryptor)
            );
        }
    }

    /// <summary>Made by data protection, with the application's services.</summary>
    private sealed class Decryptor(IServiceProvider services) : IXmlDecryptor
    {
        public XElement Decrypt(XElement encryptedElement)
        {
            var whole = Convert.FromBase64String(encryptedElement.Element("value")!.Value).AsSpan();
            var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
            var plain = new byte[whole.Length - nonce - tag];
            using var aes = new AesGcm(services.GetRequiredService<WrappingKey>().Bytes, tag);
            aes.Decrypt(whole[..nonce], whole[(nonce + tag)..], whole.Slice(nonce, tag), plain);
            return XElement.Parse(System.Text.Encoding.UTF8.GetString(plain));
        }
    }
}
