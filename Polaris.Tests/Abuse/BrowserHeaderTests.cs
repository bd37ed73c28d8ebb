using System.Net;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>What the gateway tells browsers, and the names it answers to.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class BrowserHeaderTests(PolarisApp polaris) : PlatformTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/customers")]
    [InlineData("/account/login")]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/openapi/ingestion.json")]
    [InlineData("/graphql")]
    public async Task Every_answer_forbids_frames_guessing_and_foreign_scripts(string path)
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var response = await http.GetAsync(path);
        string Header(string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
        Assert.Equal("nosniff", Header("X-Content-Type-Options"));
        Assert.Equal("DENY", Header("X-Frame-Options"));
        Assert.Equal("no-referrer", Header("Referrer-Policy"));
        var policy = Header("Content-Security-Policy");
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("base-uri 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script-src 'unsafe-inline'", policy, StringComparison.Ordinal);
        Assert.Equal("", Header("Server"));
    }

    [Theory]
    [InlineData("evil.example", HttpStatusCode.BadRequest)]
    [InlineData("evil.example:80", HttpStatusCode.BadRequest)]
    [InlineData("localhost.evil.example", HttpStatusCode.BadRequest)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("127.0.0.1:1", HttpStatusCode.OK)]
    public async Task A_request_for_another_host_is_refused(string host, HttpStatusCode status)
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = host } };
        using var response = await http.SendAsync(request);
        Assert.Equal(status, response.StatusCode);
    }
}
