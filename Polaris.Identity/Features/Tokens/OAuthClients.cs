using OpenIddict.Abstractions;
using Polaris.ServiceDefaults.Auth;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

namespace Polaris.Identity.Features.Tokens;

/// <summary>Who may ask for tokens: the services, each as itself; the dashboard on behalf of a person; anybody with an API key to exchange.</summary>
internal static class OAuthClients
{
    public const string Dashboard = "polaris-dashboard";

    /// <summary>Public: what is exchanged is the secret.</summary>
    public const string ApiKeyExchange = "polaris-api-key";

    private static readonly string[] Services = ["identity", "plans", "ingestion", "billing", "notifications", "gateway"];

    /// <summary>Brings the registrations to what this installation needs; its URL and secret may have changed since the last start.</summary>
    public static async Task RegisterAsync(IServiceProvider services, string publicUrl, string serviceSecret)
    {
        await using var scope = services.CreateAsyncScope();
        var clients = scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>();
        foreach (var service in Services) await SaveAsync(clients, Service(service, serviceSecret));
        await SaveAsync(clients, DashboardClient(publicUrl));
        await SaveAsync(clients, ApiKeyExchangeClient());
    }

    private static OpenIddictApplicationDescriptor Service(string name, string secret) => new()
    {
        ClientId = "service:" + name,
        ClientSecret = ServiceSecrets.OfClient(secret, name),
        ClientType = ClientTypes.Confidential,
        Permissions = { Permissions.Endpoints.Token, Permissions.GrantTypes.ClientCredentials, Permissions.Prefixes.Scope + Scopes.Internal },
    };

    private static OpenIddictApplicationDescriptor DashboardClient(string publicUrl) => new()
    {
        ClientId = Dashboard,
        ClientType = ClientTypes.Public,
        ConsentType = ConsentTypes.Implicit,
        RedirectUris = { new Uri(publicUrl + "callback"), new Uri(publicUrl + "silent") },
        PostLogoutRedirectUris = { new Uri(publicUrl) },
        Permissions =
        {
            Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.EndSession, Permissions.GrantTypes.AuthorizationCode,
            Permissions.GrantTypes.RefreshToken, Permissions.ResponseTypes.Code, OpenIddictConstants.Permissions.Scopes.Email, OpenIddictConstants.Permissions.Scopes.Profile,
            Permissions.Prefixes.Scope + Scopes.Read, Permissions.Prefixes.Scope + Scopes.Billing, Permissions.Prefixes.Scope + Scopes.Admin, Permissions.Prefixes.Scope + Scopes.Platform,
        },
        Requirements = { Requirements.Features.ProofKeyForCodeExchange },
    };

    private static OpenIddictApplicationDescriptor ApiKeyExchangeClient() => new()
    {
        ClientId = ApiKeyExchange,
        ClientType = ClientTypes.Public,
        Permissions =
        {
            Permissions.Endpoints.Token, Permissions.GrantTypes.TokenExchange, Permissions.Prefixes.Scope + Scopes.Ingest, Permissions.Prefixes.Scope + Scopes.Read,
            Permissions.Prefixes.Scope + Scopes.Billing, Permissions.Prefixes.Scope + Scopes.Admin,
        },
    };

    private static async Task SaveAsync(IOpenIddictApplicationManager clients, OpenIddictApplicationDescriptor wanted)
    {
        if (await clients.FindByClientIdAsync(wanted.ClientId!) is not { } known)
        {
            await clients.CreateAsync(wanted);
            return;
        }

        var current = new OpenIddictApplicationDescriptor();
        await clients.PopulateAsync(current, known);
        var sameSecret = wanted.ClientSecret is null || await clients.ValidateClientSecretAsync(known, wanted.ClientSecret);
        if (sameSecret && current.RedirectUris.SetEquals(wanted.RedirectUris) && current.Permissions.SetEquals(wanted.Permissions)
            && current.PostLogoutRedirectUris.SetEquals(wanted.PostLogoutRedirectUris)) return;
        await clients.UpdateAsync(known, wanted);
    }
}
