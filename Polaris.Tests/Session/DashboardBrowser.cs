using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Duende.IdentityModel.OidcClient.Browser;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Session;

/// <summary>A browser that is signed in to the dashboard, and so has the session's cookie.</summary>
internal sealed class DashboardBrowser(Uri gateway, string cookies) : IDisposable
{
    public const string CookieName = "polaris.dashboard";

    private readonly HttpClient http = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
    {
        BaseAddress = gateway,
    };

    /// <summary>The header's text, also of the sign-in page's cookie.</summary>
    public string Cookies { get; } = cookies;

    public static async Task<DashboardBrowser> SignInAsync(Account account)
    {
        var browser = new FormBrowser(account.Email, account.Password);
        var result = await browser.InvokeAsync(
            new BrowserOptions(
                new Uri(account.Gateway, "/session/sign-in?returnTo=" + Uri.EscapeDataString("/usage?range=30d")).ToString(),
                new Uri(account.Gateway, "/usage").ToString()
            )
        );
        Assert.True(result.ResultType == BrowserResultType.Success, result.Error);
        Assert.Equal("/usage?range=30d", new Uri(result.Response).PathAndQuery);
        return new DashboardBrowser(account.Gateway, browser.Cookies.GetCookieHeader(account.Gateway));
    }

    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The path.</param>
    /// <param name="json">The body.</param>
    /// <param name="headers">Headers besides the cookie; by default those of the dashboard's own pages.</param>
    public async Task<(HttpStatusCode Status, JsonElement Body, HttpResponseMessage Response)> SendAsync(
        HttpMethod method,
        string path,
        object? json = null,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
            request.Content = JsonContent.Create(json);
        request.Headers.Add("Cookie", Cookies);
        foreach (var (name, value) in headers.Length > 0 ? headers : [("Polaris-Session", "1"), ("Sec-Fetch-Site", "same-origin")])
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length > 0 ? JsonDocument.Parse(text).RootElement : default, response);
    }

    public async Task<JsonElement> QueryAsync(string query, params (string Name, string Value)[] headers) =>
        (await SendAsync(HttpMethod.Post, "/graphql", new { query }, headers)).Body;

    /// <summary>The person that <c>/session</c> shows; null when there is none.</summary>
    public async Task<JsonElement?> UserAsync()
    {
        var (status, body, _) = await SendAsync(HttpMethod.Get, "/session");
        Assert.Equal(HttpStatusCode.OK, status);
        var user = body.GetProperty("user");
        return user.ValueKind == JsonValueKind.Null ? null : user;
    }

    public void Dispose() => http.Dispose();
}
