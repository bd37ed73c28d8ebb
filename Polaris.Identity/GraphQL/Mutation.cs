using GraphQL;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Tokens;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

[Name("Mutation")]
internal sealed class Mutation
{
    [AllowAnyone]
    public static async Task<SignUpResultType> SignUp([FromServices] SignUp signUp, SignUpInput input, CancellationToken ct)
    {
        var signedUp = await signUp.HandleAsync(new NewAccount(input.Email, input.Password, input.OrgName, input.Currency ?? "USD", input.TimeZone ?? "UTC"), ct);
        return new SignUpResultType(signedUp.UserId, OrgType.Of(signedUp.Org), CreatedApiKeyType.Of(signedUp.ApiKey));
    }

    [RequireScope(Scopes.Admin)]
    public static async Task<CreatedApiKeyType> CreateApiKey([FromServices] EditApiKeys keys, CreateApiKeyInput input, CancellationToken ct) =>
        CreatedApiKeyType.Of(await keys.CreateAsync(new NewApiKey(input.Name, input.Scopes, input.Backfill ?? false, input.ExpiresAt), ct));

    /// <summary>A new secret for the same key; the one it had works for so many seconds more, a day unless given.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<CreatedApiKeyType> RotateApiKey([FromServices] EditApiKeys keys, [Id] Guid id, int? overlap, CancellationToken ct) =>
        CreatedApiKeyType.Of(await keys.RotateAsync(id, overlap is { } seconds ? TimeSpan.FromSeconds(seconds) : EditApiKeys.DefaultOverlap, ct));

    [RequireScope(Scopes.Admin)]
    public static async Task<ApiKeyType> RevokeApiKey([FromServices] EditApiKeys keys, [Id] Guid id, CancellationToken ct) => ApiKeyType.Of(await keys.RevokeAsync(id, ct));

    /// <summary>A token for one customer, for so many seconds: 900 unless given, at most 3600.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<CustomerTokenType> CreateCustomerToken([FromServices] CreateCustomerToken create, string customer, int? expiresIn, CancellationToken ct) =>
        CustomerTokenType.Of(await create.HandleAsync(customer, expiresIn is { } seconds ? TimeSpan.FromSeconds(seconds) : Features.Tokens.CreateCustomerToken.DefaultLifetime, ct));

    /// <summary>The token is shown once; whoever has it and the e-mail address may join.</summary>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<CreatedInvitationType> CreateInvitation(IResolveFieldContext context, [FromServices] Invite invite, CreateInvitationInput input, CancellationToken ct) =>
        CreatedInvitationType.Of(await invite.CreateAsync(
            Actor(context), input.Email, input.Role, input.ExpiresIn is { } seconds ? TimeSpan.FromSeconds(seconds) : Invite.DefaultLifetime, ct));

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<InvitationType> RevokeInvitation([FromServices] Invite invite, [Id] Guid id, CancellationToken ct) => InvitationType.Of(await invite.RevokeAsync(id, ct));

    [AllowAnyone]
    public static async Task<AcceptedInvitationType> AcceptInvitation([FromServices] AcceptInvitation accept, AcceptInvitationInput input, CancellationToken ct) =>
        AcceptedInvitationType.Of(await accept.HandleAsync(input.Token, input.Password, ct));

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> ChangeMemberRole(IResolveFieldContext context, [FromServices] EditMembers members, [Id] Guid userId, string role, CancellationToken ct) =>
        MemberType.Of(await members.ChangeRoleAsync(Actor(context), userId, role, ct));

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> RemoveMember(IResolveFieldContext context, [FromServices] EditMembers members, [Id] Guid userId, CancellationToken ct) =>
        MemberType.Of(await members.RemoveAsync(Actor(context), userId, ct));

    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<MemberType> LeaveOrg(IResolveFieldContext context, [FromServices] EditMembers members, CancellationToken ct) =>
        MemberType.Of(await members.RemoveAsync(Actor(context), Actor(context), ct));

    /// <summary>Makes the next signing key now. With <paramref name="dropOthers"/>, after a leak, every token signed before stops being valid.</summary>
    [RequireScope(Scopes.Platform)]
    public static async Task<IEnumerable<SigningKeyType>> RotateSigningKey([FromServices] SigningKeyRing ring, [FromServices] AuditLog audit, bool? dropOthers, CancellationToken ct)
    {
        await ring.RotateAsync(dropOthers ?? false, ct);
        await audit.WriteForInstallationAsync(AuditActions.SigningKeyRotated, ring.Keys.MaxBy(key => key.CreatedAt)!.Key.KeyId, dropOthers == true ? "others dropped" : null, ct);
        return SigningKeyType.Of(ring.Keys);
    }

    private static Guid Actor(IResolveFieldContext context) => context.User?.UserId() ?? throw new InvalidOperationException("RequireRole lets only people in.");
}
