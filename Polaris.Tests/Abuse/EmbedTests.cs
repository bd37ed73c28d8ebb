using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Polaris.Gateway.Embedding;
using Polaris.Identity.Features.Orgs;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>What an origin has to be, which needs no platform.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class EmbedOriginTests
{
    [Theory]
    [InlineData("https://app.example.com", "https://app.example.com")]
    [InlineData("https://APP.example.com:443/", "https://app.example.com")]
    [InlineData("https://app.example.com:8443", "https://app.example.com:8443")]
    [InlineData("https://bücher.example", "https://xn--bcher-kva.example")]
    [InlineData("http://localhost:5173", "http://localhost:5173")]
    [InlineData("http://127.0.0.1:5173", "http://127.0.0.1:5173")]
    [InlineData("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443")]
    public void An_origin_is_kept_as_browsers_write_it(string given, string kept) => Assert.Equal(kept, SetEmbedOrigins.Canonical(given));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("*")]
    [InlineData("https://*.example.com")]
    [InlineData("http://app.example.com")]
    [InlineData("app.example.com")]
    [InlineData("https://app.example.com/path")]
    [InlineData("https://app.example.com?a")]
    [InlineData("https://app.example.com?")]
    [InlineData("https://app.example.com#")]
    [InlineData("https://user@app.example.com")]
    [InlineData("https://app.example.com; script-src *")]
    [InlineData("https://app.example.com https://evil.example")]
    [InlineData("https://a,b.example")]
    [InlineData("https://'self'")]
    [InlineData("data:text/html,x")]
    [InlineData("javascript:alert(1)")]
    public void Whatever_is_no_origin_or_could_be_read_as_more_is_refused(string given) =>
        Assert.Throws<RefusedException>(() => SetEmbedOrigins.Canonical(given));

    [Fact]
    public void An_origin_has_a_bounded_length() =>
        Assert.Throws<RefusedException>(() => SetEmbedOrigins.Canonical($"https://{string.Join('.', Enumerable.Repeat("abc", 80))}"));

    [Theory]
    [InlineData("")]
    [InlineData("Bearer ")]
    [InlineData("Bearer pk_1234")]
    [InlineData("Bearer a.b.c")]
    [InlineData("Basic YTpi")]
    public void Only_a_customers_token_names_an_org(string header) => Assert.Null(EmbedCors.OrgOfCustomerToken(header));
}

/// <summary>Pages of an org's own origins show what is its customers'; pages of any other origin do not.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class EmbedTests(PolarisApp polaris) : PlatformTests
{
    private const string Own = "https://app.example.com";
    private const string Other = "https://evil.example";

    [Fact]
    public async Task Only_origins_of_the_org_read_answers_to_its_customers_tokens()
    {
        using var tenant = await polaris.SignUpAsync();
        using var neighbour = await polaris.SignUpAsync();
        await SetAsync(tenant, Own, "https://second.example.com");
        await SetAsync(neighbour, Other);
        var token = await TokenAsync(tenant);

        async Task<string?> PortalAsync(string origin)
        {
            using var answer = await AskAsync("{ portal { customer { key } } }", token, origin);
            return Allowed(answer);
        }

        await polaris.UntilAsync("the org's origins", async () => await PortalAsync(Own) == Own);
        Assert.Equal("https://second.example.com", await PortalAsync("https://second.example.com"));
        foreach (
            var origin in (string[])[Other, "null", "http://app.example.com", "https://app.example.com:8443", "https://x.app.example.com"]
        )
            Assert.Null(await PortalAsync(origin));

        // What is refused can be read too, so that a page learns that its token has ended.
        using (var refused = await AskAsync("{ portal { customer { key } } }", token[..^4] + "AAAA", Own))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.Equal(Own, Allowed(refused));
        }

        // An org's key, and a person's session, are not for pages of other origins.
        using (var key = await AskAsync("{ org { name } }", tenant.ApiKey, Own))
            Assert.Null(Allowed(key));

        // Nothing but the customer's own.
        using (var answer = await AskAsync("{ customers { totalCount } }", token, Own))
            Assert.Equal(
                "FORBIDDEN",
                (await answer.Content.ReadFromJsonAsync<JsonElement>())
                    .GetProperty("errors")[0]
                    .GetProperty("extensions")
                    .GetProperty("code")
                    .GetString()
            );

        // A document.
        using (var document = await SendAsync(HttpMethod.Get, $"/portal/invoices/{Guid.CreateVersion7()}.pdf", token, Own))
        {
            Assert.Equal(HttpStatusCode.NotFound, document.StatusCode);
            Assert.Equal(Own, Allowed(document));
        }

        using (var document = await SendAsync(HttpMethod.Get, $"/portal/invoices/{Guid.CreateVersion7()}.pdf", token, Other))
            Assert.Null(Allowed(document));

        await SetAsync(tenant);
        await polaris.UntilAsync("no origins any more", async () => await PortalAsync(Own) is null);
    }

    [Theory]
    [InlineData("/graphql", true)]
    [InlineData("/portal/invoices/01980f2c-0000-7000-8000-000000000006.pdf", true)]
    [InlineData("/ingest", false)]
    [InlineData("/session/sign-out", false)]
    [InlineData("/invoices/01980f2c-0000-7000-8000-000000000006.pdf", false)]
    public async Task A_browsers_question_lets_it_send_a_token_and_no_cookies(string path, bool allowed)
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var more = await http.SendAsync(Question("authorization,content-type,polaris-session"));
        Assert.Null(Allowed(more));
        using var answer = await http.SendAsync(Question("authorization,content-type"));
        Assert.Equal(allowed ? Own : null, Allowed(answer));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Credentials"));
        if (!allowed)
            return;
        var headers = string.Join(',', answer.Headers.GetValues("Access-Control-Allow-Headers")).ToUpperInvariant();
        Assert.Contains("AUTHORIZATION", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("POLARIS-SESSION", headers, StringComparison.Ordinal);

        HttpRequestMessage Question(string wanted) =>
            new(HttpMethod.Options, path)
            {
                Headers =
                {
                    { "Origin", Own },
                    { "Access-Control-Request-Method", "POST" },
                    { "Access-Control-Request-Headers", wanted },
                },
            };
    }

    [Fact]
    public async Task Only_origins_of_the_org_that_is_named_frame_the_page_for_frames()
    {
        using var tenant = await polaris.SignUpAsync();
        await SetAsync(tenant, Own, "http://localhost:5173");
        var page = $"/embed/portal.html?org={tenant.OrgId}";
        await polaris.UntilAsync(
            "the org's origins",
            async () => (await FramesAsync(page)) == ($"frame-ancestors {Own} http://localhost:5173", false)
        );
        foreach (
            var other in (string[])
                [
                    "/embed/portal.html",
                    "/embed/portal.html?org=",
                    $"/embed/portal.html?org={Guid.CreateVersion7()}",
                    $"/embed/sample.html?org={tenant.OrgId}",
                    $"/customers?org={tenant.OrgId}",
                ]
        )
            Assert.Equal(("frame-ancestors 'none'", true), await FramesAsync(other));
    }

    [Fact]
    public async Task The_elements_script_may_be_loaded_from_anywhere()
    {
        using var script = await SendAsync(HttpMethod.Get, "/embed/polaris.js", null, Other);
        Assert.Equal("*", Allowed(script));
    }

    [Fact]
    public async Task Origins_are_checked_and_a_change_stands_in_the_log()
    {
        using var tenant = await polaris.SignUpAsync();
        foreach (
            var bad in (string[][])
                [
                    ["https://*.example.com"],
                    [.. Enumerable.Range(0, 21).Select(i => $"https://{i}.example.com")],
                ]
        )
            Assert.Equal(
                "INVALID_INPUT",
                (await tenant.RefusalAsync("mutation($o: [String!]!) { setEmbedOrigins(origins: $o) { id } }", new { o = bad })).Code
            );
        await SetAsync(tenant, Own, "https://app.EXAMPLE.com/");
        Assert.Equal(
            $"[\"{Own}\"]",
            (await tenant.QueryAsync("{ org { embedOrigins } }")).GetProperty("org").GetProperty("embedOrigins").GetRawText()
        );
        var entry = (await tenant.QueryAsync("{ auditLog(action: \"org.embed_origins_set\") { nodes { subject detail } } }"))
            .GetProperty("auditLog")
            .GetProperty("nodes")
            .EnumerateArray()
            .Single();
        Assert.Equal(Own, entry.GetProperty("detail").GetString());
    }

    private static Task<JsonElement> SetAsync(Tenant tenant, params string[] origins) =>
        tenant.QueryAsync("mutation($o: [String!]!) { setEmbedOrigins(origins: $o) { embedOrigins } }", new { o = origins });

    private static async Task<string> TokenAsync(Tenant tenant) =>
        (await tenant.QueryAsync("mutation { createCustomerToken(customer: \"acme\") { token } }"))
            .GetProperty("createCustomerToken")
            .GetProperty("token")
            .GetString()!;

    private Task<HttpResponseMessage> AskAsync(string query, string token, string origin) =>
        SendAsync(HttpMethod.Post, "/graphql", token, origin, JsonContent.Create(new { query }));

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string? token,
        string origin,
        HttpContent? body = null
    )
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var request = new HttpRequestMessage(method, path) { Content = body, Headers = { { "Origin", origin } } };
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request);
    }

    private static string? Allowed(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? Assert.Single(values) : null;

    private async Task<(string Policy, bool Denied)> FramesAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var page = await http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'self'", policy, StringComparison.Ordinal);
        return (
            policy.Split(';', StringSplitOptions.TrimEntries).Single(part => part.StartsWith("frame-ancestors", StringComparison.Ordinal)),
            page.Headers.Contains("X-Frame-Options")
        );
    }
}
