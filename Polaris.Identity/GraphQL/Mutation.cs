using GraphQL;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.RateLimits;
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
        var signedUp = await signUp.HandleAsync(
            new NewAccount(
                input.Email,
                input.Password,
                input.OrgName,
                input.Currency ?? "USD",
                input.TimeZone ?? "UTC",
                input.Sandbox ?? true
            ),
            ct
        );
        return new SignUpResultType(
            signedUp.UserId,
            OrganizationType.Of(signedUp.Org),
            CreatedApiKeyType.Of(signedUp.ApiKey),
            signedUp.EmailProof
        );
    }

    /// <summary>Gives an account the e-mail address that it was signed up with; from then on it can sign in.</summary>
    [AllowAnyone]
    public static async Task<AccountType> ProveEmail([FromServices] ProveEmail prove, string token, CancellationToken ct) =>
        AccountType.Of(await prove.HandleAsync(token, ct));

    /// <summary>Ends the caller's session, or all of theirs, with all tokens made from it.</summary>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<bool> SignOut(
        IResolveFieldContext context,
        [FromServices] Sessions sessions,
        [FromServices] AuditLog audit,
        bool? everywhere,
        CancellationToken ct
    )
    {
        var user = Actor(context);
        await audit.WriteForUserAsync(user, AuditActions.SignedOut, ct);
        if (everywhere == true)
            await sessions.EndAllAsync(user, except: null, ct);
        else if (Session(context) is { } session)
            await sessions.EndAsync(session, user, ct);
        return true;
    }

    /// <summary>Ends all other sessions of the caller.</summary>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<bool> ChangePassword(
        IResolveFieldContext context,
        [FromServices] EditPassword passwords,
        string currentPassword,
        string newPassword,
        string? code,
        CancellationToken ct
    )
    {
        await passwords.ChangeAsync(Actor(context), Session(context), currentPassword, newPassword, code, ct);
        return true;
    }

    /// <summary>A token for a person who has forgotten their password, for an hour. It is shown only once.</summary>
    [RequireScope(Scopes.Platform)]
    public static async Task<PasswordResetType> CreatePasswordReset(
        [FromServices] EditPassword passwords,
        string email,
        CancellationToken ct
    ) => PasswordResetType.Of(await passwords.StartResetAsync(email, ct));

    /// <summary>Sets a new password and ends all sessions of the person.</summary>
    [AllowAnyone]
    public static async Task<AccountType> ResetPassword(
        [FromServices] EditPassword passwords,
        string token,
        string newPassword,
        CancellationToken ct
    ) => AccountType.Of(await passwords.ResetAsync(token, newPassword, ct));

    /// <summary>A new secret for an authenticator app; <c>confirmTwoFactor</c> turns the second factor on.</summary>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<TwoFactorSecretType> StartTwoFactor(
        IResolveFieldContext context,
        [FromServices] EditTwoFactor twoFactor,
        string password,
        CancellationToken ct
    ) => TwoFactorSecretType.Of(await twoFactor.StartAsync(Actor(context), password, ct));

    /// <summary>Turns the second factor on and returns the recovery codes, which are shown only once.</summary>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<IEnumerable<string>> ConfirmTwoFactor(
        IResolveFieldContext context,
        [FromServices] EditTwoFactor twoFactor,
        string code,
        CancellationToken ct
    ) => await twoFactor.ConfirmAsync(Actor(context), code, ct);

    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<bool> TurnOffTwoFactor(
        IResolveFieldContext context,
        [FromServices] EditTwoFactor twoFactor,
        string password,
        string code,
        CancellationToken ct
    )
    {
        await twoFactor.TurnOffAsync(Actor(context), password, code, ct);
        return true;
    }

    [RequireScope(Scopes.Admin)]
    public static async Task<CreatedApiKeyType> CreateApiKey(
        [FromServices] EditApiKeys keys,
        CreateApiKeyInput input,
        CancellationToken ct
    ) =>
        CreatedApiKeyType.Of(await keys.CreateAsync(new NewApiKey(input.Name, input.Scopes, input.Backfill ?? false, input.ExpiresAt), ct));

    /// <summary>Rotates the key's secret; the previous one works for <paramref name="overlap"/> seconds more, a day by default.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<CreatedApiKeyType> RotateApiKey(
        [FromServices] EditApiKeys keys,
        [Id] Guid id,
        int? overlap,
        CancellationToken ct
    ) =>
        CreatedApiKeyType.Of(
            await keys.RotateAsync(id, overlap is { } seconds ? TimeSpan.FromSeconds(seconds) : EditApiKeys.DefaultOverlap, ct)
        );

    [RequireScope(Scopes.Admin)]
    public static async Task<ApiKeyType> RevokeApiKey([FromServices] EditApiKeys keys, [Id] Guid id, CancellationToken ct) =>
        ApiKeyType.Of(await keys.RevokeAsync(id, ct));

    /// <summary>Creates a token for one customer, valid for so many seconds: 900 by default, at most 3600.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<CustomerTokenType> CreateCustomerToken(
        [FromServices] CreateCustomerToken create,
        string customer,
        int? expiresIn,
        CancellationToken ct
    ) =>
        CustomerTokenType.Of(
            await create.HandleAsync(
                customer,
                expiresIn is { } seconds ? TimeSpan.FromSeconds(seconds) : Features.Tokens.CreateCustomerToken.DefaultLifetime,
                ct
            )
        );

    /// <summary>
    /// Sets the origins whose pages may frame the page of the org's customers, and call the API with a customer's token; none by default.
    /// </summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<OrganizationType> SetEmbedOrigins(
        [FromServices] SetEmbedOrigins set,
        IReadOnlyList<string> origins,
        CancellationToken ct
    ) => OrganizationType.Of(await set.HandleAsync(origins, ct));

    /// <summary>The token is shown only once; it admits the person with the invitation's e-mail address.</summary>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<CreatedInvitationType> CreateInvitation(
        IResolveFieldContext context,
        [FromServices] Invite invite,
        CreateInvitationInput input,
        CancellationToken ct
    ) =>
        CreatedInvitationType.Of(
            await invite.CreateAsync(
                Actor(context),
                input.Email,
                input.Role,
                input.ExpiresIn is { } seconds ? TimeSpan.FromSeconds(seconds) : Invite.DefaultLifetime,
                ct
            )
        );

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<InvitationType> RevokeInvitation([FromServices] Invite invite, [Id] Guid id, CancellationToken ct) =>
        InvitationType.Of(await invite.RevokeAsync(id, ct));

    [AllowAnyone]
    public static async Task<AcceptedInvitationType> AcceptInvitation(
        [FromServices] AcceptInvitation accept,
        AcceptInvitationInput input,
        CancellationToken ct
    ) => AcceptedInvitationType.Of(await accept.HandleAsync(input.Token, input.Password, input.Code, ct));

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> ChangeMemberRole(
        IResolveFieldContext context,
        [FromServices] EditMembers members,
        [Id] Guid userId,
        string role,
        CancellationToken ct
    ) => MemberType.Of(await members.ChangeRoleAsync(Actor(context), userId, role, ct));

    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> RemoveMember(
        IResolveFieldContext context,
        [FromServices] EditMembers members,
        [Id] Guid userId,
        CancellationToken ct
    ) => MemberType.Of(await members.RemoveAsync(Actor(context), userId, ct));

    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<MemberType> LeaveOrg(IResolveFieldContext context, [FromServices] EditMembers members, CancellationToken ct) =>
        MemberType.Of(await members.RemoveAsync(Actor(context), Actor(context), ct));

    /// <summary>
    /// Creates the next signing key now. With <paramref name="dropOthers"/>, after a leak, tokens signed by other keys are no longer valid.
    /// </summary>
    [RequireScope(Scopes.Platform)]
    public static async Task<IEnumerable<SigningKeyType>> RotateSigningKey(
        [FromServices] SigningKeyRing ring,
        [FromServices] AuditLog audit,
        [FromServices] CallerAccess caller,
        bool? dropOthers,
        CancellationToken ct
    )
    {
        await caller.RequireNowAsync(Scopes.Platform, ct);
        await ring.RotateAsync(dropOthers ?? false, ct);
        await audit.WriteForInstallationAsync(
            AuditActions.SigningKeyRotated,
            ring.Keys.MaxBy(key => key.CreatedAt)!.Key.KeyId,
            dropOthers == true ? "others dropped" : null,
            ct
        );
        return SigningKeyType.Of(ring.Keys);
    }

    /// <summary>
    /// Sets how much of something an org may do per second over all replicas; without a number, as much as the installation's default.
    /// </summary>
    [RequireScope(Scopes.Platform)]
    public static async Task<RateLimitsType> SetRateLimit(
        [FromServices] OrgBudgets budgets,
        [FromServices] AuditLog audit,
        [Id] Guid orgId,
        string budget,
        int? perSecond,
        CancellationToken ct
    )
    {
        await budgets.SetAsync(orgId, budget, perSecond, ct);
        await audit.WriteForInstallationAsync(
            AuditActions.RateLimitSet,
            orgId.ToString(),
            $"{budget} {perSecond?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "default"}",
            ct
        );
        return RateLimitsType.Of(await budgets.ReadAsync(orgId, ct));
    }

    /// <summary>Null for a caller without a session.</summary>
    private static Guid? Session(IResolveFieldContext context) =>
        TokenOrigin.Parse(context.User?.FindFirst(PolarisClaims.Origin)?.Value)?.Session;

    private static Guid Actor(IResolveFieldContext context) =>
        context.User?.UserId() ?? throw new InvalidOperationException("RequireRole admits only users.");
}
