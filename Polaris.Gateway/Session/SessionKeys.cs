using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Session;

/// <summary>What encrypts the session cookie: a key derived from the gateway's own client secret. A new secret ends all cookies.</summary>
internal static class SessionKeys
{
    public static void Add(IServiceCollection services) =>
        DerivedKeys.AddDataProtection(services, "polaris.gateway", "polaris/gateway-session", PolarisAuthentication.ClientSecret);
}
