using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Duende.IdentityModel.Client;
using Duende.IdentityModel.OidcClient;
using Duende.IdentityModel.OidcClient.Browser;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>A person with an account, who signs in with code + PKCE through a standard client and the real sign-in page.</summary>
internal sealed record Account(Uri Gateway, string Email, string Password, Guid UserId, Guid OrgId, string ApiKey)
{
    public const string Everything = "openid profile email read billing admin offline_access";

    public static async Task<Account> SignUpAsync(PolarisApp polaris)
    {
        var (email, password) = (NewEmail(), NewPassword());
        using var anyone = new HttpClient { BaseAddress = polaris.Gateway };
        using var response = await anyone.PostAsJsonAsync(
            "/graphql",
            new
            {
                query = "mutation($input: SignUpInput!) { signUp(input: $input) { userId emailProof org { id } apiKey { secret } } }",
                variables = new
                {
                    input = new
                    {
                        email,
                        password,
                        orgName = "Test",
                    },
                },
            }
        );
        var signUp = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("data").GetProperty("signUp");
        using var proven = await anyone.PostAsJsonAsync(
            "/graphql",
            new
            {
                query = "mutation($token: String!) { proveEmail(token: $token) { userId } }",
                variables = new { token = signUp.GetProperty("emailProof").GetString() },
            }
        );
        Assert.Equal(200, (await proven.Content.ReadFromJsonAsync<JsonElement>()).Status());
        return new Account(
            polaris.Gateway,
            email,
            password,
            Guid.Parse(signUp.GetProperty("userId").GetString()!),
            Guid.Parse(signUp.GetProperty("org").GetProperty("id").GetString()!),
            signUp.GetProperty("apiKey").GetProperty("secret").GetString()!
        );
    }

    public static string NewEmail() => $"{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";

    public static string NewPassword() => "Pw " + RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 24);

    /// <summary>The org, authenticated with the first API key.</summary>
    public Tenant WithKey() => new(Gateway, OrgId.ToString(), ApiKey);

    /// <param name="scope">What is asked for.</param>
    /// <param name="from">The network address of the browser; null for this machine's.</param>
    /// <param name="code">The code of the second factor.</param>
    public OidcClient Client(string scope = Everything, string? from = null, string? code = null) =>
        new(
            new OidcClientOptions
            {
                Authority = Gateway.ToString().TrimEnd('/'),
                ClientId = "polaris-cli",
                RedirectUri = "http://127.0.0.1/callback",
                Scope = scope,
                LoadProfile = false,
                Browser = new FormBrowser(Email, Password, from, code),
            }
        );

    public async Task<LoginResult> TrySignInAsync(string scope = Everything, Guid? org = null, string? from = null, string? code = null)
    {
        var request = new LoginRequest();
        if (org is { } id)
            request.FrontChannelExtraParameters = new Parameters { { "org", id.ToString() } };
        return await Client(scope, from, code).LoginAsync(request);
    }

    /// <summary>Signs in to the given org, or to the default one, and returns the tokens.</summary>
    public async Task<Tenant> SignInAsync(string scope = Everything, Guid? org = null, string? from = null, string? code = null)
    {
        var login = await TrySignInAsync(scope, org, from, code);
        Assert.False(login.IsError, login.Error + " " + login.ErrorDescription);
        return new Tenant(Gateway, (org ?? OrgId).ToString(), login.AccessToken);
    }
}

internal static class Answers
{
    /// <summary>The result of a GraphQL response, from the gateway or a service.</summary>
    public static int Status(this JsonElement answer) =>
        answer.TryGetProperty("errors", out var errors)
            ? errors[0].GetProperty("extensions").GetProperty("code").GetString() switch
            {
                "UNAUTHENTICATED" => 401,
                "FORBIDDEN" => 403,
                _ => 500,
            }
        : answer.TryGetProperty("data", out _) ? 200
        : answer.GetProperty("status").GetInt32();
}

/// <summary>A browser that submits the sign-in form and follows redirects within Polaris.</summary>
internal sealed class FormBrowser(string email, string password, string? from = null, string? code = null) : IBrowser
{
    private const int MaxHops = 10;

    public System.Net.CookieContainer Cookies { get; } = new();

    /// <summary>The error shown by the sign-in page; null after a successful sign-in.</summary>
    public (int Status, string Alert)? Refusal { get; private set; }

    public async Task<BrowserResult> InvokeAsync(BrowserOptions options, CancellationToken cancellationToken = default)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = Cookies });
        // This machine counts as a proxy, so the platform believes it.
        if (from is not null)
            http.DefaultRequestHeaders.Add("X-Forwarded-For", from);
        var url = new Uri(options.StartUrl);
        for (var hop = 0; hop < MaxHops; hop++)
        {
            using var response = await http.GetAsync(url, cancellationToken);
            if (response.Headers.Location is { } location)
            {
                url = new Uri(url, location);
                if (url.ToString().StartsWith(options.EndUrl, StringComparison.Ordinal) && url.Query.Length > 0)
                    return new BrowserResult { ResultType = BrowserResultType.Success, Response = url.ToString() };
                continue;
            }

            var page = await response.Content.ReadAsStringAsync(cancellationToken);
            using var submitted = await SubmitAsync(http, url, page, cancellationToken);
            if (submitted.IsSuccessStatusCode && code is not null)
            {
                using var confirmed = await SubmitAsync(
                    http,
                    url,
                    await submitted.Content.ReadAsStringAsync(cancellationToken),
                    cancellationToken,
                    "/account/login/code"
                );
                if (confirmed.Headers.Location is { } then)
                {
                    url = new Uri(url, then);
                    continue;
                }

                Refusal = (
                    (int)confirmed.StatusCode,
                    Between(await confirmed.Content.ReadAsStringAsync(cancellationToken), "role=\"alert\">", "<")
                );
                return new BrowserResult { ResultType = BrowserResultType.HttpError, Error = Refusal.Value.Alert };
            }

            if (submitted.Headers.Location is not { } next)
            {
                var answer = await submitted.Content.ReadAsStringAsync(cancellationToken);
                // Without a code, the page that asks for one is where it ends.
                var asksForCode = submitted.IsSuccessStatusCode && answer.Contains("/account/login/code", StringComparison.Ordinal);
                Refusal = ((int)submitted.StatusCode, asksForCode ? "second factor" : Between(answer, "role=\"alert\">", "<"));
                return new BrowserResult { ResultType = BrowserResultType.HttpError, Error = Refusal.Value.Alert };
            }

            url = new Uri(url, next);
        }

        return new BrowserResult { ResultType = BrowserResultType.UnknownError, Error = "too many redirects" };
    }

    private async Task<HttpResponseMessage> SubmitAsync(
        HttpClient http,
        Uri page,
        string html,
        CancellationToken ct,
        string action = "/account/login"
    )
    {
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["__RequestVerificationToken"] = Between(html, "name=\"__RequestVerificationToken\" value=\"", "\""),
                ["returnUrl"] = System.Net.WebUtility.HtmlDecode(Between(html, "name=\"returnUrl\" value=\"", "\"")),
                ["email"] = email,
                ["password"] = password,
                ["code"] = code ?? "",
            }
        );
        return await http.PostAsync(new Uri(page, action), form, ct);
    }

    private static string Between(string text, string from, string to)
    {
        var start = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(start >= 0, $"'{from}' is not on the page: {text}");
        start += from.Length;
        return text[start..text.IndexOf(to, start, StringComparison.Ordinal)];
    }
}
