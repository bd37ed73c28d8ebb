using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>The pages about the API: served by the gateway alone, under a policy that admits no script but ours.</summary>
public sealed partial class ReferenceTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task The_reference_has_every_part_of_the_schema_with_its_description_and_needs_no_script()
    {
        var (page, policy) = await PageAsync("/reference");
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-inline", policy, StringComparison.Ordinal);
        foreach (
            var id in (string[])["Organization", "Organization.webhooks", "Query.invoices.status", "InvoiceStatus.FINALIZED", "Decimal"]
        )
            Assert.Contains($"id=\"{id}\"", page, StringComparison.Ordinal);
        Assert.Contains("The org&#39;s webhook endpoints, oldest first.", page, StringComparison.Ordinal);
        var anchors = Anchor().Matches(page).Select(match => match.Groups[1].Value).Distinct();
        Assert.All(anchors, anchor => Assert.Contains($"id=\"{anchor}\"", page, StringComparison.Ordinal));
        await AssetsAsync(page, "/reference");
    }

    [Fact]
    public async Task The_reference_of_events_starts_by_a_script_of_this_answer_and_loads_nothing_from_elsewhere()
    {
        var (page, policy) = await PageAsync("/reference/ingest/");
        var nonce = Assert.Single(Nonce().Matches(page).Select(match => WebUtility.HtmlDecode(match.Groups[1].Value)).Distinct());
        Assert.Contains($"script-src 'self' 'nonce-{nonce}'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("script-src 'self' 'unsafe", policy, StringComparison.Ordinal);
        Assert.Equal(Script().Count(page), Nonce().Count(page));
        Assert.Contains("openapi/ingestion.json", page, StringComparison.Ordinal);
        await AssetsAsync(page, "/reference/ingest/");
        var (_, again) = await PageAsync("/reference/ingest/");
        Assert.DoesNotContain(nonce, again, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_gets_GraphiQL_in_development_and_only_there()
    {
        var (page, policy) = await PageAsync("/graphql");
        Assert.Contains("<title>GraphiQL", page, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-inline", policy, StringComparison.Ordinal);
        await AssetsAsync(page, "/graphql");

        await using var replica = await polaris.StartReplicaAsync(
            "gateway",
            ("ASPNETCORE_ENVIRONMENT", "Staging"),
            ("DOTNET_ENVIRONMENT", "Staging")
        );
        using var elsewhere = await GetAsync(replica.Url, "/graphql");
        Assert.Equal(HttpStatusCode.BadRequest, elsewhere.StatusCode);
        using var script = await GetAsync(replica.Url, "/reference/graphiql/graphiql.min.js");
        Assert.NotEqual("text/javascript", script.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("/graphiql")]
    [InlineData("/scalar/v1")]
    [InlineData("/swagger/index.html")]
    [InlineData("/graphql/playground")]
    public async Task A_tool_that_is_not_there_is_not_the_dashboard(string path)
    {
        using var response = await GetAsync(polaris.Gateway, path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private async Task<(string Page, string Policy)> PageAsync(string path)
    {
        using var response = await GetAsync(polaris.Gateway, path);
        var page = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {page}");
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        return (page, string.Join("; ", response.Headers.GetValues("Content-Security-Policy")));
    }

    /// <summary>Everything that a page loads is here.</summary>
    private async Task AssetsAsync(string page, string at)
    {
        var assets = Asset().Matches(page).Select(match => match.Groups[1].Value).Where(asset => asset != "data:,").ToArray();
        Assert.NotEmpty(assets);
        foreach (var asset in assets)
        {
            Assert.DoesNotContain("//", asset, StringComparison.Ordinal);
            using var response = await GetAsync(polaris.Gateway, new Uri(new Uri(polaris.Gateway, at), asset).AbsolutePath);
            Assert.True(response.IsSuccessStatusCode, $"{asset}: {response.StatusCode}");
            Assert.Contains(
                response.Content.Headers.ContentType?.MediaType,
                (string[])["text/css", "text/javascript", "application/javascript"]
            );
        }
    }

    private static async Task<HttpResponseMessage> GetAsync(Uri gateway, string path)
    {
        using var http = new HttpClient { BaseAddress = gateway };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,*/*;q=0.8");
        return await http.SendAsync(request);
    }

    [GeneratedRegex("<a href=\"#([^\"]+)\"")]
    private static partial Regex Anchor();

    [GeneratedRegex("nonce=\"([^\"]+)\"")]
    private static partial Regex Nonce();

    [GeneratedRegex("<script")]
    private static partial Regex Script();

    [GeneratedRegex("<(?:script|link)[^>]* (?:src|href)=\"([^\"]+)\"")]
    private static partial Regex Asset();
}
