using Duende.IdentityModel.OidcClient;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Several members of an org, and several orgs of a person.</summary>
public sealed class MemberTests(PolarisApp polaris) : PlatformTests
{
    private const string Invite =
        "mutation($input: CreateInvitationInput!) { createInvitation(input: $input) { token invitation { id expiresAt } } }";
    private const string Accept = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { userId role org { id } } }";
    private const string ChangeRole = "mutation($user: ID!, $role: String!) { changeMemberRole(userId: $user, role: $role) { role } }";
    private const string Remove = "mutation($user: ID!) { removeMember(userId: $user) { userId } }";

    [Fact]
    public async Task An_invitation_makes_a_member_once_with_the_role_it_names_and_no_more()
    {
        var owner = await Account.SignUpAsync(polaris);
        using var office = await owner.SignInAsync();
        var email = Account.NewEmail();
        var (token, _) = await InviteAsync(office, email, "viewer");
        // Only a hash of the token is stored.
        Assert.Equal(
            0L,
            await polaris.ScalarAsync<long>(
                "identitydb",
                "SELECT count(*) FROM invitations i WHERE i.org_id = $1 AND i::text LIKE '%' || $2 || '%'",
                owner.OrgId,
                token
            )
        );
        using var anyone = new Tenant(polaris.Gateway, owner.OrgId.ToString(), "none");
        anyone.Http.DefaultRequestHeaders.Authorization = null;

        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Accept, Answer(token[..^1] + "!", "long enough password"))).Code);
        Assert.Equal("invalid_password", (await anyone.RefusalAsync(Accept, Answer(token, "short"))).Rule);
        var viewer = await JoinAsync(anyone, owner, token, email, Account.NewPassword());
        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Accept, Answer(token, viewer.Password))).Code);

        using var desk = await viewer.SignInAsync();
        var me = (await desk.QueryAsync("{ me { role scopes org { id } } }")).GetProperty("me");
        Assert.Equal(
            ("viewer", owner.OrgId.ToString()),
            (me.GetProperty("role").GetString(), me.GetProperty("org").GetProperty("id").GetString())
        );
        Assert.Equal("FORBIDDEN", (await desk.RefusalAsync("mutation { createCustomerToken(customer: \"c\") { token } }")).Code);
        Assert.Equal("FORBIDDEN", (await desk.RefusalAsync("{ members { userId } }")).Code);
        Assert.Equal(2, (await office.QueryAsync("{ members { userId email role } }")).GetProperty("members").GetArrayLength());

        var (taken, id) = await InviteAsync(office, "taken-back@invited.example", "admin");
        await office.QueryAsync("mutation($id: ID!) { revokeInvitation(id: $id) { id } }", new { id });
        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Accept, Answer(taken, Account.NewPassword()))).Code);
        var (late, lateId) = await InviteAsync(office, "late@invited.example", "admin");
        await polaris.ScalarAsync<object>(
            "identitydb",
            "UPDATE invitations SET expires_at = now() WHERE org_id = $1 AND id = $2",
            owner.OrgId,
            Guid.Parse(lateId)
        );
        Assert.Equal("NOT_FOUND", (await anyone.RefusalAsync(Accept, Answer(late, Account.NewPassword()))).Code);
        Assert.Equal(0, (await office.QueryAsync("{ invitations { id } }")).GetProperty("invitations").GetArrayLength());

        // An API key belongs to no person, so it cannot invite.
        using var key = owner.WithKey();
        Assert.Equal(
            "missing_role",
            (await key.RefusalAsync(Invite, new { input = new { email = "x@invited.example", role = "viewer" } })).Rule
        );
    }

    [Fact]
    public async Task A_member_of_two_orgs_gets_a_token_for_the_one_they_name_or_else_used_last()
    {
        var (one, other) = (await Account.SignUpAsync(polaris), await Account.SignUpAsync(polaris));
        using var office = await one.SignInAsync();
        var (token, _) = await InviteAsync(office, other.Email, "billing");
        using var guest = other.WithKey();
        // The account exists: its password proves who accepts, even while signed in to another org.
        Assert.Equal("UNAUTHENTICATED", (await guest.RefusalAsync(Accept, Answer(token, "not the password"))).Code);
        await guest.QueryAsync(Accept, Answer(token, other.Password));

        Assert.Equal(other.OrgId, await OrgOfAsync(other, null));
        Assert.Equal(one.OrgId, await OrgOfAsync(other, one.OrgId));
        Assert.Equal(one.OrgId, await OrgOfAsync(other, null));
        Assert.True((await one.TrySignInAsync(org: other.OrgId)).IsError);

        using var billing = await other.SignInAsync(org: one.OrgId);
        var me = (await billing.QueryAsync("{ me { role scopes } memberships { orgId role } }")).GetProperty("me");
        Assert.Equal("billing", me.GetProperty("role").GetString());
        var scopes = me.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()).ToArray();
        Assert.Contains("billing", scopes);
        Assert.DoesNotContain("admin", scopes);
    }

    [Fact]
    public async Task The_last_owner_stays_and_a_removed_member_gets_no_more_tokens()
    {
        var owner = await Account.SignUpAsync(polaris);
        using var office = await owner.SignInAsync();
        Assert.Equal("last_owner", (await office.RefusalAsync(ChangeRole, new { user = owner.UserId, role = "viewer" })).Rule);
        Assert.Equal("last_owner", (await office.RefusalAsync("mutation { leaveOrg { userId } }")).Rule);

        var email = Account.NewEmail();
        var (token, _) = await InviteAsync(office, email, "admin");
        using var anyone = owner.WithKey();
        var second = await JoinAsync(anyone, owner, token, email, Account.NewPassword());
        using var admin = await second.SignInAsync();
        Assert.Equal("missing_role", (await admin.RefusalAsync(Remove, new { user = owner.UserId })).Rule);
        Assert.Equal(
            "missing_role",
            (await admin.RefusalAsync(Invite, new { input = new { email = "o@invited.example", role = "owner" } })).Rule
        );
        Assert.Equal("unknown_role", (await office.RefusalAsync(ChangeRole, new { user = second.UserId, role = "king" })).Rule);
        Assert.Equal(
            "NOT_FOUND",
            (
                await office.RefusalAsync(ChangeRole, new { user = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), role = "admin" })
            ).Code
        );

        await office.QueryAsync(ChangeRole, new { user = second.UserId, role = "owner" });
        var client = second.Client();
        var login = await client.LoginAsync(new LoginRequest());
        using var coOwner = new Tenant(polaris.Gateway, owner.OrgId.ToString(), login.AccessToken);
        await coOwner.QueryAsync(ChangeRole, new { user = owner.UserId, role = "viewer" });
        // The former owner's token still has the role owner: the membership in the database decides, and within a second the token's scopes
        // are those of a viewer.
        Assert.Contains((await office.RefusalAsync(Remove, new { user = second.UserId })).Rule, new[] { "missing_role", "missing_scope" });
        await coOwner.QueryAsync(ChangeRole, new { user = owner.UserId, role = "owner" });
        await polaris.UntilAsync(
            "the role to reach the token",
            async () => (await office.SendQueryAsync("{ apiKeys { id } }")).Status() == 200
        );
        await office.QueryAsync(Remove, new { user = second.UserId });
        Assert.Equal("invalid_grant", (await client.RefreshTokenAsync(login.RefreshToken)).Error);
        Assert.True((await second.TrySignInAsync()).IsError);

        var actions = (await office.QueryAsync("{ auditLog { nodes { action actorId subject detail } } }"))
            .GetProperty("auditLog")
            .GetProperty("nodes")
            .EnumerateArray()
            .Select(entry => entry.GetProperty("action").GetString())
            .ToArray();
        Assert.Equal(3, actions.Count(action => action == "member.role_changed"));
        Assert.All(
            new[] { "org.created", "api_key.created", "user.signed_in", "invitation.created", "invitation.accepted", "member.removed" },
            action => Assert.Contains(action, actions)
        );
    }

    private static object Answer(string token, string password) => new { input = new { token, password } };

    private static async Task<(string Token, string Id)> InviteAsync(Tenant office, string email, string role)
    {
        var created = (await office.QueryAsync(Invite, new { input = new { email, role } })).GetProperty("createInvitation");
        return (created.GetProperty("token").GetString()!, created.GetProperty("invitation").GetProperty("id").GetString()!);
    }

    private static async Task<Account> JoinAsync(Tenant anyone, Account owner, string token, string email, string password)
    {
        var accepted = (await anyone.QueryAsync(Accept, Answer(token, password))).GetProperty("acceptInvitation");
        return owner with { Email = email, Password = password, UserId = Guid.Parse(accepted.GetProperty("userId").GetString()!) };
    }

    private static async Task<Guid> OrgOfAsync(Account account, Guid? org)
    {
        using var person = await account.SignInAsync(org: org);
        return Guid.Parse(
            (await person.QueryAsync("{ me { org { id } } }")).GetProperty("me").GetProperty("org").GetProperty("id").GetString()!
        );
    }
}
