using GraphQL;
using Microsoft.Extensions.Options;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.RateLimits;
using Polaris.Identity.Features.Tokens;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

/// <summary>What a caller may do. Mutations of a request run one after the other, in their order.</summary>
[Name("Mutation")]
internal sealed class Mutation
{
    /// <summary>
    /// Creates a person, an org that they own, and the org's first API key. The person can sign in once the e-mail address is proven.
    /// </summary>
    /// <param name="input">The person and the org.</param>
    [AllowAnyone]
    public static async Task<SignUpResultType> SignUp(
        [FromServices] SignUp signUp,
        [FromServices] IOptions<TokenAnswers> answers,
        SignUpInput input,
        CancellationToken ct
    )
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
            answers.Value.Of(signedUp.EmailProof)
        );
    }

    /// <summary>Gives an account the e-mail address that it was signed up with; from then on it can sign in.</summary>
    /// <param name="token">The token that was sent to the e-mail address.</param>
    [AllowAnyone]
    public static async Task<AccountType> ProveEmail([FromServices] ProveEmail prove, string token, CancellationToken ct) =>
        AccountType.Of(await prove.HandleAsync(token, ct));

    /// <summary>Ends the caller's session, or all of theirs, with all tokens made from it.</summary>
    /// <param name="everywhere">Whether to end all sessions of the person. Default: false, only the caller's.</param>
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

    /// <summary>Sets a new password and ends all other sessions of the caller. Always true; a wrong password or code is refused.</summary>
    /// <param name="currentPassword">The password until now.</param>
    /// <param name="newPassword">The password from now on.</param>
    /// <param name="code">The code of the account's second factor, if it has one.</param>
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
    /// <param name="email">The e-mail address of the person's account.</param>
    [RequireScope(Scopes.Platform)]
    public static async Task<PasswordResetType> CreatePasswordReset(
        [FromServices] EditPassword passwords,
        string email,
        CancellationToken ct
    ) => PasswordResetType.Of(await passwords.StartResetAsync(email, ct));

    /// <summary>
    /// Mails a link that sets a new password, good once within an hour. The answer is the same whether or not an account has the address.
    /// </summary>
    /// <param name="email">The address of the account.</param>
    [AllowAnyone]
    public static async Task<bool> RequestPasswordReset([FromServices] EditPassword passwords, string email, CancellationToken ct)
    {
        await passwords.RequestResetAsync(email, ct);
        return true;
    }

    /// <summary>Sets a new password and ends all sessions of the person.</summary>
    /// <param name="token">The token of the reset, which works once.</param>
    /// <param name="newPassword">The password from now on.</param>
    [AllowAnyone]
    public static async Task<AccountType> ResetPassword(
        [FromServices] EditPassword passwords,
        string token,
        string newPassword,
        CancellationToken ct
    ) => AccountType.Of(await passwords.ResetAsync(token, newPassword, ct));

    /// <summary>A new secret for an authenticator app; <c>confirmTwoFactor</c> turns the second factor on.</summary>
    /// <param name="password">The caller's password.</param>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<TwoFactorSecretType> StartTwoFactor(
        IResolveFieldContext context,
        [FromServices] EditTwoFactor twoFactor,
        string password,
        CancellationToken ct
    ) => TwoFactorSecretType.Of(await twoFactor.StartAsync(Actor(context), password, ct));

    /// <summary>Turns the second factor on and returns the recovery codes, which are shown only once.</summary>
    /// <param name="code">A code that the authenticator app shows for the secret of <c>startTwoFactor</c>.</param>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<IEnumerable<string>> ConfirmTwoFactor(
        IResolveFieldContext context,
        [FromServices] EditTwoFactor twoFactor,
        string code,
        CancellationToken ct
    ) => await twoFactor.ConfirmAsync(Actor(context), code, ct);

    /// <summary>Turns the second factor off. Always true; a wrong password or code is refused.</summary>
    /// <param name="password">The caller's password.</param>
    /// <param name="code">A code of the second factor, or one of the recovery codes.</param>
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

    /// <summary>Creates an API key of the org. Its secret is shown only now.</summary>
    /// <param name="input">The key to create.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<CreatedApiKeyType> CreateApiKey(
        [FromServices] EditApiKeys keys,
        CreateApiKeyInput input,
        CancellationToken ct
    ) =>
        CreatedApiKeyType.Of(await keys.CreateAsync(new NewApiKey(input.Name, input.Scopes, input.Backfill ?? false, input.ExpiresAt), ct));

    /// <summary>
    /// Gives a key a new secret. The previous one works on for a while, so that programs can be changed one after the other.
    /// </summary>
    /// <param name="id">The key's id.</param>
    /// <param name="overlap">For how many seconds the previous secret works on: at most 30 days, a day by default.</param>
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

    /// <summary>Ends a key for good: it stops working everywhere within seconds.</summary>
    /// <param name="id">The key's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<ApiKeyType> RevokeApiKey([FromServices] EditApiKeys keys, [Id] Guid id, CancellationToken ct) =>
        ApiKeyType.Of(await keys.RevokeAsync(id, ct));

    /// <summary>Creates a token with which a customer reads its own <c>portal</c>, such as for a page of the org's own.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="expiresIn">For how many seconds the token works: 900 by default, at most 3,600.</param>
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
    /// <param name="origins">All of them: those that are left out are no longer allowed.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<OrganizationType> SetEmbedOrigins(
        [FromServices] SetEmbedOrigins set,
        IReadOnlyList<string> origins,
        CancellationToken ct
    ) => OrganizationType.Of(await set.HandleAsync(origins, ct));

    /// <summary>Invites a person into the org: a mail with a token goes to the address and admits whoever reads it.</summary>
    /// <param name="input">Whom to invite, and as what.</param>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<CreatedInvitationType> CreateInvitation(
        IResolveFieldContext context,
        [FromServices] Invite invite,
        [FromServices] IOptions<TokenAnswers> answers,
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
            ),
            answers.Value
        );

    /// <summary>Takes an open invitation back.</summary>
    /// <param name="id">The invitation's id.</param>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner, Roles.Admin)]
    public static async Task<InvitationType> RevokeInvitation([FromServices] Invite invite, [Id] Guid id, CancellationToken ct) =>
        InvitationType.Of(await invite.RevokeAsync(id, ct));

    /// <summary>Makes the invited person a member of the org.</summary>
    /// <param name="input">The invitation, and who accepts it.</param>
    [AllowAnyone]
    public static async Task<AcceptedInvitationType> AcceptInvitation(
        [FromServices] AcceptInvitation accept,
        AcceptInvitationInput input,
        CancellationToken ct
    ) => AcceptedInvitationType.Of(await accept.HandleAsync(input.Token, input.Password, input.Code, ct));

    /// <summary>Gives a member another role. The org keeps at least one owner: taking away the last one is refused.</summary>
    /// <param name="userId">The member's user id.</param>
    /// <param name="role">The new role: owner, admin, billing or viewer.</param>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> ChangeMemberRole(
        IResolveFieldContext context,
        [FromServices] EditMembers members,
        [Id] Guid userId,
        string role,
        CancellationToken ct
    ) => MemberType.Of(await members.ChangeRoleAsync(Actor(context), userId, role, ct));

    /// <summary>Ends a person's membership, and with it their access, within seconds. The org's last owner cannot be removed.</summary>
    /// <param name="userId">The member's user id.</param>
    [RequireScope(Scopes.Admin), RequireRole(Roles.Owner)]
    public static async Task<MemberType> RemoveMember(
        IResolveFieldContext context,
        [FromServices] EditMembers members,
        [Id] Guid userId,
        CancellationToken ct
    ) => MemberType.Of(await members.RemoveAsync(Actor(context), userId, ct));

    /// <summary>Ends the caller's own membership of the org. Its last owner cannot leave.</summary>
    [RequireScope(Scopes.Read), RequireRole(Roles.Owner, Roles.Admin, Roles.Billing, Roles.Viewer)]
    public static async Task<MemberType> LeaveOrg(IResolveFieldContext context, [FromServices] EditMembers members, CancellationToken ct) =>
        MemberType.Of(await members.RemoveAsync(Actor(context), Actor(context), ct));

    /// <summary>Creates the installation's next signing key now. Returns all keys whose tokens are valid.</summary>
    /// <param name="dropOthers">Whether tokens signed by other keys are no longer valid, as after a leak. Default: false.</param>
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
    /// <param name="orgId">The org's id.</param>
    /// <param name="budget">What is limited: events, requests or cost.</param>
    /// <param name="perSecond">How much in a second, up to 100,000,000; without it, as much as the installation's default.</param>
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
