using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>What one network address may do so often, at a replica with the limits of an installation.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class ThrottleTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Sign_ups_sign_ins_requests_and_unknown_keys_of_one_address_have_an_end_and_others_go_on()
    {
        await using var replica = await polaris.StartReplicaAsync(
            "identity",
            ("Throttle__SignUpsPerAddress", "3"),
            ("Throttle__SignInsPerAddress", "6"),
            ("Throttle__RequestsPerAddress", "40"),
            ("KeyGuesses__PerAddress", "10")
        );
        using var stranger = From(replica, "203.0.113.1");
        using var other = From(replica, "203.0.113.2");

        for (var i = 0; i < 3; i++)
            Assert.Null((await SignUpAsync(stranger)).Code);
        var (code, wait) = await SignUpAsync(stranger);
        Assert.Equal("RATE_LIMITED", code);
        Assert.InRange(wait, 1, 3_600);
        Assert.Null((await SignUpAsync(other)).Code);

        // Each to another account, which has no limit of its own yet.
        const string accept = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userId } }";
        using var key = From(replica, "203.0.113.3");
        using var keyOfOther = From(replica, "203.0.113.4");
        for (var i = 0; i < 10; i++)
            Assert.Equal("UNAUTHENTICATED", (await AskAsync(key, "{ me { role } }", null, Key(i))).Code);
        var guess = await AskAsync(key, "{ me { role } }", null, Key(10));
        Assert.Equal("RATE_LIMITED", guess.Code);
        Assert.InRange(guess.Wait, 1, 60);
        using var tenant = await polaris.SignUpAsync();
        Assert.Null((await AskAsync(keyOfOther, "{ me { role } }", null, tenant.ApiKey)).Code);
        Assert.Equal("NOT_FOUND", (await AskAsync(other, accept, new { input = new { token = "inv_", password = "x" } }, null)).Code);

        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 41; i++)
            answers.Add(await stranger.GetAsync("/.well-known/jwks"));
        Assert.All(answers.Take(40), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(HttpStatusCode.TooManyRequests, answers[40].StatusCode);
        Assert.NotNull(answers[40].Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("/.well-known/jwks")).StatusCode);
        answers.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task Guesses_of_one_accounts_password_end_after_five_also_when_they_come_at_the_same_time()
    {
        var account = await Account.SignUpAsync(polaris);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(async i =>
                {
                    var state = await account.Client().PrepareLoginAsync();
                    var browser = new FormBrowser(account.Email, $"guess {i}", from: "203.0.113.50");
                    await browser.InvokeAsync(new(state.StartUrl, state.RedirectUri));
                    return browser.Refusal!.Value.Status;
                })
        );
        Assert.Equal((5, 15), (answers.Count(status => status == 401), answers.Count(status => status == 429)));
    }

    private static string Key(int i) => $"pk_00000000_{i:0000000000000000000000000000000000000000}";

    private static HttpClient From(Replica replica, string address) =>
        new() { BaseAddress = replica.Url, DefaultRequestHeaders = { { "X-Forwarded-For", address } } };

    private static Task<(string? Code, int Wait)> SignUpAsync(HttpClient http) =>
        AskAsync(
            http,
            "mutation($input: SignUpInput!) { signUp(input: $input) { userId } }",
            new
            {
                input = new
                {
                    email = Account.NewEmail(),
                    password = Account.NewPassword(),
                    orgName = "Test",
                },
            },
            null
        );

    private static async Task<(string? Code, int Wait)> AskAsync(HttpClient http, string query, object? variables, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/graphql") { Content = JsonContent.Create(new { query, variables }) };
        if (key is not null)
            request.Headers.Authorization = new("Bearer", key);
        using var response = await http.SendAsync(request);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (!answer.TryGetProperty("errors", out var errors))
            return (null, 0);
        var extensions = errors[0].GetProperty("extensions");
        return (extensions.GetProperty("code").GetString(), extensions.TryGetProperty("retry_after", out var wait) ? wait.GetInt32() : 0);
    }
}
