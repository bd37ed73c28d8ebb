using System.Net;
using Duende.IdentityModel.Client;
using Polaris.Tests.Abuse;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Session;

/// <summary>The dashboard's session at the gateway: a cookie in the browser, the tokens inside it, and what ends it.</summary>
public sealed class DashboardSessionTests(PolarisApp polaris) : PlatformTests
{
    private const string Me = "{ me { userId role org { id } } }";

    /// <summary>A JSON web token. Encrypted text has no dots, so it is none by chance.</summary>
    private const string Token = @"eyJ[\w-]+\.[\w-]+\.";

    [Fact]
    public async Task A_person_who_signs_in_is_that_person_at_every_route_without_having_a_token()
    {
        var account = await Account.SignUpAsync(polaris);
        using var browser = await DashboardBrowser.SignInAsync(account);
        Assert.DoesNotMatch(Token, browser.Cookies);

        var user = Assert.NotNull(await browser.UserAsync());
        Assert.Equal(
            (account.UserId.ToString(), account.Email, account.OrgId.ToString(), "owner"),
            (
                user.GetProperty("userId").GetString()!,
                user.GetProperty("email").GetString()!,
                user.GetProperty("orgId").GetString()!,
                user.GetProperty("role").GetString()!
            )
        );
        Assert.DoesNotMatch(Token, user.ToString());
        var me = (await browser.QueryAsync(Me)).GetProperty("data").GetProperty("me");
        Assert.Equal(account.UserId.ToString(), me.GetProperty("userId").GetString());

        // Proxied routes know the person too: members may read events, and not send any.
        using var key = account.WithKey();
        Assert.Equal(202, (await key.IngestAsync(new { idempotency_key = "seen", type = "call" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await browser.SendAsync(HttpMethod.Get, "/events/seen")).Status);
        var sent = await browser.SendAsync(HttpMethod.Post, "/ingest", new { idempotency_key = "sent", type = "call" });
        Assert.Equal((HttpStatusCode.Forbidden, "missing_scope"), (sent.Status, sent.Body.GetProperty("code").GetString()));

        using var nobody = new DashboardBrowser(polaris.Gateway, DashboardBrowser.CookieName + "=nonsense");
        Assert.Null(await nobody.UserAsync());
        Assert.Equal(401, (await nobody.QueryAsync(Me)).Status());
    }

    [Fact]
    public async Task A_request_that_another_site_makes_a_browser_send_does_nothing()
    {
        var account = await Account.SignUpAsync(polaris);
        using var browser = await DashboardBrowser.SignInAsync(account);
        const string create = "mutation { createApiKey(input: {name: \"forged\", scopes: [\"admin\"]}) { secret } }";
        (string, string)[][] foreign =
        [
            [("Accept", "*/*")],
            [("Polaris-Session", "0")],
            [("Sec-Fetch-Site", "same-origin")],
            [("Polaris-Session", "1"), ("Sec-Fetch-Site", "cross-site")],
            [("Polaris-Session", "1"), ("Sec-Fetch-Site", "same-site")],
            [("Polaris-Session", "1"), ("Origin", "https://evil.example")],
            [("Polaris-Session", "1"), ("Origin", "null")],
        ];
        foreach (var headers in foreign)
        {
            var refused = await browser.SendAsync(HttpMethod.Post, "/graphql", new { query = create }, headers);
            Assert.Equal((HttpStatusCode.Forbidden, "foreign_request"), (refused.Status, refused.Body.GetProperty("code").GetString()));
            Assert.Equal(HttpStatusCode.Forbidden, (await browser.SendAsync(HttpMethod.Post, "/session/sign-out", null, headers)).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await browser.SendAsync(HttpMethod.Get, "/session", null, headers)).Status);
        }

        // Asking first is not granted either, and the session goes on.
        var asked = await browser.SendAsync(
            HttpMethod.Options,
            "/graphql",
            null,
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "polaris-session")
        );
        Assert.False(asked.Response.Headers.Contains("Access-Control-Allow-Origin"));
        using var key = account.WithKey();
        Assert.Single((await key.QueryAsync("{ apiKeys { name } }")).GetProperty("apiKeys").EnumerateArray());
        Assert.NotNull(await browser.UserAsync());
    }

    [Fact]
    public async Task A_token_of_ones_own_counts_before_the_cookie_and_needs_no_proof()
    {
        var account = await Account.SignUpAsync(polaris);
        using var browser = await DashboardBrowser.SignInAsync(account);
        using var other = await polaris.SignUpAsync();
        var me = (await browser.QueryAsync(Me, ("Authorization", "Bearer " + other.ApiKey))).GetProperty("data").GetProperty("me");
        Assert.Equal(other.OrgId.ToString(), me.GetProperty("org").GetProperty("id").GetString());
        Assert.Equal(401, (await browser.QueryAsync(Me, ("Authorization", "Bearer nonsense"), ("Polaris-Session", "1"))).Status());
    }

    [Fact]
    public async Task Signing_out_ends_every_copy_of_the_cookie_and_the_session_of_the_page()
    {
        var account = await Account.SignUpAsync(polaris);
        using var browser = await DashboardBrowser.SignInAsync(account);
        using var copy = new DashboardBrowser(polaris.Gateway, browser.Cookies);
        using var elsewhere = await DashboardBrowser.SignInAsync(account);
        Assert.NotNull(await copy.UserAsync());
        var left = await browser.SendAsync(HttpMethod.Post, "/session/sign-out");
        Assert.Equal(HttpStatusCode.NoContent, left.Status);
        var dropped = left.Response.Headers.GetValues("Set-Cookie").ToArray();
        foreach (var name in new[] { DashboardBrowser.CookieName, "polaris.session" })
            Assert.Contains(dropped, cookie => cookie.StartsWith(name + "=;", StringComparison.Ordinal));

        await EndedAccessTests.EndsAsync("the cookie at the gateway", async () => await copy.UserAsync() is null);
        await EndedAccessTests.EndsAsync("the cookie at a service", async () => (await copy.QueryAsync(Me)).Status() == 401);
        Assert.False(await EndedAccessTests.IsSignedInAsync(account, browser.Cookies), "The page's session goes on.");
        Assert.NotNull(await elsewhere.UserAsync());
    }

    [Fact]
    public async Task A_removed_members_cookie_opens_nothing_two_seconds_later()
    {
        var owner = await Account.SignUpAsync(polaris);
        using var office = await owner.SignInAsync();
        var member = await EndedAccessTests.JoinAsync(owner, office, "admin");
        using var browser = await DashboardBrowser.SignInAsync(member);
        Assert.Equal(200, (await browser.QueryAsync(Me)).Status());
        await office.QueryAsync(
            "mutation($user: ID!) { changeMemberRole(userId: $user, role: \"viewer\") { role } }",
            new { user = member.UserId }
        );
        await EndedAccessTests.EndsAsync(
            "the higher role",
            async () => (await browser.UserAsync())?.GetProperty("role").GetString() == "viewer"
        );
        await office.QueryAsync("mutation($user: ID!) { removeMember(userId: $user) { userId } }", new { user = member.UserId });
        await EndedAccessTests.EndsAsync("the session", async () => await browser.UserAsync() is null);
        await EndedAccessTests.EndsAsync("its queries", async () => (await browser.QueryAsync(Me)).Status() == 401);
    }

    [Fact]
    public async Task A_code_of_the_dashboard_is_worth_nothing_without_the_gateways_secret()
    {
        var account = await Account.SignUpAsync(polaris);
        // As a script on one of the pages would do it, with a verifier of its own.
        var client = account.Client();
        client.Options.ClientId = "polaris-dashboard";
        client.Options.RedirectUri = new Uri(polaris.Gateway, "/session/callback").ToString();
        var state = await client.PrepareLoginAsync();
        var browser = new FormBrowser(account.Email, account.Password);
        var code = new AuthorizeResponse((await browser.InvokeAsync(new(state.StartUrl, state.RedirectUri))).Response).Code;
        Assert.NotNull(code);
        using var http = new HttpClient();
        using var request = new AuthorizationCodeTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = "polaris-dashboard",
            Code = code,
            RedirectUri = state.RedirectUri,
            CodeVerifier = state.CodeVerifier,
        };
        var answer = await http.RequestAuthorizationCodeTokenAsync(request);
        Assert.Contains("invalid_client", answer.Raw, StringComparison.Ordinal);
        Assert.Null(answer.AccessToken);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    public async Task Signing_in_leads_back_to_a_page_of_the_dashboard_only(string returnTo)
    {
        var account = await Account.SignUpAsync(polaris);
        var browser = new FormBrowser(account.Email, account.Password);
        var start = new Uri(polaris.Gateway, "/session/sign-in?returnTo=" + Uri.EscapeDataString(returnTo)).ToString();
        var callback = new Uri(polaris.Gateway, "/session/callback").ToString();
        var result = await browser.InvokeAsync(new(start, callback));
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = browser.Cookies });
        using var back = await http.GetAsync(new Uri(result.Response));
        Assert.Equal((HttpStatusCode.Redirect, "/"), (back.StatusCode, back.Headers.Location?.ToString()));
        var cookie = Assert.Single(
            back.Headers.GetValues("Set-Cookie"),
            text => text.StartsWith(DashboardBrowser.CookieName + "=", StringComparison.Ordinal)
        );
        Assert.Contains("; samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; httponly", cookie, StringComparison.OrdinalIgnoreCase);

        // The answer to a sign-in that this browser did not begin.
        using var other = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var forged = await other.GetAsync(new Uri(result.Response));
        Assert.Equal("/sign-in?failure=failed", forged.Headers.Location?.ToString());
    }
}
