using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Testing;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>Whatever comes to Identity's routes and those of the dashboard's session, it is the client's fault and answered so.</summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(Attack))]
public sealed class HostileIdentityTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private const int Requests = 5_000;
    private const int Together = 24;

    private static readonly string[] Paths =
    [
        "/connect/authorize",
        "/connect/token",
        "/connect/logout",
        "/account/login",
        "/account/login/code",
        "/.well-known/jwks",
        "/.well-known/openid-configuration",
        "/connect/nothing",
        "/session",
        "/session/sign-in",
        "/session/callback",
        "/session/sign-out",
    ];

    private static readonly string[] Names =
    [
        "client_id",
        "grant_type",
        "code",
        "code_verifier",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "refresh_token",
        "subject_token",
        "subject_token_type",
        "scope",
        "state",
        "org",
        "prompt",
        "id_token_hint",
        "post_logout_redirect_uri",
        "email",
        "password",
        "returnUrl",
        "__RequestVerificationToken",
        "client_secret",
        "request",
    ];

    private static readonly string[] Values =
    [
        "",
        "\0",
        "a\0b",
        "polaris-dashboard",
        "polaris-cli",
        "polaris-api-key",
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:polaris:api-key",
        "pk_00000000_0000000000000000000000000000000000000000",
        "code",
        "plain",
        "S256",
        "none",
        "openid read admin polaris.internal",
        "\ud800",
        "\u202e\uffff",
        "//evil.example",
        "javascript:alert(1)",
        "eyJhbGciOiJub25lIn0.e30.",
        "' OR 1=1 --",
        new string('x', 20_000),
        "00000000-0000-0000-0000-000000000000",
        "{\"a\":1}",
        "%00%zz",
        "18446744073709551616",
    ];

    [Fact]
    public async Task Five_thousand_hostile_requests_cause_no_server_error_and_stop_no_neighbour()
    {
        var seed = Environment.TickCount;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        await using var neighbour = await Neighbour.StartAsync(polaris);
        var process = polaris.App.GetProcessId("identity");
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = polaris.Gateway,
        };
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Requests),
            new ParallelOptions { MaxDegreeOfParallelism = Together },
            async (i, ct) =>
            {
                var random = new Random(seed + i);
                using var request = Hostile(random);
                using var response = await http.SendAsync(request, ct);
                if ((int)response.StatusCode >= 500)
                    wrong.Add(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"seed {seed + i}: {request.Method} {request.RequestUri} {request.Content?.Headers.ContentType}: "
                                + $"{(int)response.StatusCode} "
                        ) + await response.Content.ReadAsStringAsync(ct)
                    );
            }
        );
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong.Take(5)));
        Assert.Equal(process, polaris.App.GetProcessId("identity"));
        await neighbour.EndAsync(polaris, output);
    }

    [Theory]
    [InlineData("/connect/token")]
    [InlineData("/account/login")]
    [InlineData("/account/login/code")]
    [InlineData("/connect/authorize")]
    [InlineData("/connect/logout")]
    public async Task A_form_beyond_its_bounds_is_refused_with_the_rule(string path)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = polaris.Gateway };
        async Task<(int, string)> SendAsync(HttpContent content)
        {
            using (content)
            using (var response = await http.PostAsync(path, content))
            {
                var text = await response.Content.ReadAsStringAsync();
                using var problem = System.Text.Json.JsonDocument.Parse(text);
                return ((int)response.StatusCode, problem.RootElement.GetProperty("code").GetString()!);
            }
        }

        StringContent Form(string body) => new(body, Encoding.ASCII, "application/x-www-form-urlencoded");
        Assert.Equal((400, "invalid_form"), await SendAsync(Form(string.Join('&', Enumerable.Range(0, 5_000).Select(i => $"f{i}=v")))));
        Assert.Equal((400, "invalid_form"), await SendAsync(Form(new string('n', 200) + "=v")));
        Assert.Equal((400, "invalid_form"), await SendAsync(Form("a=" + new string('v', 20_000))));
        Assert.Equal(
            (413, "request_too_large"),
            await SendAsync(Form(string.Join('&', Enumerable.Range(0, 7).Select(i => $"f{i}={new string('v', 10_000)}"))))
        );
        Assert.Equal((400, "invalid_form"), await SendAsync(Form("email=a%00b")));
        Assert.Equal((400, "invalid_form"), await SendAsync(Form("%00=a")));
        var cut = new StringContent("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhal", Encoding.ASCII);
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        Assert.Equal((415, "unsupported_media_type"), await SendAsync(cut));
        using var inQuery = await http.GetAsync(path + "?state=%00");
        Assert.Equal(HttpStatusCode.BadRequest, inQuery.StatusCode);
    }

    [Fact]
    public async Task Half_a_form_and_nothing_more_is_the_clients_fault()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(polaris.Gateway.Host, polaris.Gateway.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /connect/token HTTP/1.1\r\nHost: {polaris.Gateway.Authority}\r\n"
                    + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\na=b&c\r\nzz\r\n"
            ),
            TestContext.Current.CancellationToken
        );
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var first = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 4", first, StringComparison.Ordinal);
    }

    private static HttpRequestMessage Hostile(Random random)
    {
        var path = Paths[random.Next(Paths.Length)];
        var fields = Enumerable
            .Range(0, random.Next(1, random.Next(20) == 0 ? 200 : 12))
            .Select(_ =>
                Escaped(random.Next(10) == 0 ? Values[random.Next(Values.Length - 5)] : Names[random.Next(Names.Length)])
                + "="
                + Escaped(Values[random.Next(Values.Length)])
            )
            .ToArray();
        var text = string.Join('&', fields);
        if (random.Next(3) == 0)
            return new HttpRequestMessage(
                random.Next(5) == 0 ? HttpMethod.Delete : HttpMethod.Get,
                path + "?" + text[..Math.Min(text.Length, 6_000)].TrimEnd('%')
            );
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        var type = random.Next(8) switch
        {
            0 => "multipart/form-data; boundary=b",
            1 => "application/json",
            2 => "application/x-www-form-urlencoded; charset=utf-16",
            3 => "application/x-www-form-urlencoded; charset=nothing",
            _ => "application/x-www-form-urlencoded",
        };
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(random.Next(6) == 0 ? text[..random.Next(text.Length)] : text));
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (random.Next(4) == 0)
            request.Headers.TryAddWithoutValidation("Cookie", $"polaris.session={Cookie()}; polaris.dashboard={Cookie()}");
        if (random.Next(2) == 0)
            request.Headers.TryAddWithoutValidation("Polaris-Session", "1");
        if (random.Next(4) == 0)
            request.Headers.TryAddWithoutValidation("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("a:\0")));
        // So that the limit per address does not answer for the rest.
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", $"198.51.{random.Next(256)}.{random.Next(256)}");
        return request;

        string Cookie() => Escaped(Values[random.Next(Values.Length - 5)]);
    }

    private static string Escaped(string text) =>
        string.Concat(
            Encoding.UTF8.GetBytes(text).Select(value => char.IsAsciiLetterOrDigit((char)value) ? $"{(char)value}" : $"%{value:x2}")
        );
}
