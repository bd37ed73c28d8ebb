using System.Net;
using Aspire.Hosting.Testing;
using Polaris.Gateway.Proxy;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>What outsiders cannot reach, by the ports that the proxy and the Ingress lead to.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class PortTests(PolarisApp polaris) : PlatformTests
{
    [Theory]
    [InlineData("gateway", "/metrics")]
    [InlineData("gateway", "/health")]
    [InlineData("identity", "/metrics")]
    [InlineData("identity", "/health")]
    [InlineData("identity", "/alive")]
    [InlineData("identity", "/graphql")]
    [InlineData("ingestion", "/metrics")]
    [InlineData("ingestion", "/health")]
    [InlineData("ingestion", "/alive")]
    [InlineData("ingestion", "/graphql")]
    public async Task Internal_endpoints_answer_on_the_internal_port_only(string service, string path)
    {
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("public"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("http"));

        async Task<HttpStatusCode> StatusAsync(string endpoint)
        {
            using var http = polaris.App.CreateHttpClient(service, endpoint);
            // The host is the client's to choose, and must not matter.
            http.DefaultRequestHeaders.Host = new Uri(polaris.App.GetEndpoint(service, "http").ToString()).Authority;
            using var query = new StringContent("""{"query":"{ __typename }"}""", System.Text.Encoding.UTF8, "application/json");
            using var response = path == "/graphql" ? await http.PostAsync(path, query) : await http.GetAsync(path);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_gRPC_method_does_not_answer_on_a_public_port()
    {
        foreach (
            var (service, method) in new[] { ("identity", "polaris.identity.v1.Identity"), ("ingestion", "polaris.ingestion.v1.Ingestion") }
        )
        {
            using var http = polaris.App.CreateHttpClient(service, "public");
            using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
            content.Headers.ContentType = new("application/grpc");
            using var response = await http.PostAsync($"/{method}/ValidateApiKey", content);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("/events/..\\metrics")]
    [InlineData("/events/..\\graphql")]
    [InlineData("/events/a\\..\\..\\metrics")]
    [InlineData("/events/..")]
    [InlineData("/events/%2e%2e")]
    [InlineData("/events/.")]
    [InlineData("/events/..%5cmetrics")]
    [InlineData("/events/..%2fmetrics")]
    [InlineData("/events/%2e%2e%2fmetrics")]
    [InlineData("/events/x/../../metrics")]
    [InlineData("/events//metrics")]
    [InlineData("/connect/..%2fmetrics")]
    [InlineData("/connect/..\\metrics")]
    [InlineData("/account/%2e%2e/metrics")]
    [InlineData("/.well-known/..\\..\\metrics")]
    [InlineData("/metrics")]
    [InlineData("/METRICS")]
    [InlineData("//metrics")]
    [InlineData("/./metrics")]
    public async Task No_path_through_the_gateway_leads_inside(string target)
    {
        foreach (var method in new[] { "GET", "POST" })
        {
            var (status, text) = await RawHttp.SendAsync(
                polaris.Gateway,
                $"{method} {target} HTTP/1.1\r\nHost: {polaris.Gateway.Authority}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            Assert.InRange(status, 200, 499);
            Assert.DoesNotContain("# TYPE", text, StringComparison.Ordinal);
            Assert.DoesNotContain("missing_query", text, StringComparison.Ordinal);
            Assert.DoesNotContain("malformed_json", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("a%2Fb")]
    [InlineData("a%20b%3Fc%23d%25e")]
    [InlineData("..%2F..%2Fmetrics")]
    [InlineData("%5C..%5C")]
    [InlineData("%C3%A4%F0%9F%9A%80")]
    [InlineData("...")]
    public async Task An_event_is_found_by_any_key_that_is_escaped(string escaped)
    {
        using var tenant = await polaris.SignUpAsync();
        var key = Uri.UnescapeDataString(escaped);
        Assert.Equal(202, (await tenant.IngestAsync(new { idempotency_key = key, type = "call" })).Status);
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        http.DefaultRequestHeaders.Authorization = new("Bearer", tenant.ApiKey);
        var found = await http.GetStringAsync(new Uri($"/events/{escaped}", UriKind.Relative));
        Assert.Equal(key, System.Text.Json.JsonDocument.Parse(found).RootElement.GetProperty("idempotency_key").GetString());
    }

    [Theory]
    [InlineData("/events/..\\metrics", null)]
    [InlineData("/events/", null)]
    [InlineData("/events/%2E%2e", null)]
    [InlineData("http://else/events/a", null)]
    [InlineData("/events/a?b=/../c", "/events/a")]
    [InlineData("/events/a/b", "/events/a%2Fb")]
    [InlineData("/events/a%2Fb", "/events/a%2Fb")]
    [InlineData("/events/..%2F", "/events/..%2F")]
    [InlineData("/events/%5C", "/events/%5C")]
    public void A_key_is_one_escaped_segment(string target, string? path) => Assert.Equal(path, ProxyRoutes.EventPath(target));
}
