using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Duende.IdentityModel;
using Duende.IdentityModel.OidcClient.Browser;
using Polaris.Tests.Telemetry;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>
/// Passwords, keys and tokens appear in no log, trace, metric or error. A replica exports all its telemetry to a collector in the test.
/// </summary>
public sealed class SecrecyTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Passwords_keys_and_tokens_are_in_no_log_trace_metric_or_error()
    {
        await using var collector = new OtlpCollector();
        await using var replica = await polaris.StartReplicaAsync(
            "identity",
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000")
        );
        using var http = new HttpClient { BaseAddress = replica.Url };
        var (secrets, errors) = (new List<string>(), new List<string>());
        await UseEverythingAsync(http, secrets, errors);
        Assert.True(secrets.Count >= 12 && secrets.TrueForAll(secret => secret.Length >= 8), string.Join('\n', secrets));
        Assert.True(errors.Count >= 8);

        // The telemetry was really exported: requests, actions and metrics.
        await polaris.UntilAsync(
            "telemetry",
            () =>
                Task.FromResult(
                    new[] { "connect/token", "account/login", "signed up with org", "was created", "http.server.request.duration" }.All(
                        collector.Has
                    )
                )
        );
        var parts = secrets.SelectMany(PartsOf).Distinct().ToArray();
        Assert.DoesNotContain(parts, collector.Has);
        var output = replica.RecentOutput;
        Assert.Contains("was created", output, StringComparison.Ordinal);
        output += polaris.App.RecentOutput();
        Assert.DoesNotContain(parts, part => output.Contains(part, StringComparison.Ordinal));
        foreach (var error in errors)
            Assert.DoesNotContain(parts, part => error.Contains(part, StringComparison.Ordinal));
    }

    /// <summary>A token may be truncated or shown without its header: its last part must be as secret as the whole.</summary>
    private static IEnumerable<string> PartsOf(string secret) => secret.Length > 60 ? [secret, secret[^40..]] : [secret];

    private static async Task UseEverythingAsync(HttpClient http, List<string> secrets, List<string> errors)
    {
        var (email, password) = (Account.NewEmail(), Account.NewPassword());
        secrets.AddRange([password, "Wrong " + password]);
        const string signUp = "mutation($input: SignUpInput!) { signUp(input: $input) { emailProof apiKey { secret key { id } } } }";
        var signedUp = (
            await SendQueryAsync(
                signUp,
                new
                {
                    input = new
                    {
                        email,
                        password,
                        orgName = "Secret",
                    },
                }
            )
        ).GetProperty("data").GetProperty("signUp");
        var key = signedUp.GetProperty("apiKey");
        var proof = Secret(signedUp.GetProperty("emailProof"));
        await SendQueryAsync("mutation($token: String!) { proveEmail(token: $token) { userId } }", new { token = proof });
        var secret = Secret(key.GetProperty("secret"));
        await SendQueryAsync(
            signUp,
            new
            {
                input = new
                {
                    email,
                    password,
                    orgName = "Again",
                },
            }
        );
        await SendQueryAsync(
            signUp,
            new
            {
                input = new
                {
                    email = new { nested = password },
                    password,
                    orgName = "Malformed",
                },
            }
        );
        await SendQueryAsync(
            signUp,
            new
            {
                input = new
                {
                    email,
                    password = new[] { password },
                    orgName = "Malformed",
                },
            }
        );

        // A wrong password, then code + PKCE, refresh, and the same code and refresh token a second time.
        var verifier = CryptoRandom.CreateUniqueId(32);
        secrets.Add(verifier);
        const string redirect = "http://127.0.0.1/callback";
        var challenge = Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        var start = new Uri(
            http.BaseAddress!,
            $"/connect/authorize?client_id=polaris-cli&response_type=code&scope=openid%20read%20admin%20offline_access"
                + $"&code_challenge={challenge}&code_challenge_method=S256&redirect_uri={Uri.EscapeDataString(redirect)}"
        ).ToString();
        var failed = await new FormBrowser(email, "Wrong " + password).InvokeAsync(new BrowserOptions(start, redirect));
        errors.Add(failed.Error!);
        var code = new Duende.IdentityModel.Client.AuthorizeResponse(
            (await new FormBrowser(email, password).InvokeAsync(new BrowserOptions(start, redirect))).Response
        ).Code!;
        secrets.Add(code);
        var grant = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["client_id"] = "polaris-cli",
            ["code"] = code,
            ["redirect_uri"] = redirect,
            ["code_verifier"] = verifier,
        };
        var tokens = await TokenAsync(grant);
        var (access, refresh) = (Secret(tokens.GetProperty("access_token")), Secret(tokens.GetProperty("refresh_token")));
        await TokenAsync(grant);
        await TokenAsync(
            new()
            {
                ["grant_type"] = "refresh_token",
                ["client_id"] = "polaris-cli",
                ["refresh_token"] = refresh,
            }
        );
        await TokenAsync(
            new()
            {
                ["grant_type"] = "refresh_token",
                ["client_id"] = "polaris-cli",
                ["refresh_token"] = refresh[..^3] + "AAA",
            }
        );

        var exchange = new Dictionary<string, string>
        {
            ["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange",
            ["client_id"] = "polaris-api-key",
            ["subject_token"] = secret,
            ["subject_token_type"] = "urn:polaris:api-key",
        };
        Secret((await TokenAsync(exchange)).GetProperty("access_token"));
        await TokenAsync(new(exchange) { ["scope"] = "platform" });
        await TokenAsync(new(exchange) { ["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token" });
        var guessed = secret[..^4] + "zzzz";
        secrets.Add(guessed);
        await TokenAsync(new(exchange) { ["subject_token"] = guessed });
        await SendQueryAsync("{ org { id } }", bearer: guessed);
        await SendQueryAsync("{ org { id } }", bearer: access + "x");

        Secret(
            (await SendQueryAsync("mutation { createCustomerToken(customer: \"acme\") { token } }", bearer: secret))
                .GetProperty("data")
                .GetProperty("createCustomerToken")
                .GetProperty("token")
        );
        Secret(
            (
                await SendQueryAsync(
                    "mutation($id: ID!) { rotateApiKey(id: $id) { secret } }",
                    new { id = key.GetProperty("key").GetProperty("id").GetString() },
                    secret
                )
            )
                .GetProperty("data")
                .GetProperty("rotateApiKey")
                .GetProperty("secret")
        );
        var invitation = Secret(
            (
                await SendQueryAsync(
                    "mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { token } }",
                    new { input = new { email = Account.NewEmail(), role = "viewer" } },
                    access
                )
            )
                .GetProperty("data")
                .GetProperty("createInvitation")
                .GetProperty("token")
        );
        await SendQueryAsync(
            "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { role } }",
            new { input = new { token = invitation, password = "shorty" + password[..3] } }
        );

        string Secret(JsonElement value)
        {
            secrets.Add(value.GetString()!);
            return secrets[^1];
        }

        async Task<JsonElement> TokenAsync(Dictionary<string, string> parameters)
        {
            using var form = new FormUrlEncodedContent(parameters);
            using var response = await http.PostAsync("/connect/token", form);
            var text = await response.Content.ReadAsStringAsync();
            if (!response.IsSuccessStatusCode)
                errors.Add(text + response.Headers);
            return JsonSerializer.Deserialize<JsonElement>(text);
        }

        async Task<JsonElement> SendQueryAsync(string query, object? variables = null, string? bearer = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/graphql")
            {
                Content = JsonContent.Create(new { query, variables }),
            };
            if (bearer is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var answer = JsonSerializer.Deserialize<JsonElement>(text);
            if (!response.IsSuccessStatusCode || answer.TryGetProperty("errors", out _))
                errors.Add(text);
            return answer;
        }
    }
}
