using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polaris.Gateway.Session;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Session;

public sealed class SessionCookieTests
{
    [Fact]
    public void Every_replica_reads_a_cookie_and_nobody_without_the_gateways_secret_does()
    {
        var (one, other) = (Protector("a secret"), Protector("a secret"));
        var cookie = one.Protect("tokens");
        Assert.DoesNotContain("tokens", cookie, StringComparison.Ordinal);
        Assert.NotEqual(cookie, one.Protect("tokens"));
        Assert.Equal("tokens", other.Unprotect(cookie));
        Assert.ThrowsAny<CryptographicException>(() => Protector("another secret").Unprotect(cookie));
        Assert.ThrowsAny<CryptographicException>(() => other.Unprotect(cookie[..^4] + "AAAA"));
    }

    [Theory]
    [InlineData("http://localhost:8080/", "polaris.dashboard")]
    [InlineData("https://polaris.example/", "__Host-polaris.dashboard")]
    public void Behind_TLS_the_cookie_belongs_to_this_host_and_to_HTTPS(string publicUrl, string name) =>
        Assert.Equal(name, DashboardSession.CookieName(Configuration(("Polaris:PublicUrl", publicUrl))));

    [Theory]
    [InlineData("polaris.dashboard=1", null)]
    [InlineData("polaris.dashboard=chunks-2; polaris.dashboardC1=a; polaris.dashboardC2=b", null)]
    [InlineData("polaris.session=1; polaris.dashboard=2;polaris.code=3", "polaris.session=1; polaris.code=3")]
    [InlineData("other=polaris.dashboard", "other=polaris.dashboard")]
    public void Services_behind_the_proxy_do_not_get_it(string sent, string? passedOn) =>
        Assert.Equal(passedOn, SessionRequests.WithoutSession(sent, "polaris.dashboard"));

    [Theory]
    [InlineData("1", "same-origin", "http://polaris.example:8080", true)]
    [InlineData("1", null, null, true)]
    [InlineData("1", null, "https://polaris.example:8080", true)]
    [InlineData(null, "same-origin", "http://polaris.example:8080", false)]
    [InlineData("", "same-origin", null, false)]
    [InlineData("1", "same-site", null, false)]
    [InlineData("1", "cross-site", "http://polaris.example:8080", false)]
    [InlineData("1", "none", null, false)]
    [InlineData("1", null, "http://polaris.example", false)]
    [InlineData("1", null, "http://evil.example:8080", false)]
    [InlineData("1", null, "http://polaris.example:8080.evil.example", false)]
    [InlineData("1", null, "null", false)]
    public void A_request_counts_as_the_dashboards_own_by_all_that_the_browser_says(string? proof, string? site, string? origin, bool own)
    {
        var request = new DefaultHttpContext().Request;
        request.Host = new HostString("polaris.example:8080");
        foreach (var (name, value) in new[] { ("Polaris-Session", proof), ("Sec-Fetch-Site", site), ("Origin", origin) })
        {
            if (value is not null)
                request.Headers[name] = value;
        }

        Assert.Equal(own, SessionRequests.IsOwn(request));
    }

    [Theory]
    [InlineData("/", true)]
    [InlineData("/usage?range=30d", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("usage", false)]
    [InlineData("//evil.example", false)]
    [InlineData("/\\evil.example", false)]
    [InlineData("/\t/evil.example", false)]
    [InlineData("https://evil.example", false)]
    [InlineData("/session/sign-in", false)]
    public void Signing_in_comes_back_to_a_path_of_this_site(string? path, bool isLocal) =>
        Assert.Equal(isLocal, SessionEndpoints.IsLocal(path));

    private static IDataProtector Protector(string secret)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton<IConfiguration>(Configuration((PolarisAuthentication.ClientSecretSetting, secret)));
        SessionKeys.Add(services);
        return services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>().CreateProtector("test");
    }

    private static IConfigurationRoot Configuration(params (string Name, string Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)))
            .Build();
}
