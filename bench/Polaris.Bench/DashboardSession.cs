using System.Net;

namespace Polaris.Bench;

/// <summary>Signs a person in as a browser does: the sign-in page, then the dashboard's session in a cookie.</summary>
internal static class DashboardSession
{
    /// <returns>A client with the session; it is the caller's to dispose.</returns>
    /// <exception cref="PolarisException">The person was not signed in.</exception>
    public static async Task<HttpClient> SignInAsync(Uri url, string email, string password)
    {
        var http = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = url };
        using var page = await http.GetAsync("/session/sign-in?returnTo=%2F");
        var html = await page.Content.ReadAsStringAsync();
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["__RequestVerificationToken"] = ValueOf(html, "__RequestVerificationToken"),
                ["returnUrl"] = ValueOf(html, "returnUrl"),
                ["email"] = email,
                ["password"] = password,
            }
        );
        using var signedIn = await http.PostAsync("/account/login", form);
        if (!signedIn.IsSuccessStatusCode)
            throw new PolarisException($"{email} was not signed in: {(int)signedIn.StatusCode}.");
        // As the dashboard's own pages say whose requests they are.
        http.DefaultRequestHeaders.Add("Polaris-Session", "1");
        http.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        return http;
    }

    private static string ValueOf(string html, string field)
    {
        var from = $"name=\"{field}\" value=\"";
        var start = html.IndexOf(from, StringComparison.Ordinal);
        if (start < 0)
            throw new PolarisException($"The sign-in page has no field {field}.");
        start += from.Length;
        return WebUtility.HtmlDecode(html[start..html.IndexOf('"', start)]);
    }
}
