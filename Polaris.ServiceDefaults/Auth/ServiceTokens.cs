using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Protocols;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>Where Identity answers HTTP: by service discovery, or this very process when it is Identity.</summary>
internal sealed class IdentityEndpoint(IHttpClientFactory clients, IConfiguration configuration, IServiceProvider services) : IDocumentRetriever
{
    public const string HttpClientName = "identity";

    public HttpClient CreateClient()
    {
        var client = clients.CreateClient(HttpClientName);
        client.BaseAddress = Address();
        return client;
    }

    public async Task<string> GetDocumentAsync(string address, CancellationToken cancel)
    {
        using var client = CreateClient();
        return await client.GetStringAsync(new Uri("/.well-known/" + address, UriKind.Relative), cancel);
    }

    private Uri Address()
    {
        if (configuration["services:identity:http:0"] is not null) return new Uri("http://identity");
        var own = services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses
            .FirstOrDefault(address => configuration["GRPC_PORT"] is not { Length: > 0 } grpc || !address.EndsWith(":" + grpc, StringComparison.Ordinal));
        return new Uri((own ?? throw new InvalidOperationException("services:identity:http:0 is missing: where is Identity?"))
            .Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal));
    }
}

/// <summary>This service's own access token (OAuth client credentials), renewed a minute before it ends.</summary>
internal sealed class ServiceTokens(IdentityEndpoint identity, ServiceIdentity self, IConfiguration configuration, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim renewing = new(1, 1);
    private volatile Token? current;

    public async ValueTask<string> GetAsync(CancellationToken ct)
    {
        if (current is { } token && token.RenewAt > time.GetUtcNow()) return token.Value;
        await renewing.WaitAsync(ct);
        try
        {
            if (current is { } renewed && renewed.RenewAt > time.GetUtcNow()) return renewed.Value;
            current = await RequestAsync(ct);
            return current.Value;
        }
        finally
        {
            renewing.Release();
        }
    }

    /// <summary>The token was refused before its time, as after a signing key was dropped: the next call asks for another.</summary>
    public void Forget() => current = null;

    public void Dispose() => renewing.Dispose();

    private async Task<Token> RequestAsync(CancellationToken ct)
    {
        using var client = identity.CreateClient();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = "service:" + self.Name,
            ["client_secret"] = ServiceSecrets.OfClient(
                configuration[ServiceSecrets.Setting] ?? throw new InvalidOperationException($"{ServiceSecrets.Setting} is missing."), self.Name),
            ["scope"] = Scopes.Internal,
        });
        using var response = await client.PostAsync(new Uri("/connect/token", UriKind.Relative), form, ct);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync<TokenResponse>(ct) ?? throw new InvalidOperationException("Identity answered without a token.");
        return new Token(answer.AccessToken, time.GetUtcNow() + TimeSpan.FromSeconds(answer.ExpiresIn) - RenewBefore);
    }

    private sealed record Token(string Value, DateTimeOffset RenewAt);

    private sealed record TokenResponse([property: JsonPropertyName("access_token")] string AccessToken, [property: JsonPropertyName("expires_in")] int ExpiresIn);
}
