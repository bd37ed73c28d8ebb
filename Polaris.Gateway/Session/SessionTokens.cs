using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Session;

/// <summary>What became of a session's tokens.</summary>
internal enum Renewal
{
    /// <summary>The access token serves for a while.</summary>
    NotNeeded,
    Renewed,

    /// <summary>Identity refused the refresh token: the session has ended.</summary>
    Ended,

    /// <summary>The access token has run out and Identity cannot be asked for another.</summary>
    Unavailable,
}

/// <summary>
/// Renews the tokens of a session, which are in its cookie. A refresh token serves once (but for half a minute, for requests at other
/// replicas), so requests that need the same renewal share it.
/// </summary>
internal sealed class SessionTokens(IHttpClientFactory clients, IConfiguration configuration, TimeProvider time)
{
    public const string HttpClientName = "session";
    private const string AccessToken = "access_token";
    private const string RefreshToken = "refresh_token";
    private const string IdToken = "id_token";
    private const string ExpiresAt = "expires_at";

    /// <summary>Renewed when it serves for less than this: a request may take its time.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Lazy<Task<OpenIdConnectMessage?>>> running = new(StringComparer.Ordinal);

    public static string? AccessTokenOf(AuthenticationProperties session) => session.GetTokenValue(AccessToken);

    public static string? IdTokenOf(AuthenticationProperties session) => session.GetTokenValue(IdToken);

    /// <summary>Renews the tokens in the session's properties if that is due.</summary>
    public async Task<Renewal> RenewAsync(AuthenticationProperties session, CancellationToken ct)
    {
        if (session.GetTokenValue(RefreshToken) is not { } refresh)
            return Renewal.Ended;
        var left =
            (
                DateTimeOffset.TryParse(session.GetTokenValue(ExpiresAt), CultureInfo.InvariantCulture, out var expires)
                    ? expires
                    : DateTimeOffset.MinValue
            ) - time.GetUtcNow();
        if (left > RenewBefore)
            return Renewal.NotNeeded;
        OpenIdConnectMessage? answer;
        try
        {
            // Not the request's own: whoever leaves must not end it for the others, or lose the answer to a token that serves once.
            answer = await running.GetOrAdd(refresh, key => new(() => RequestAsync(key))).Value.WaitAsync(ct);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return left > TimeSpan.Zero ? Renewal.NotNeeded : Renewal.Unavailable;
        }

        if (answer is null)
            return Renewal.Ended;
        var lifetime = TimeSpan.FromSeconds(double.Parse(answer.ExpiresIn, CultureInfo.InvariantCulture));
        session.UpdateTokenValue(AccessToken, answer.AccessToken);
        session.UpdateTokenValue(RefreshToken, answer.RefreshToken ?? refresh);
        if (answer.IdToken is { } id)
            session.UpdateTokenValue(IdToken, id);
        session.UpdateTokenValue(ExpiresAt, (time.GetUtcNow() + lifetime).ToString("O", CultureInfo.InvariantCulture));
        return Renewal.Renewed;
    }

    /// <summary>Null when Identity refuses.</summary>
    private async Task<OpenIdConnectMessage?> RequestAsync(string refresh)
    {
        try
        {
            using var client = clients.CreateClient(HttpClientName);
            using var form = new FormUrlEncodedContent(
                new Dictionary<string, string>
                {
                    ["grant_type"] = "refresh_token",
                    ["client_id"] = DashboardSession.ClientId,
                    ["client_secret"] = PolarisAuthentication.ClientSecret(configuration),
                    ["refresh_token"] = refresh,
                }
            );
            using var response = await client.PostAsync(new Uri("/connect/token", UriKind.Relative), form);
            if (response.StatusCode == HttpStatusCode.BadRequest)
                return null;
            response.EnsureSuccessStatusCode();
            return new OpenIdConnectMessage(await response.Content.ReadAsStringAsync());
        }
        finally
        {
            running.TryRemove(refresh, out _);
        }
    }
}
