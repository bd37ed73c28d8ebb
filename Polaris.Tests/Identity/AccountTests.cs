using System.Net.Http.Json;
using System.Text.Json;
using OtpNet;
using Polaris.Tests.Notifications;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Who holds an e-mail address, and passwords and second factors.</summary>
public sealed class AccountTests(PolarisApp polaris) : PlatformTests
{
    private const string SignUp =
        "mutation($email: String!, $password: String!) { signUp(input: {email: $email, password: $password, orgName: \"Test\"}) "
        + "{ userId emailProof org { id } apiKey { secret } } }";
    private const string Prove = "mutation($token: String!) { proveEmail(token: $token) { userId email } }";

    [Fact]
    public async Task An_address_belongs_to_whoever_proves_it_first_and_claims_of_others_do_not_block_it()
    {
        using var anyone = Anyone();
        var (email, password) = (Account.NewEmail(), Account.NewPassword());
        var stranger = await SignUpAsync(anyone, email, Account.NewPassword());
        var owner = await SignUpAsync(anyone, email.ToUpperInvariant(), password);
        var account = new Account(polaris.Gateway, email, password, owner.UserId, owner.OrgId, owner.ApiKey);
        Assert.True((await account.TrySignInAsync()).IsError, "The address is not proven.");
        // The org's key works from the start.
        using (var key = account.WithKey())
            await key.QueryAsync("{ me { org { id } } }");

        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Prove, new { token = owner.Proof[..^1] + "!" })).Code);
        await anyone.QueryAsync(Prove, new { token = owner.Proof });
        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Prove, new { token = owner.Proof })).Code);
        Assert.Equal("email_taken", (await anyone.RefusalAsync(Prove, new { token = stranger.Proof })).Rule);
        Assert.Equal("email_taken", (await anyone.RefusalAsync(SignUp, new { email, password })).Rule);
        (await account.SignInAsync()).Dispose();
        // Only hashes of proofs are stored.
        Assert.Equal(
            0L,
            await polaris.ScalarAsync<long>(
                "identitydb",
                "SELECT count(*) FROM users u WHERE u::text LIKE '%' || $1 || '%'",
                stranger.Proof
            )
        );
    }

    [Fact]
    public async Task An_invitation_is_accepted_whoever_claims_its_address()
    {
        using var anyone = Anyone();
        var (email, password) = (Account.NewEmail(), Account.NewPassword());
        var stranger = await SignUpAsync(anyone, email, Account.NewPassword());
        var host = await Account.SignUpAsync(polaris);
        using var office = await host.SignInAsync();
        var token = (
            await office.QueryAsync(
                "mutation($email: String!) { createInvitation(input: {email: $email, role: \"admin\"}) { token } }",
                new { email }
            )
        )
            .GetProperty("createInvitation")
            .GetProperty("token")
            .GetString();
        await anyone.QueryAsync(
            "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userId } }",
            new { input = new { token, password } }
        );
        (await (host with { Email = email, Password = password }).SignInAsync()).Dispose();
        Assert.Equal("email_taken", (await anyone.RefusalAsync(Prove, new { token = stranger.Proof })).Rule);
    }

    [Fact]
    public async Task Proofs_of_the_same_address_at_the_same_time_have_one_winner()
    {
        using var anyone = Anyone();
        var email = Account.NewEmail();
        var claims = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SignUpAsync(anyone, email, Account.NewPassword())));
        var answers = await Task.WhenAll(claims.Select(claim => anyone.SendQueryAsync(Prove, new { token = claim.Proof })));
        Assert.Single(answers, answer => answer.Status() == 200);
        Assert.All(
            answers.Where(answer => answer.TryGetProperty("errors", out _)),
            answer => Assert.Equal("email_taken", answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("rule").GetString())
        );
    }

    [Fact]
    public async Task A_forgotten_password_is_replaced_with_a_token_that_only_an_operator_makes_and_that_is_good_once()
    {
        var account = await Account.SignUpAsync(polaris);
        using var office = await account.SignInAsync();
        const string create = "mutation($email: String!) { createPasswordReset(email: $email) { token expiresAt } }";
        const string reset = "mutation($token: String!, $new: String!) { resetPassword(token: $token, newPassword: $new) { userId } }";
        Assert.Equal("FORBIDDEN", (await office.RefusalAsync(create, new { email = account.Email })).Code);
        var admin = new Account(polaris.Gateway, PolarisApp.OperatorEmail, PolarisApp.OperatorPassword, Guid.Empty, Guid.Empty, "");
        using var platform = await admin.SignInAsync("openid platform");
        Assert.Equal("NOT_FOUND", (await platform.RefusalAsync(create, new { email = Account.NewEmail() })).Code);
        var token = (await platform.QueryAsync(create, new { email = account.Email }))
            .GetProperty("createPasswordReset")
            .GetProperty("token")
            .GetString();

        using var anyone = Anyone();
        var wanted = Account.NewPassword();
        Assert.Equal("invalid_password", (await anyone.RefusalAsync(reset, new { token, @new = "qwertyuiop" })).Rule);
        await anyone.QueryAsync(reset, new { token, @new = wanted });
        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(reset, new { token, @new = Account.NewPassword() })).Code);
        await polaris.UntilAsync(
            "the end of earlier sessions",
            async () => (await office.SendQueryAsync("{ me { role } }")).Status() == 401
        );
        Assert.True((await account.TrySignInAsync()).IsError);
        (await (account with { Password = wanted }).SignInAsync()).Dispose();
    }

    [Fact]
    public async Task Anyone_may_ask_for_a_new_password_by_mail_and_learns_nothing_from_the_answer()
    {
        var account = await Account.SignUpAsync(polaris);
        const string request = "mutation($email: String!) { requestPasswordReset(email: $email) }";
        const string reset = "mutation($token: String!, $new: String!) { resetPassword(token: $token, newPassword: $new) { userId } }";
        using var anyone = Anyone();
        var nobodys = Account.NewEmail();
        // The second within minutes is answered alike and mails nothing.
        foreach (var email in new[] { account.Email, account.Email, nobodys })
            Assert.True((await anyone.QueryAsync(request, new { email })).GetProperty("requestPasswordReset").GetBoolean());
        var mailbox = new Mailbox(polaris);
        var mail = await mailbox.UntilMailAsync(account.Email, "Set a new password");
        var token = MailTests.TokenIn(mail, "/reset-password");
        await anyone.QueryAsync(reset, new { token, @new = Account.NewPassword() });
        Assert.True((await account.TrySignInAsync()).IsError);
        await polaris.UntilAsync(
            "all mail to be on its way",
            async () =>
                await polaris.ScalarAsync<long>("identitydb", "SELECT count(*) FROM outgoing_mail WHERE recipient = $1", account.Email) == 0
        );
        Assert.Equal(
            1L,
            await polaris.ScalarAsync<long>(
                "notificationsdb",
                "SELECT count(*) FROM deliveries WHERE recipient = $1 AND kind = 'account.password_reset'",
                account.Email
            )
        );
        Assert.Empty(await mailbox.MailsAsync(nobodys));
    }

    [Fact]
    public async Task Where_the_installation_does_not_tell_tokens_they_come_by_mail_alone()
    {
        await using var identity = await polaris.StartReplicaAsync("identity", ("TokenAnswers__Enabled", "false"));
        using var http = new HttpClient { BaseAddress = identity.Url };
        var (owner, guest) = (Account.NewEmail(), Account.NewEmail());
        var signUp = await AskAsync(
            "mutation($input: SignUpInput!) { signUp(input: $input) { emailProof apiKey { secret } } }",
            new
            {
                input = new
                {
                    email = owner,
                    password = Account.NewPassword(),
                    orgName = "By mail",
                },
            }
        );
        Assert.Equal(JsonValueKind.Null, signUp.GetProperty("signUp").GetProperty("emailProof").ValueKind);
        var mailbox = new Mailbox(polaris);
        var token = MailTests.TokenIn(await mailbox.UntilMailAsync(owner, "Confirm"), "/prove-email");
        await AskAsync("mutation($token: String!) { proveEmail(token: $token) { email } }", new { token });

        var account = await Account.SignUpAsync(polaris);
        using var office = await account.SignInAsync();
        http.DefaultRequestHeaders.Authorization = new("Bearer", office.ApiKey);
        var invited = await AskAsync(
            "mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { token invitation { email } } }",
            new { input = new { email = guest, role = "viewer" } }
        );
        Assert.Equal(JsonValueKind.Null, invited.GetProperty("createInvitation").GetProperty("token").ValueKind);
        var invitation = MailTests.TokenIn(await mailbox.UntilMailAsync(guest, "invited"), "/accept-invitation");
        var accepted = await AskAsync(
            "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { role } }",
            new { input = new { token = invitation, password = Account.NewPassword() } }
        );
        Assert.Equal("viewer", accepted.GetProperty("acceptInvitation").GetProperty("role").GetString());

        async Task<JsonElement> AskAsync(string query, object variables)
        {
            using var response = await http.PostAsJsonAsync("/graphql", new { query, variables });
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.False(answer.TryGetProperty("errors", out _), answer.ToString());
            return answer.GetProperty("data");
        }
    }

    [Fact]
    public async Task With_a_second_factor_a_password_alone_signs_nobody_in_and_a_code_is_good_once()
    {
        var account = await Account.SignUpAsync(polaris);
        using var office = await account.SignInAsync();
        const string start = "mutation($password: String!) { startTwoFactor(password: $password) { secret uri } }";
        const string confirm = "mutation($code: String!) { confirmTwoFactor(code: $code) }";
        Assert.Equal("invalid_credentials", (await office.RefusalAsync(start, new { password = "not it" })).Rule);
        var secret = (await office.QueryAsync(start, new { password = account.Password })).GetProperty("startTwoFactor");
        Assert.StartsWith("otpauth://totp/", secret.GetProperty("uri").GetString(), StringComparison.Ordinal);
        var app = new Totp(Base32Encoding.ToBytes(secret.GetProperty("secret").GetString()));
        // Off before it is confirmed.
        (await account.SignInAsync()).Dispose();
        Assert.Equal("invalid_code", (await office.RefusalAsync(confirm, new { code = "abcdef" })).Rule);
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var recovery = (await office.QueryAsync(confirm, new { code = app.ComputeTotp(now) }))
            .GetProperty("confirmTwoFactor")
            .EnumerateArray()
            .Select(code => code.GetString()!)
            .ToArray();
        Assert.Equal(10, recovery.Length);

        Assert.True((await account.TrySignInAsync()).IsError, "The password alone signs in.");
        Assert.True((await account.TrySignInAsync(code: "000000")).IsError);
        // From other places, since so many failures close this one for a while.
        const string there = "198.51.100.7";
        // Used up by the confirmation.
        Assert.True((await account.TrySignInAsync(from: there, code: app.ComputeTotp(now))).IsError, "A code is good twice.");
        (await account.SignInAsync(from: there, code: app.ComputeTotp(now.AddSeconds(30)))).Dispose();
        (await account.SignInAsync(from: there, code: recovery[0])).Dispose();
        Assert.True((await account.TrySignInAsync(from: there, code: recovery[0])).IsError, "A recovery code is good twice.");

        await office.QueryAsync(
            "mutation($password: String!, $code: String!) { turnOffTwoFactor(password: $password, code: $code) }",
            new { password = account.Password, code = recovery[1] }
        );
        (await account.SignInAsync()).Dispose();
    }

    private Tenant Anyone()
    {
        var anyone = new Tenant(polaris.Gateway, Guid.Empty.ToString(), "none");
        anyone.Http.DefaultRequestHeaders.Authorization = null;
        return anyone;
    }

    private static async Task<(Guid UserId, Guid OrgId, string ApiKey, string Proof)> SignUpAsync(
        Tenant anyone,
        string email,
        string password
    )
    {
        var signUp = (await anyone.QueryAsync(SignUp, new { email, password })).GetProperty("signUp");
        return (
            signUp.GetProperty("userId").GetGuid(),
            signUp.GetProperty("org").GetProperty("id").GetGuid(),
            signUp.GetProperty("apiKey").GetProperty("secret").GetString()!,
            signUp.GetProperty("emailProof").GetString()!
        );
    }
}
