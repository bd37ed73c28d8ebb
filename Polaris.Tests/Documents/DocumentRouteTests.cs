using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Polaris.Tests.Identity;
using Polaris.Tests.Session;
using Xunit;

namespace Polaris.Tests.Documents;

/// <summary>Documents through the gateway: who gets which, and how they are cached.</summary>
public sealed class DocumentRouteTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Documents_are_served_to_the_org_its_dashboard_and_its_customer()
    {
        var account = await Account.SignUpAsync(polaris);
        using var tenant = account.WithKey();
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
              {key: "base", name: "Base", price: {model: FLAT, amount: "12.50"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\", name: \"Acme <b>\"}, {key: \"other\"}]) { id } }");
        await tenant.QueryAsync(
            $"mutation {{ createSubscriptions(input: [{{customer: \"acme\", plan: \"p\", start: \"{TwoMonthsAgo()}\"}}]) {{ id }} "
                + "updateInvoiceSettings(input: {legalName: \"The Seller\", note: \"Pay soon\"}) { legalName } }"
        );
        var (id, urls) = ("", Array.Empty<string>());
        await polaris.UntilAsync(
            "an invoice",
            async () =>
            {
                var nodes = (await tenant.QueryAsync("{ invoices { nodes { id htmlUrl pdfUrl csvUrl } } }"))
                    .GetProperty("invoices")
                    .GetProperty("nodes");
                if (nodes.GetArrayLength() == 0)
                    return false;
                id = nodes[0].GetProperty("id").GetString()!;
                urls = [.. ((string[])["htmlUrl", "pdfUrl", "csvUrl"]).Select(name => nodes[0].GetProperty(name).GetString()!)];
                return true;
            }
        );

        // The org, whatever the state.
        foreach (var (url, type) in urls.Zip(["text/html; charset=utf-8", "application/pdf", "text/csv; charset=utf-8"]))
        {
            using var answer = await tenant.Http.GetAsync(url);
            Assert.Equal((HttpStatusCode.OK, type), (answer.StatusCode, answer.Content.Headers.ContentType?.ToString()));
            Assert.Contains($"draft-{Guid.Parse(id):N}.", answer.Content.Headers.ContentDisposition?.ToString(), StringComparison.Ordinal);
        }

        using (var page = await tenant.Http.GetAsync(urls[0]))
        {
            Assert.Contains(
                "default-src 'none'",
                Assert.Single(page.Headers.GetValues("Content-Security-Policy")),
                StringComparison.Ordinal
            );
            var html = await page.Content.ReadAsStringAsync();
            Assert.Contains("Acme &lt;b&gt;", html, StringComparison.Ordinal);
            Assert.Contains("The Seller", html, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.NotModified, await AgainAsync(tenant, urls[0], page.Headers.ETag!));
            await tenant.QueryAsync("mutation { updateInvoiceSettings(input: {note: null}) { note } }");
            // What is left out stays, null clears.
            var settings = (await tenant.QueryAsync("{ invoiceSettings { legalName note } }")).GetProperty("invoiceSettings");
            Assert.Equal(("The Seller", null), (settings.GetProperty("legalName").GetString(), settings.GetProperty("note").GetString()));
            Assert.Equal(HttpStatusCode.OK, await AgainAsync(tenant, urls[0], page.Headers.ETag!));
        }

        // The dashboard: by a link of its own page, or by its header; not for another site.
        using (var browser = await DashboardBrowser.SignInAsync(account))
        {
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(account.Gateway, urls[1], browser.Cookies, "same-origin"));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(account.Gateway, urls[1], browser.Cookies, null, proof: true));
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(account.Gateway, urls[1], browser.Cookies, "cross-site"));
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(account.Gateway, urls[1], browser.Cookies, null));
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(account.Gateway, urls[1], null, "same-origin"));

        // The customer: its own final ones.
        async Task<HttpStatusCode> PortalAsync(string customer)
        {
            var token = (await tenant.QueryAsync($"mutation {{ createCustomerToken(customer: \"{customer}\") {{ token }} }}"))
                .GetProperty("createCustomerToken")
                .GetProperty("token")
                .GetString();
            using var http = new HttpClient { BaseAddress = account.Gateway };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var refused = await http.GetAsync(urls[1]);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            using var answer = await http.GetAsync($"/portal{urls[1]}");
            if (answer.StatusCode == HttpStatusCode.OK)
                Assert.Equal("%PDF-", Encoding.ASCII.GetString((await answer.Content.ReadAsByteArrayAsync())[..5]));
            return answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.NotFound, await PortalAsync("acme"));
        await tenant.QueryAsync($"mutation {{ finalizeInvoice(id: \"{id}\") {{ id }} }}");
        Assert.Equal(HttpStatusCode.OK, await PortalAsync("acme"));
        Assert.Equal(HttpStatusCode.NotFound, await PortalAsync("other"));

        // Another org, a name that is none, and one that does not exist: the same answer.
        using var stranger = await polaris.SignUpAsync();
        var missing = await BodyAsync(stranger, $"/invoices/{Guid.CreateVersion7()}.pdf");
        Assert.Equal(404, missing.Status);
        Assert.Equal(missing, await BodyAsync(stranger, urls[1]));
        Assert.Equal(missing, await BodyAsync(tenant, $"/invoices/{new string('a', 36)}.pdf"));
    }

    /// <summary>A subscription from then on has a period that ended.</summary>
    private static string TwoMonthsAgo() =>
        TimeProvider.System.GetUtcNow().AddDays(-61).ToString("yyyy-MM-01T00:00:00Z", CultureInfo.InvariantCulture);

    private static async Task<HttpStatusCode> AgainAsync(Tenant tenant, string url, EntityTagHeaderValue tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.IfNoneMatch.Add(tag);
        using var answer = await tenant.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> StatusAsync(Uri gateway, string url, string? cookies, string? site, bool proof = false)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = gateway };
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (cookies is not null)
            request.Headers.Add("Cookie", cookies);
        if (site is not null)
            request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", site);
        if (proof)
            request.Headers.TryAddWithoutValidation("Polaris-Session", "1");
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<(int Status, string Body)> BodyAsync(Tenant tenant, string url)
    {
        using var answer = await tenant.Http.GetAsync(url);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
