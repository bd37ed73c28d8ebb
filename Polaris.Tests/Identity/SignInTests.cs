using System.Text.Json;
using Duende.IdentityModel.OidcClient.Browser;
using Npgsql;
using Polaris.Identity.Features.Accounts;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Sign-in, and what a refusal reveals.</summary>
public sealed class SignInTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Five_failures_from_an_address_end_further_tries_there_and_no_answer_tells_whether_the_account_exists()
    {
        var account = await Account.SignUpAsync(polaris);
        var nobody = account with { Email = Account.NewEmail() };
        for (var i = 0; i < 5; i++)
        {
            var wrong = await RefusalAsync(account with { Password = "wrong" + i });
            Assert.Equal(401, wrong.Status);
            Assert.Equal(wrong, await RefusalAsync(nobody));
        }

        // Even the right password is not looked at.
        var refused = await RefusalAsync(account);
        Assert.Equal(429, refused.Status);
        Assert.Equal(refused, await RefusalAsync(nobody));
        using var owner = account.WithKey();
        var actions = (await owner.QueryAsync("{ auditLog { nodes { action actorId } } }"))
            .GetProperty("auditLog")
            .GetProperty("nodes")
            .EnumerateArray()
            .Where(entry => entry.GetProperty("actorId").GetString() == account.UserId.ToString())
            .Select(entry => entry.GetProperty("action").GetString())
            .ToArray();
        Assert.Equal(
            (4, 1),
            (actions.Count(action => action == "user.sign_in_failed"), actions.Count(action => action == "user.locked_out"))
        );
        (await account.SignInAsync(from: "203.0.113.7")).Dispose();

        await polaris.ScalarAsync<object>(
            "identitydb",
            "UPDATE sign_in_failures SET since = since - interval '5 minutes' WHERE account = sha256($1)",
            System.Text.Encoding.UTF8.GetBytes(account.Email.ToUpperInvariant())
        );
        (await account.SignInAsync()).Dispose();
    }

    [Fact]
    public async Task What_is_guessed_first_is_no_password()
    {
        using var anyone = await polaris.SignUpAsync();
        anyone.Http.DefaultRequestHeaders.Authorization = null;
        foreach (
            var (email, password) in new[]
            {
                ("a@example.com", "short"),
                ("a@example.com", "aaaaaaaaaaaaaaaa"),
                ("a@example.com", "Password1234"),
                ("a@example.com", "qwertyuiop1"),
                ("a@example.com", "Sunshine2024!!"),
                ("a@example.com", "..p@ssw0rd..99"),
                ("a@example.com", "dragondragon"),
                ("a@example.com", "1234567890"),
                ("margaret@example.com", "margaret hamilton"),
                ("a@example.com", new string('x', 200) + Account.NewPassword() + new string('y', 40)),
            }
        )
        {
            Assert.Equal(
                "invalid_password",
                (
                    await anyone.RefusalAsync(
                        "mutation($input: SignUpInput!) { signUp(input: $input) { userId } }",
                        new
                        {
                            input = new
                            {
                                email,
                                password,
                                orgName = "No",
                            },
                        }
                    )
                ).Rule
            );
        }

        Assert.Null(PasswordRules.Refusal("margaret@example.com", "correct horse battery"));
    }

    [Fact]
    public async Task The_audit_log_of_an_org_only_grows_and_only_the_org_reads_it()
    {
        var account = await Account.SignUpAsync(polaris);
        using var owner = account.WithKey();
        using var key = await owner.WithKeyAsync(["read"]);
        await owner.QueryAsync("mutation { createCustomerToken(customer: \"acme\") { token } }");
        var first = (
            await owner.QueryAsync("{ auditLog(first: 2) { nodes { action actorKind subject } endCursor hasNextPage } }")
        ).GetProperty("auditLog");
        Assert.Equal(
            ["customer_token.created", "api_key.created"],
            first.GetProperty("nodes").EnumerateArray().Select(entry => entry.GetProperty("action").GetString())
        );
        Assert.Equal(
            ("api_key", "acme"),
            (
                first.GetProperty("nodes")[0].GetProperty("actorKind").GetString(),
                first.GetProperty("nodes")[0].GetProperty("subject").GetString()
            )
        );
        var rest = (
            await owner.QueryAsync(
                "query($after: String) { auditLog(after: $after) { nodes { action } hasNextPage } }",
                new { after = first.GetProperty("endCursor").GetString() }
            )
        ).GetProperty("auditLog");
        Assert.Equal(
            ["api_key.created", "org.created"],
            rest.GetProperty("nodes").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).Order()
        );
        Assert.True(first.GetProperty("hasNextPage").GetBoolean());
        Assert.False(rest.GetProperty("hasNextPage").GetBoolean());
        Assert.Equal("FORBIDDEN", (await key.RefusalAsync("{ auditLog { nodes { id } } }")).Code);
        using var other = await polaris.SignUpAsync();
        Assert.Equal(
            2,
            (await other.QueryAsync("{ auditLog { nodes { id } } }")).GetProperty("auditLog").GetProperty("nodes").GetArrayLength()
        );

        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        await using var service = await polaris.OpenDatabaseAsync(
            "identitydb",
            $";Username=polaris_identity;Password={secrets.RootElement.GetProperty("identity-database-password").GetString()}"
        );
        Assert.Equal(4L, await RunAsync("SELECT count(*) FROM audit_log", count: true));
        Assert.Equal(0L, await RunAsync("UPDATE audit_log SET detail = 'nothing happened'"));
        Assert.Equal(0L, await RunAsync("DELETE FROM audit_log"));

        async Task<long> RunAsync(string sql, bool count = false)
        {
            await using var transaction = await service.BeginTransactionAsync();
            await using (
                var set = new NpgsqlCommand("SELECT set_config('polaris.org_id', $1, true)", service)
                {
                    Parameters = { new() { Value = account.OrgId.ToString() } },
                }
            )
                await set.ExecuteNonQueryAsync();
            await using var command = new NpgsqlCommand(sql, service);
            var result = count ? (long)(await command.ExecuteScalarAsync())! : await command.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
            return result;
        }
    }

    private static async Task<(int Status, string Alert)> RefusalAsync(Account account)
    {
        var state = await account.Client().PrepareLoginAsync();
        var browser = new FormBrowser(account.Email, account.Password);
        await browser.InvokeAsync(new BrowserOptions(state.StartUrl, state.RedirectUri));
        return browser.Refusal ?? throw new InvalidOperationException("The sign-in unexpectedly succeeded.");
    }
}
