using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Duende.IdentityModel.Client;
using Duende.IdentityModel.OidcClient;
using Duende.IdentityModel.OidcClient.Browser;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>A person with an account, who signs in as people do: code + PKCE by a stock client, on the real page.</summary>
internal sealed record Account(Uri Gateway, string Email, string Password, Guid UserId, Guid OrgId, string ApiKey)
{
    public const string Everything = "openid profile email read billing admin offline_access";

    public static async Task<Account> SignUpAsync(PolarisApp polaris)
    {
        var (email, password) = (NewEmail(), NewPassword());
        using var anyone = new HttpClient { BaseAddress = polaris.Gateway };
        using var response = await anyone.PostAsJsonAsync("/graphql", new
        {
            query = "mutation($input: SignUpInput!) { signUp(input: $input) { userId org { id } apiKey { secret } } }",
            variables = new { input = new { email, password, orgName = "Test" } },
        });
        var signUp = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("data").GetProperty("signUp");
        return new Account(polaris.Gateway, email, password, Guid.Parse(signUp.GetProperty("userId").GetString()!), Guid.Parse(signUp.GetProperty("org").GetProperty("id").GetString()!), signUp.GetProperty("apiKey").GetProperty("secret").GetString()!);
    }

    public static string NewEmail() => $"{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";

    public static string NewPassword() => "Pw " + RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 24);

    /// <summary>The org seen with the first API key.</summary>
    public Tenant WithKey() => new(Gateway, OrgId.ToString(), ApiKey);

    public OidcClient Client(string scope = Everything) => new(new OidcClientOptions
    {
        Authority = Gateway.ToString().TrimEnd('/'),
        ClientId = "polaris-dashboard",
        RedirectUri = new Uri(Gateway, "/callback").ToString(),
        PostLogoutRedirectUri = Gateway.ToString(),
        Scope = scope,
        LoadProfile = false,
        Browser = new FormBrowser(Email, Password),
    });

    public async Task<LoginResult> TrySignInAsync(string scope = Everything, Guid? org = null)
    {
        var request = new LoginRequest();
        if (org is { } id) request.FrontChannelExtraParameters = new Parameters { { "org", id.ToString() } };
        return await Client(scope).LoginAsync(request);
    }

    /// <summary>What the person sees after signing in, to one of their orgs if they say which.</summary>
    public async Task<Tenant> SignInAsync(string scope = Everything, Guid? org = null)
    {
        var login = await TrySignInAsync(scope, org);
        Assert.False(login.IsError, login.Error + " " + login.ErrorDescription);
        return new Tenant(Gateway, (org ?? OrgId).ToString(), login.AccessToken);
    }
}

internal static class Answers
{
    /// <summary>What a GraphQL answer amounts to, whether the gateway or a service gave it.</summary>
    public static int Status(this JsonElement answer) =>
        answer.TryGetProperty("errors", out var errors) ? errors[0].GetProperty("extensions").GetProperty("code").GetString() switch { "UNAUTHENTICATED" => 401, "FORBIDDEN" => 403, _ => 500 }
        : answer.TryGetProperty("data", out _) ? 200
        : answer.GetProperty("status").GetInt32();
}

/// <summary>A browser that fills in the sign-in form and follows redirects as far as Polaris's own pages go.</summary>
internal sealed class FormBrowser(string email, string password) : IBrowser
{
    private const int MaxHops = 10;

    /// <summary>What the sign-in page said instead of letting one in.</summary>
    public (int Status, string Alert)? Refusal { get; private set; }

    public async Task<BrowserResult> InvokeAsync(BrowserOptions options, CancellationToken cancellationToken = default)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new System.Net.CookieContainer() });
        var url = new Uri(options.StartUrl);
        for (var hop = 0; hop < MaxHops; hop++)
        {
            using var response = await http.GetAsync(url, cancellationToken);
            if (response.Headers.Location is { } location)
            {
                url = new Uri(url, location);
                if (url.ToString().StartsWith(options.EndUrl, StringComparison.Ordinal) && url.Query.Length > 0) return new BrowserResult { ResultType = BrowserResultType.Success, Response = url.ToString() };
                continue;
            }

            var page = await response.Content.ReadAsStringAsync(cancellationToken);
            using var submitted = await SubmitAsync(http, url, page, cancellationToken);
            if (submitted.Headers.Location is not { } next)
            {
                var answer = await submitted.Content.ReadAsStringAsync(cancellationToken);
                Refusal = ((int)submitted.StatusCode, Between(answer, "role=\"alert\">", "<"));
                return new BrowserResult { ResultType = BrowserResultType.HttpError, Error = Refusal.Value.Alert };
            }

            url = new Uri(url, next);
        }

        return new BrowserResult { ResultType = BrowserResultType.UnknownError, Error = "too many redirects" };
    }

    private async Task<HttpResponseMessage> SubmitAsync(HttpClient http, Uri page, string html, CancellationToken ct)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["__RequestVerificationToken"] = Between(html, "name=\"__RequestVerificationToken\" value=\"", "\""),
            ["returnUrl"] = System.Net.WebUtility.HtmlDecode(Between(html, "name=\"returnUrl\" value=\"", "\"")),
            ["email"] = email,
            ["password"] = password,
        });
        return await http.PostAsync(new Uri(page, "/account/login"), form, ct);
    }

    private static string Between(string text, string from, string to)
    {
        var start = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(start >= 0, $"'{from}' is not on the page: {text}");
        start += from.Length;
        return text[start..text.IndexOf(to, start, StringComparison.Ordinal)];
    }
}
