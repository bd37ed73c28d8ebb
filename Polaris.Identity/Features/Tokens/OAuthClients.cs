using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// The OAuth clients: each service for itself, the gateway's session of the dashboard and programs of one's own on behalf of a person, and
/// a public client for exchanging API keys.
/// </summary>
internal static class OAuthClients
{
    /// <summary>
    /// The gateway, which keeps the tokens of the dashboard's visitors. Confidential: a code that a script on one of our pages comes by is
    /// worth nothing without the gateway's secret.
    /// </summary>
    public const string Dashboard = "polaris-dashboard";

    /// <summary>
    /// A program on a person's own machine (RFC 8252), an operator's for instance. Public; the code comes back to that machine, so no
    /// script on our pages can read it.
    /// </summary>
    public const string Program = "polaris-cli";

    /// <summary>A public client: the exchanged key is the secret.</summary>
    public const string ApiKeyExchange = "polaris-api-key";

    /// <summary>The services that may ask for tokens of their own: each one's name and client secret.</summary>
    private const string Services = "Polaris:ServiceClients";

    /// <summary>Updates the registrations for this installation, whose URL and secrets may have changed since the last start.</summary>
    public static async Task RegisterAsync(IServiceProvider services, string publicUrl, IConfiguration configuration)
    {
        await using var scope = services.CreateAsyncScope();
        var clients = scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>();
        foreach (var service in configuration.GetSection(Services).GetChildren())
        {
            var secret = service.Value is { Length: > 0 } value ? value : throw new InvalidOperationException($"{service.Path} is empty.");
            await SaveAsync(clients, Service(service.Key.ToLowerInvariant(), secret));
        }

        if (configuration[Services + ":gateway"] is { Length: > 0 } gateway)
            await SaveAsync(clients, DashboardClient(publicUrl, gateway));
        await SaveAsync(clients, ProgramClient());
        await SaveAsync(clients, ApiKeyExchangeClient());
    }

    private static OpenIddictApplicationDescriptor Service(string name, string secret) =>
        new()
        {
            ClientId = "service:" + name,
            ClientSecret = secret,
            ClientType = ClientTypes.Confidential,
            Permissions =
            {
                Permissions.Endpoints.Token,
                Permissions.GrantTypes.ClientCredentials,
                Permissions.Prefixes.Scope + Scopes.Internal,
            },
        };

    private static OpenIddictApplicationDescriptor DashboardClient(string publicUrl, string secret)
    {
        var client = PersonsClient(Dashboard);
        client.ClientType = ClientTypes.Confidential;
        client.ClientSecret = secret;
        client.RedirectUris.Add(new Uri(publicUrl + "session/callback"));
        client.PostLogoutRedirectUris.Add(new Uri(publicUrl));
        client.Permissions.Add(Permissions.Prefixes.Scope + Scopes.PlatformRead);
        return client;
    }

    private static OpenIddictApplicationDescriptor ProgramClient()
    {
        var client = PersonsClient(Program);
        client.ClientType = ClientTypes.Public;
        client.ApplicationType = ApplicationTypes.Native;
        client.RedirectUris.Add(new Uri("http://127.0.0.1/callback"));
        client.Permissions.Add(Permissions.Prefixes.Scope + Scopes.Platform);
        client.Permissions.Add(Permissions.Prefixes.Scope + Scopes.PlatformRead);
        return client;
    }

    private static OpenIddictApplicationDescriptor PersonsClient(string id) =>
        new()
        {
            ClientId = id,
            ConsentType = ConsentTypes.Implicit,
            Permissions =
            {
                Permissions.Endpoints.Authorization,
                Permissions.Endpoints.Token,
                Permissions.Endpoints.EndSession,
                Permissions.GrantTypes.AuthorizationCode,
                Permissions.GrantTypes.RefreshToken,
                Permissions.ResponseTypes.Code,
                OpenIddictConstants.Permissions.Scopes.Email,
                OpenIddictConstants.Permissions.Scopes.Profile,
                Permissions.Prefixes.Scope + Scopes.Read,
                Permissions.Prefixes.Scope + Scopes.Billing,
                Permissions.Prefixes.Scope + Scopes.Admin,
            },
            Requirements = { Requirements.Features.ProofKeyForCodeExchange },
        };

    private static OpenIddictApplicationDescriptor ApiKeyExchangeClient() =>
        new()
        {
            ClientId = ApiKeyExchange,
            ClientType = ClientTypes.Public,
            Permissions =
            {
                Permissions.Endpoints.Token,
                Permissions.GrantTypes.TokenExchange,
                Permissions.Prefixes.Scope + Scopes.Ingest,
                Permissions.Prefixes.Scope + Scopes.Read,
                Permissions.Prefixes.Scope + Scopes.Billing,
                Permissions.Prefixes.Scope + Scopes.Admin,
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
        if (
            sameSecret
            && current.ClientType == wanted.ClientType
            && current.RedirectUris.SetEquals(wanted.RedirectUris)
            && current.Permissions.SetEquals(wanted.Permissions)
            && current.PostLogoutRedirectUris.SetEquals(wanted.PostLogoutRedirectUris)
        )
            return;
        await clients.UpdateAsync(known, wanted);
    }
}
