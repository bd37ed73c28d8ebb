using System.Net;
using System.Text.Json;
using Duende.IdentityModel.Client;
using Microsoft.IdentityModel.JsonWebTokens;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Identity through a standard OpenID Connect client, without any code of Polaris.</summary>
public sealed class OidcTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_stock_client_discovers_signs_in_with_code_and_PKCE_and_renews_its_tokens()
    {
        using var http = new HttpClient();
        var discovery = await http.GetDiscoveryDocumentAsync(polaris.Gateway.ToString());
        Assert.False(discovery.IsError, discovery.Error);
        Assert.Contains("S256", discovery.CodeChallengeMethodsSupported);
        Assert.Contains("urn:ietf:params:oauth:grant-type:token-exchange", discovery.GrantTypesSupported);
        Assert.All(discovery.KeySet!.Keys, key => Assert.Equal(("RSA", null), (key.Kty, key.D)));

        var account = await Account.SignUpAsync(polaris);
        var client = account.Client();
        var login = await client.LoginAsync();
        Assert.False(login.IsError, login.Error + " " + login.ErrorDescription);
        Assert.Equal(account.UserId.ToString(), login.User.FindFirst("sub")?.Value);
        Assert.Equal(["owner", account.OrgId.ToString()], await MeAsync(account, login.AccessToken));

        var renewed = await client.RefreshTokenAsync(login.RefreshToken);
        Assert.False(renewed.IsError, renewed.Error);
        Assert.NotEqual(login.AccessToken, renewed.AccessToken);
        Assert.Equal(["owner", account.OrgId.ToString()], await MeAsync(account, renewed.AccessToken));
    }

    [Fact]
    public async Task A_code_without_its_verifier_is_worth_nothing()
    {
        var account = await Account.SignUpAsync(polaris);
        var state = await account.Client().PrepareLoginAsync();
        var browser = new FormBrowser(account.Email, account.Password);
        var result = await browser.InvokeAsync(new(state.StartUrl, state.RedirectUri));
        using var http = new HttpClient();
        foreach (var verifier in new[] { "0123456789012345678901234567890123456789012345", null })
        {
            using var request = new AuthorizationCodeTokenRequest
            {
                Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
                ClientId = "polaris-cli",
                Code = new AuthorizeResponse(result.Response).Code!,
                RedirectUri = state.RedirectUri,
                CodeVerifier = verifier,
            };
            var answer = await http.RequestAuthorizationCodeTokenAsync(request);
            Assert.True(answer.Error is "invalid_grant" or "invalid_request", answer.Raw);
            Assert.Null(answer.AccessToken);
        }
    }

    [Fact]
    public async Task No_code_is_given_to_a_client_that_names_no_challenge()
    {
        var account = await Account.SignUpAsync(polaris);
        var state = await account.Client().PrepareLoginAsync();
        var without = string.Join(
            '&',
            state.StartUrl.Split('&').Where(part => !part.StartsWith("code_challenge", StringComparison.Ordinal))
        );
        Assert.NotEqual(state.StartUrl, without);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var response = await http.GetAsync(new Uri(without));
        var said = response.Headers.Location?.ToString() ?? await response.Content.ReadAsStringAsync();
        Assert.Contains("invalid_request", said, StringComparison.Ordinal);
        using var proper = await http.GetAsync(new Uri(state.StartUrl));
        Assert.Contains("/account/login", proper.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_gets_its_token_with_a_secret_of_its_own_and_with_no_other()
    {
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        string Secret(string name) => secrets.RootElement.GetProperty(name).GetString()!;
        var billing = await ClientCredentialsAsync("service:billing", Secret("billing-client-secret"));
        Assert.False(billing.IsError, billing.Error);
        var token = new JsonWebToken(billing.AccessToken);
        Assert.Equal(("service:billing", "polaris.internal"), (token.Subject, token.GetClaim("scope").Value));

        // Neither the installation's secret, which is never sent, nor another service's secret.
        foreach (var other in new[] { "installation-secret", "plans-client-secret" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await ClientCredentialsAsync("service:billing", Secret(other))).HttpStatusCode);
    }

    [Fact]
    public async Task An_API_key_is_exchanged_for_a_short_lived_token_that_may_no_more_than_the_key()
    {
        var account = await Account.SignUpAsync(polaris);
        using var owner = account.WithKey();
        using var reader = await owner.WithKeyAsync(["read", "ingest"]);

        var all = await ExchangeAsync(reader.ApiKey);
        Assert.False(all.IsError, all.Raw);
        Assert.InRange(all.ExpiresIn, 1, 300);
        Assert.Equal("urn:ietf:params:oauth:token-type:access_token", all.IssuedTokenType);
        using var token = new Tenant(polaris.Gateway, account.OrgId.ToString(), all.AccessToken!);
        Assert.Equal(
            account.OrgId.ToString(),
            (await token.QueryAsync("{ me { org { id } } }")).GetProperty("me").GetProperty("org").GetProperty("id").GetString()
        );
        Assert.Equal(202, (await token.IngestAsync(new { idempotency_key = "exchanged", type = "call" })).Status);
        Assert.Equal("FORBIDDEN", (await token.RefusalAsync("{ apiKeys { id } }")).Code);

        using var less = new Tenant(polaris.Gateway, account.OrgId.ToString(), (await ExchangeAsync(reader.ApiKey, "read")).AccessToken!);
        Assert.Equal(403, (await less.IngestAsync(new { idempotency_key = "no", type = "call" })).Status);
        // An admin key implies billing, so its token may be restricted to billing.
        Assert.False((await ExchangeAsync(owner.ApiKey, "billing")).IsError);
        Assert.Equal("invalid_scope", (await ExchangeAsync(reader.ApiKey, "read admin")).Error);
        Assert.True((await ExchangeAsync(owner.ApiKey, "platform")).IsError);
        Assert.Equal("invalid_request", (await ExchangeAsync(reader.ApiKey[..^1] + "x")).Error);
        Assert.True((await ExchangeAsync(all.AccessToken!, type: "urn:ietf:params:oauth:token-type:access_token")).IsError);

        var id = await KeyIdAsync(owner, reader.ApiKey);
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        await polaris.UntilAsync("refusal of a revoked key", async () => (await ExchangeAsync(reader.ApiKey)).Error == "invalid_request");
    }

    [Fact]
    public async Task Signing_out_ends_the_session_of_the_page()
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = polaris.Gateway };
        using var response = await http.GetAsync(
            "/connect/logout?client_id=polaris-dashboard&post_logout_redirect_uri=" + Uri.EscapeDataString(polaris.Gateway.ToString())
        );
        Assert.Equal((HttpStatusCode.Redirect, polaris.Gateway), (response.StatusCode, response.Headers.Location));
        using var elsewhere = await http.GetAsync(
            "/connect/logout?client_id=polaris-dashboard&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F"
        );
        Assert.Equal(HttpStatusCode.BadRequest, elsewhere.StatusCode);
    }

    internal static async Task<string?> KeyIdAsync(Tenant owner, string secret) =>
        (await owner.QueryAsync("{ apiKeys { id prefix } }"))
            .GetProperty("apiKeys")
            .EnumerateArray()
            .Single(key => secret.StartsWith(key.GetProperty("prefix").GetString()! + "_", StringComparison.Ordinal))
            .GetProperty("id")
            .GetString();

    private static async Task<IReadOnlyList<string?>> MeAsync(Account account, string token)
    {
        using var person = new Tenant(account.Gateway, account.OrgId.ToString(), token);
        var me = (await person.QueryAsync("{ me { role org { id } } }")).GetProperty("me");
        return [me.GetProperty("role").GetString(), me.GetProperty("org").GetProperty("id").GetString()];
    }

    private async Task<TokenResponse> ClientCredentialsAsync(string id, string secret)
    {
        using var http = new HttpClient();
        using var request = new ClientCredentialsTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = id,
            ClientSecret = secret,
            Scope = "polaris.internal",
        };
        return await http.RequestClientCredentialsTokenAsync(request);
    }

    private async Task<TokenResponse> ExchangeAsync(string subject, string? scope = null, string type = "urn:polaris:api-key")
    {
        using var http = new HttpClient();
        using var request = new TokenExchangeTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = "polaris-api-key",
            ClientCredentialStyle = ClientCredentialStyle.PostBody,
            SubjectToken = subject,
            SubjectTokenType = type,
            Scope = scope,
        };
        return await http.RequestTokenExchangeTokenAsync(request);
    }
}
