using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Duende.IdentityModel.Client;
using Duende.IdentityModel.OidcClient;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>Whatever ends access ends it within two seconds in every service, also for what was made from it.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class EndedAccessTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>Calls each service that has a subgraph.</summary>
    private const string Everywhere =
        "{ me { role } meters { key } customers { totalCount } recentEvents(limit: 1) { idempotencyKey } "
        + "deliveries(first: 1) { endCursor } }";

    private const string CreateKey = "mutation { createApiKey(input: {name: \"late\", scopes: [\"read\"]}) { secret } }";
    private const string Invite =
        "mutation($email: String!, $role: String!) { createInvitation(input: {email: $email, role: $role}) { token } }";

    /// <summary>A cached verdict is good for one second, and an answer may be under way for as long.</summary>
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_removed_members_token_makes_no_key_from_that_moment_and_opens_nothing_two_seconds_later()
    {
        var (owner, office) = await OfficeAsync();
        var member = await JoinAsync(owner, office, "admin");
        using var token = await member.SignInAsync(org: owner.OrgId);
        await UsedEverywhereAsync(token);
        var customer = await CustomerTokenAsync(token);
        using var portal = new Tenant(polaris.Gateway, owner.OrgId.ToString(), customer);
        Assert.Equal(200, (await portal.SendQueryAsync(Portal)).Status());
        var invitation = await InviteAsync(token, Account.NewEmail(), "admin");
        await office.QueryAsync("mutation($user: ID!) { removeMember(userId: $user) { userId } }", new { user = member.UserId });

        // Read in the transaction, not remembered: there is no such second for credentials.
        Assert.Equal(401, (await token.SendQueryAsync(CreateKey)).Status());
        Assert.Equal(401, (await token.SendQueryAsync("mutation { createCustomerToken(customer: \"c\") { token } }")).Status());
        Assert.Equal(
            "NOT_FOUND",
            (
                await office.RefusalAsync(
                    "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userId } }",
                    new { input = new { token = invitation, password = Account.NewPassword() } }
                )
            ).Code
        );
        await EndsEverywhereAsync(token);
        await EndsAsync("the customer's token", async () => (await portal.SendQueryAsync(Portal)).Status() == 401);
    }

    [Fact]
    public async Task A_lower_role_takes_its_scopes_from_tokens_that_have_them()
    {
        var (owner, office) = await OfficeAsync();
        var member = await JoinAsync(owner, office, "admin");
        using var token = await member.SignInAsync(org: owner.OrgId);
        await UsedEverywhereAsync(token);
        await office.QueryAsync(
            "mutation($user: ID!) { changeMemberRole(userId: $user, role: \"viewer\") { role } }",
            new { user = member.UserId }
        );
        Assert.Equal(403, (await token.SendQueryAsync(CreateKey)).Status());
        await EndsAsync(
            "admin's rights at Plans",
            async () => (await token.SendQueryAsync("mutation { renamePlan(key: \"none\", name: \"None\") { id } }")).Status() == 403
        );
        await EndsAsync(
            "billing's rights at Billing",
            async () => (await token.SendQueryAsync("mutation { createCustomers(input: [{key: \"c\"}]) { key } }")).Status() == 403
        );
        await EndsAsync(
            "the role",
            async () => (await token.QueryAsync("{ me { role } }")).GetProperty("me").GetProperty("role").GetString() == "viewer"
        );
        var me = (await token.QueryAsync("{ me { role scopes } }")).GetProperty("me");
        Assert.Equal("viewer", me.GetProperty("role").GetString());
        Assert.DoesNotContain("admin", me.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        Assert.Equal(200, (await token.SendQueryAsync(Everywhere)).Status());
    }

    [Fact]
    public async Task What_was_exchanged_for_a_key_or_made_with_it_ends_with_the_key_and_with_its_secret()
    {
        var account = await Account.SignUpAsync(polaris);
        using var owner = account.WithKey();
        using var key = await owner.WithKeyAsync(["ingest", "read", "admin"]);
        using var exchanged = new Tenant(polaris.Gateway, account.OrgId.ToString(), await ExchangeAsync(key.ApiKey));
        await UsedEverywhereAsync(exchanged);
        Assert.Equal(202, (await exchanged.IngestAsync(new { idempotency_key = "before", type = "call" })).Status);
        using var portal = new Tenant(polaris.Gateway, account.OrgId.ToString(), await CustomerTokenAsync(exchanged));
        Assert.Equal(200, (await portal.SendQueryAsync(Portal)).Status());

        // The secret that it was exchanged for ends, the key goes on with another.
        var id = await OidcTests.KeyIdAsync(owner, key.ApiKey);
        var rotated = (await owner.QueryAsync("mutation($id: ID!) { rotateApiKey(id: $id, overlap: 0) { secret } }", new { id }))
            .GetProperty("rotateApiKey")
            .GetProperty("secret")
            .GetString()!;
        Assert.Equal(401, (await exchanged.SendQueryAsync(CreateKey)).Status());
        await EndsEverywhereAsync(exchanged);
        await EndsAsync(
            "the exchanged token at ingestion",
            async () => (await exchanged.IngestAsync(new { idempotency_key = "after", type = "call" })).Status == 401
        );
        await EndsAsync("the customer's token", async () => (await portal.SendQueryAsync(Portal)).Status() == 401);

        using var next = new Tenant(polaris.Gateway, account.OrgId.ToString(), await ExchangeAsync(rotated));
        await UsedEverywhereAsync(next);
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        Assert.Equal(401, (await next.SendQueryAsync(CreateKey)).Status());
        await EndsEverywhereAsync(next);
    }

    [Fact]
    public async Task Signing_out_ends_the_cookie_the_refresh_token_and_the_access_tokens_on_the_server()
    {
        var account = await Account.SignUpAsync(polaris);
        var client = account.Client();
        var login = await client.LoginAsync(new LoginRequest());
        Assert.False(login.IsError, login.Error);
        var browser = (FormBrowser)client.Options.Browser!;
        using var token = new Tenant(polaris.Gateway, account.OrgId.ToString(), login.AccessToken);
        await UsedEverywhereAsync(token);
        using var other = await account.SignInAsync();
        var copied = browser.Cookies.GetCookieHeader(polaris.Gateway);
        Assert.Contains("polaris.session", copied, StringComparison.Ordinal);
        Assert.True(await IsSignedInAsync(account, copied));

        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = browser.Cookies })
        {
            BaseAddress = polaris.Gateway,
        };
        using var left = await http.GetAsync("/connect/logout?client_id=polaris-dashboard");
        Assert.True(left.StatusCode is HttpStatusCode.OK or HttpStatusCode.Redirect, $"{left.StatusCode}");

        Assert.False(await IsSignedInAsync(account, copied), "A copy of the cookie signs in after the sign-out.");
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(login.RefreshToken)).Error);
        Assert.Equal(401, (await token.SendQueryAsync(CreateKey)).Status());
        await EndsEverywhereAsync(token);
        Assert.Equal(200, (await other.SendQueryAsync(Everywhere)).Status());
    }

    [Fact]
    public async Task A_new_password_ends_all_other_sessions()
    {
        var account = await Account.SignUpAsync(polaris);
        var elsewhere = account.Client();
        var login = await elsewhere.LoginAsync(new LoginRequest());
        Assert.False(login.IsError, login.Error);
        using var token = new Tenant(polaris.Gateway, account.OrgId.ToString(), login.AccessToken);
        await UsedEverywhereAsync(token);
        using var here = await account.SignInAsync();
        const string change = "mutation($old: String!, $new: String!) { changePassword(currentPassword: $old, newPassword: $new) }";
        var wanted = Account.NewPassword();
        Assert.Equal("invalid_credentials", (await here.RefusalAsync(change, new { old = "not it", @new = wanted })).Rule);
        Assert.Equal("invalid_password", (await here.RefusalAsync(change, new { old = account.Password, @new = "password12" })).Rule);
        await here.QueryAsync(change, new { old = account.Password, @new = wanted });

        Assert.Equal("invalid_grant", (await elsewhere.RefreshTokenAsync(login.RefreshToken)).Error);
        await EndsEverywhereAsync(token);
        Assert.Equal(200, (await here.SendQueryAsync(Everywhere)).Status());
        Assert.True((await account.TrySignInAsync()).IsError);
        (await (account with { Password = wanted }).SignInAsync()).Dispose();
    }

    [Fact]
    public async Task A_strangers_wrong_passwords_neither_end_a_session_nor_shut_its_owner_out()
    {
        var account = await Account.SignUpAsync(polaris);
        var client = account.Client(from: "203.0.113.10");
        var login = await client.LoginAsync(new LoginRequest());
        Assert.False(login.IsError, login.Error);
        using var token = new Tenant(polaris.Gateway, account.OrgId.ToString(), login.AccessToken);
        // From six addresses, more than one account takes altogether.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 36),
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (i, _) =>
            {
                var login = await (account with { Password = $"wrong {i}" }).TrySignInAsync(from: $"203.0.113.{100 + (i % 6)}");
                Assert.True(login.IsError);
            }
        );
        Assert.Equal(200, (await token.SendQueryAsync(Everywhere)).Status());
        var renewed = await client.RefreshTokenAsync(login.RefreshToken);
        Assert.False(renewed.IsError, renewed.Error);
        // From where they signed in before, and from nowhere else for the moment, the right password is looked at.
        Assert.True((await account.TrySignInAsync(from: "203.0.113.200")).IsError);
        (await account.SignInAsync(from: "203.0.113.10")).Dispose();
    }

    private const string Portal = "{ portal { customer { key } } }";

    private async Task<(Account Owner, Tenant Office)> OfficeAsync()
    {
        var owner = await Account.SignUpAsync(polaris);
        return (owner, await owner.SignInAsync());
    }

    private static async Task<string> InviteAsync(Tenant office, string email, string role) =>
        (await office.QueryAsync(Invite, new { email, role })).GetProperty("createInvitation").GetProperty("token").GetString()!;

    internal static async Task<Account> JoinAsync(Account owner, Tenant office, string role)
    {
        var (email, password) = (Account.NewEmail(), Account.NewPassword());
        var accepted = (
            await office.QueryAsync(
                "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userId } }",
                new { input = new { token = await InviteAsync(office, email, role), password } }
            )
        ).GetProperty("acceptInvitation");
        return owner with { Email = email, Password = password, UserId = Guid.Parse(accepted.GetProperty("userId").GetString()!) };
    }

    private static async Task<string> CustomerTokenAsync(Tenant caller)
    {
        await caller.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { key } }");
        return (await caller.QueryAsync("mutation { createCustomerToken(customer: \"acme\", expiresIn: 3600) { token } }"))
            .GetProperty("createCustomerToken")
            .GetProperty("token")
            .GetString()!;
    }

    private async Task<string> ExchangeAsync(string key)
    {
        using var http = new HttpClient();
        using var request = new TokenExchangeTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = "polaris-api-key",
            ClientCredentialStyle = ClientCredentialStyle.PostBody,
            SubjectToken = key,
            SubjectTokenType = "urn:polaris:api-key",
        };
        var answer = await http.RequestTokenExchangeTokenAsync(request);
        Assert.False(answer.IsError, answer.Raw);
        return answer.AccessToken!;
    }

    /// <summary>Whether a browser with these cookies gets a code without the sign-in page.</summary>
    internal static async Task<bool> IsSignedInAsync(Account account, string cookies)
    {
        var state = await account.Client().PrepareLoginAsync();
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, state.StartUrl) { Headers = { { "Cookie", cookies } } };
        using var response = await http.SendAsync(request);
        return response.Headers.Location?.ToString().Contains("code=", StringComparison.Ordinal) == true;
    }

    /// <summary>Every service has a fresh verdict on the token.</summary>
    private static async Task UsedEverywhereAsync(Tenant token) => Assert.Equal(200, (await token.SendQueryAsync(Everywhere)).Status());

    private static Task EndsEverywhereAsync(Tenant token) =>
        Task.WhenAll(
            new[] { "{ me { role } }", "{ meters { key } }", "{ customers { totalCount } }" }
                .Concat(["{ recentEvents(limit: 1) { idempotencyKey } }", "{ deliveries(first: 1) { endCursor } }"])
                .Select(query => EndsAsync(query, async () => (await token.SendQueryAsync(query)).Status() == 401))
        );

    internal static async Task EndsAsync(string what, Func<Task<bool>> hasEnded)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            // The time at which it was asked: the answer may take its own.
            var asked = Stopwatch.GetElapsedTime(since);
            if (await hasEnded())
                return;
            Assert.True(asked < Within, $"{what}: still open {asked.TotalSeconds:0.0} s after the end.");
            await Task.Delay(100);
        }
    }
}
