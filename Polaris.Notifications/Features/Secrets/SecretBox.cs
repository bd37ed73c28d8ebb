using Microsoft.AspNetCore.DataProtection;

namespace Polaris.Notifications.Features.Secrets;

/// <summary>
/// Encrypts what is secret in the database: the keys that webhooks are signed with, and mails with a token. By ASP.NET Core's data
/// protection, with a key that is derived from a secret of this service.
/// </summary>
internal sealed class SecretBox(IDataProtectionProvider provider)
{
    public const string Setting = "Polaris:EncryptionSecret";

    private readonly IDataProtector protector = provider.CreateProtector("at-rest");

    public string Protect(string secret) => protector.Protect(secret);

    public string Unprotect(string stored) => protector.Unprotect(stored);
}
