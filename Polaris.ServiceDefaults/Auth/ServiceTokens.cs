using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Protocols;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>Identity's HTTP address: from service discovery, or this process itself when it is Identity.</summary>
internal sealed class IdentityEndpoint(IHttpClientFactory clients, IConfiguration configuration, IServiceProvider services)
    : IDocumentRetriever
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
        if (configuration["services:identity:http:0"] is not null)
            return new Uri("http://identity");
        var own = services
            .GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()
            ?.Addresses.FirstOrDefault(address =>
                configuration["GRPC_PORT"] is not { Length: > 0 } grpc || !address.EndsWith(":" + grpc, StringComparison.Ordinal)
            );
        return new Uri(
            (own ?? throw new InvalidOperationException("services:identity:http:0 is missing: the address of Identity."))
                .Replace("[::]", "127.0.0.1", StringComparison.Ordinal)
                .Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)
        );
    }
}

/// <summary>
/// This service's access token (OAuth client credentials), renewed in the background during its last minutes: no call waits for Identity
/// while the token is good.
/// </summary>
internal sealed class ServiceTokens(IdentityEndpoint identity, ServiceIdentity self, IConfiguration configuration, TimeProvider time)
    : IDisposable
{
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(5);

    /// <summary>For the clocks of other services, and the time that a call takes.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim renewing = new(1, 1);
    private volatile Token? current;

    public async ValueTask<string> GetAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        if (current is { } token && token.UseUntil > now)
        {
            // The call has a timeout of its own, and its failure is that of the call which finds no good token any more.
            if (token.RenewAt <= now && renewing.Wait(0, CancellationToken.None))
                _ = RenewAsync();
            return token.Value;
        }

        await renewing.WaitAsync(ct);
        try
        {
            if (current is { } renewed && renewed.UseUntil > time.GetUtcNow())
                return renewed.Value;
            current = await RequestAsync(ct);
            return current.Value;
        }
        finally
        {
            renewing.Release();
        }
    }

    /// <summary>
    /// Drops a token that was rejected before its expiry, such as after its signing key was removed: the next call requests another.
    /// </summary>
    public void Forget() => current = null;

    public void Dispose() => renewing.Dispose();

    private async Task RenewAsync()
    {
        try
        {
            current = await RequestAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or InvalidOperationException)
        {
            // The next call tries again.
        }
        finally
        {
            renewing.Release();
        }
    }

    private async Task<Token> RequestAsync(CancellationToken ct)
    {
        using var client = identity.CreateClient();
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = "service:" + self.Name,
                ["client_secret"] = PolarisAuthentication.ClientSecret(configuration),
                ["scope"] = Scopes.Internal,
            }
        );
        using var response = await client.PostAsync(new Uri("/connect/token", UriKind.Relative), form, ct);
        response.EnsureSuccessStatusCode();
        var answer =
            await response.Content.ReadFromJsonAsync<TokenResponse>(ct)
            ?? throw new InvalidOperationException("Identity answered without a token.");
        var expires = time.GetUtcNow() + TimeSpan.FromSeconds(answer.ExpiresIn);
        return new Token(answer.AccessToken, expires - RenewBefore, expires - Leeway);
    }

    private sealed record Token(string Value, DateTimeOffset RenewAt, DateTimeOffset UseUntil);

    private sealed record TokenResponse(
        [property: JsonPropertyName("access_token")] string AccessToken,
        [property: JsonPropertyName("expires_in")] int ExpiresIn
    );
}
