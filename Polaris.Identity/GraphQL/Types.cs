using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.Platform;
using Polaris.Identity.Features.RateLimits;
using Polaris.Identity.Features.Tokens;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

/// <summary>A tenant: its people, and all that belongs to it.</summary>
/// <param name="Id">The org's id, by which every service knows it.</param>
/// <param name="Name">The org's name, as it was signed up.</param>
/// <param name="Currency">ISO 4217 code of the org's currency, which is the default of its plans.</param>
/// <param name="TimeZone">IANA name of the org's time zone, which is the default of its reports.</param>
/// <param name="Sandbox">Whether the org is for trying things out: only a sandbox has a test clock.</param>
/// <param name="EmbedOrigins">Origins whose pages may frame the page of its customers, and call the API with a customer's token.</param>
/// <param name="CreatedAt">When the org was signed up.</param>
[Name("Organization"), Key("id")]
public sealed record OrganizationType(
    [property: Id] Guid Id,
    string Name,
    string Currency,
    string TimeZone,
    bool Sandbox,
    IReadOnlyList<string> EmbedOrigins,
    Instant CreatedAt
)
{
    /// <summary>Null unless the caller is in the org.</summary>
    [FederationResolver]
    public static IDataLoaderResult<OrganizationType?> Resolve(IResolveFieldContext context, [Id] Guid id) =>
        context
            .Service<Batches>()
            .Of<Guid, OrgRow>("Organization", (ids, ct) => context.Service<ReadOrgs>().ByIdAsync(ids, ct))
            .Load(id, Of);

    internal static OrganizationType Of(OrgRow row) =>
        new(row.OrgId, row.Name, row.Currency, row.TimeZone, row.Sandbox, row.EmbedOrigins, row.CreatedAt);
}

/// <summary>The caller, and the org that their token or key is for.</summary>
/// <param name="UserId">The person's id; null for an API key.</param>
/// <param name="Email">The person's e-mail address; null for an API key.</param>
/// <param name="Role">The person's role in the org: owner, admin, billing or viewer; null for an API key.</param>
/// <param name="Scopes">
/// What the caller may do in the org: ingest, read, billing, admin, customer, platform or platform.read. docs/authorization.md has what
/// each allows.
/// </param>
/// <param name="Org">The org that the token or key is for.</param>
[Name("Viewer")]
public sealed record ViewerType(
    [property: Id] Guid? UserId,
    string? Email,
    string? Role,
    IReadOnlyList<string> Scopes,
    OrganizationType Org
);

/// <summary>What an org may do in a second, over all replicas.</summary>
/// <param name="EventsPerSecond">Events that it may send to <c>/ingest</c>.</param>
/// <param name="RequestsPerSecond">GraphQL requests.</param>
/// <param name="CostPerSecond">Values that its GraphQL documents may ask for; docs/limits.md has how they are counted.</param>
[Name("RateLimits")]
public sealed record RateLimitsType(long EventsPerSecond, long RequestsPerSecond, long CostPerSecond)
{
    internal static RateLimitsType Of(RateLimits limits) => new(limits.Events, limits.Requests, limits.Cost);
}

/// <summary>A key with which a program of the org calls Polaris.</summary>
/// <param name="Id">The key's id, by which it is rotated and revoked; no secret.</param>
/// <param name="Name">What people call the key.</param>
/// <param name="Prefix">The first characters of the secret, by which people recognize it.</param>
/// <param name="Scopes">What the key may do: ingest, read, admin.</param>
/// <param name="Backfill">Whether the key may send events older than the usual limit.</param>
/// <param name="CreatedAt">When the key was created.</param>
/// <param name="RevokedAt">When the key was revoked; null while it is not.</param>
/// <param name="ExpiresAt">When the key stops working by itself; null for never.</param>
/// <param name="RotatedAt">When its secret was last rotated; null for never.</param>
/// <param name="LastUsedAt">When it was last used, accurate to about a minute; null for never.</param>
[Name("ApiKey")]
public sealed record ApiKeyType(
    [property: Id] Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    bool Backfill,
    Instant CreatedAt,
    Instant? RevokedAt,
    Instant? ExpiresAt,
    Instant? RotatedAt,
    Instant? LastUsedAt
)
{
    internal static ApiKeyType Of(ApiKeyRow row) =>
        new(
            row.Id,
            row.Name,
            row.Prefix,
            row.Scopes,
            row.Backfill,
            row.CreatedAt,
            row.RevokedAt,
            row.ExpiresAt,
            row.RotatedAt,
            row.LastUsedAt
        );
}

/// <summary>A new key, or an old one with a new secret.</summary>
/// <param name="Key">The key, by its id and name.</param>
/// <param name="Secret">The secret that goes into the Authorization header. It is shown only now.</param>
[Name("CreatedApiKey")]
public sealed record CreatedApiKeyType(ApiKeyType Key, string Secret)
{
    internal static CreatedApiKeyType Of(CreatedApiKey created) => new(ApiKeyType.Of(created.Key), created.Secret);
}

/// <summary>A person and the org that they sign up.</summary>
[Name("SignUpInput")]
public sealed class SignUpInput
{
    /// <summary>The person's e-mail address. They can sign in once it is proven.</summary>
    public required string Email { get; set; }

    /// <summary>The person's password.</summary>
    public required string Password { get; set; }

    /// <summary>The name of the new org.</summary>
    public required string OrgName { get; set; }

    /// <summary>ISO 4217 code of the org's currency. Default: USD.</summary>
    public string? Currency { get; set; }

    /// <summary>IANA name of the org's time zone. Default: UTC.</summary>
    public string? TimeZone { get; set; }

    /// <summary>
    /// Default: true. A sandbox has a test clock; with false the org is live and its time is real. It cannot be changed later.
    /// </summary>
    public bool? Sandbox { get; set; }
}

/// <summary>A new person, their org and its first API key.</summary>
/// <param name="UserId">The person's id.</param>
/// <param name="Org">The new org, of which the person is an owner.</param>
/// <param name="ApiKey">The org's first API key, with its secret.</param>
/// <param name="EmailProof">
/// The token for <c>proveEmail</c>, which the mail to the address has, where the installation tells it (a local run); else null.
/// </param>
[Name("SignUpResult")]
public sealed record SignUpResultType([property: Id] Guid UserId, OrganizationType Org, CreatedApiKeyType ApiKey, string? EmailProof);

/// <summary>A person's account.</summary>
/// <param name="UserId">The person's id.</param>
/// <param name="Email">The person's e-mail address.</param>
[Name("Account")]
public sealed record AccountType([property: Id] Guid UserId, string? Email)
{
    internal static AccountType Of(User user) => new(user.Id, user.Email);
}

/// <summary>A token that sets a new password once; whoever has it has the account.</summary>
/// <param name="Token">The token for <c>resetPassword</c>.</param>
/// <param name="ExpiresAt">Until when the token works.</param>
[Name("PasswordReset")]
public sealed record PasswordResetType(string Token, Instant ExpiresAt)
{
    internal static PasswordResetType Of(PasswordReset reset) => new(reset.Token, reset.ExpiresAt);
}

/// <summary>A secret for an authenticator app.</summary>
/// <param name="Secret">The secret in base32, to be typed in.</param>
/// <param name="Uri">The otpauth URI with the secret, to be shown as a QR code.</param>
[Name("TwoFactorSecret")]
public sealed record TwoFactorSecretType(string Secret, string Uri)
{
    internal static TwoFactorSecretType Of(TwoFactorSecret secret) => new(secret.Secret, secret.Uri);
}

/// <summary>A key to create.</summary>
[Name("CreateApiKeyInput")]
public sealed class CreateApiKeyInput
{
    /// <summary>What people call the key.</summary>
    public required string Name { get; set; }

    /// <summary>What the key may do: one or more of ingest, read, admin.</summary>
    public required IReadOnlyList<string> Scopes { get; set; }

    /// <summary>Whether the key may send events older than the usual limit. Default: false.</summary>
    public bool? Backfill { get; set; }

    /// <summary>When the key stops working by itself. Default: never.</summary>
    public Instant? ExpiresAt { get; set; }
}

/// <summary>An org that the caller is a member of.</summary>
/// <param name="OrgId">The org's id.</param>
/// <param name="OrgName">The org's name.</param>
/// <param name="Role">The caller's role in the org: owner, admin, billing or viewer.</param>
[Name("Membership")]
public sealed record MembershipType([property: Id] Guid OrgId, string OrgName, string Role)
{
    internal static MembershipType Of(Membership membership) => new(membership.OrgId, membership.OrgName, membership.Role);
}

/// <summary>A person in the caller's org.</summary>
/// <param name="UserId">The person's id.</param>
/// <param name="Email">The person's e-mail address.</param>
/// <param name="Role">The person's role in the org: owner, admin, billing or viewer.</param>
/// <param name="CreatedAt">When the person joined the org.</param>
[Name("Member")]
public sealed record MemberType([property: Id] Guid UserId, string? Email, string Role, Instant CreatedAt)
{
    internal static MemberType Of(Member member) => new(member.UserId, member.Email, member.Role, member.CreatedAt);
}

/// <summary>Whom to invite into the caller's org.</summary>
[Name("CreateInvitationInput")]
public sealed class CreateInvitationInput
{
    /// <summary>The e-mail address of the person; only the account with this address can accept.</summary>
    public required string Email { get; set; }

    /// <summary>The role that the person gets: owner, admin, billing or viewer.</summary>
    public required string Role { get; set; }

    /// <summary>For how many seconds the invitation can be accepted: at most 30 days, a week by default.</summary>
    public int? ExpiresIn { get; set; }
}

/// <summary>An invitation, and who accepts it.</summary>
[Name("AcceptInvitationInput")]
public sealed class AcceptInvitationInput
{
    /// <summary>The invitation's token.</summary>
    public required string Token { get; set; }

    /// <summary>
    /// The password of the account with the invitation's e-mail address; if there is none, it is created with this password.
    /// </summary>
    public required string Password { get; set; }

    /// <summary>The code of the account's second factor, if it has one.</summary>
    public string? Code { get; set; }
}

/// <summary>An invitation of a person into the caller's org.</summary>
/// <param name="Id">The invitation's id, by which it is revoked.</param>
/// <param name="Email">The e-mail address of the invited person.</param>
/// <param name="Role">The role that the person gets: owner, admin, billing or viewer.</param>
/// <param name="InvitedBy">The id of the member who invited them.</param>
/// <param name="CreatedAt">When the invitation was created.</param>
/// <param name="ExpiresAt">Until when it can be accepted.</param>
/// <param name="RevokedAt">When it was revoked; null while it is not.</param>
[Name("Invitation")]
public sealed record InvitationType(
    [property: Id] Guid Id,
    string Email,
    string Role,
    [property: Id] Guid InvitedBy,
    Instant CreatedAt,
    Instant ExpiresAt,
    Instant? RevokedAt
)
{
    internal static InvitationType Of(InvitationRow row) =>
        new(row.Id, row.Email, row.Role, row.InvitedBy, row.CreatedAt, row.ExpiresAt, row.RevokedAt);
}

/// <summary>A new invitation.</summary>
/// <param name="Invitation">The invitation, without its token.</param>
/// <param name="Token">
/// The token for <c>acceptInvitation</c>, which the mail has, where the installation tells it (a local run); else null.
/// </param>
[Name("CreatedInvitation")]
public sealed record CreatedInvitationType(InvitationType Invitation, string? Token)
{
    internal static CreatedInvitationType Of(CreatedInvitation created, TokenAnswers answers) =>
        new(InvitationType.Of(created.Invitation), answers.Of(created.Token));
}

/// <summary>A person's new membership.</summary>
/// <param name="UserId">The person's id.</param>
/// <param name="Org">The org that they are a member of now.</param>
/// <param name="Role">Their role in it: owner, admin, billing or viewer.</param>
[Name("AcceptedInvitation")]
public sealed record AcceptedInvitationType([property: Id] Guid UserId, OrganizationType Org, string Role)
{
    internal static AcceptedInvitationType Of(AcceptedInvitation accepted) =>
        new(accepted.UserId, OrganizationType.Of(accepted.Org), accepted.Role);
}

/// <summary>A token with which one customer of the org reads its own <c>portal</c>.</summary>
/// <param name="Token">The token that goes into the Authorization header.</param>
/// <param name="ExpiresAt">Until when the token works.</param>
[Name("CustomerToken")]
public sealed record CustomerTokenType(string Token, Instant ExpiresAt)
{
    internal static CustomerTokenType Of(CustomerToken token) => new(token.Token, token.ExpiresAt);
}

/// <summary>A page of the installation's orgs, the oldest first.</summary>
/// <param name="Nodes">The orgs of the page.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("OrgPage")]
public sealed record OrgPageType(IReadOnlyList<OrganizationType> Nodes, string? EndCursor, bool HasNextPage)
{
    internal static OrgPageType Of(OrgPage page) => new([.. page.Rows.Select(OrganizationType.Of)], page.EndCursor, page.HasNextPage);
}

/// <summary>A key that signs access tokens of the installation.</summary>
/// <param name="Id">The key's id, the kid of tokens signed by it.</param>
/// <param name="CreatedAt">When the key was made.</param>
/// <param name="ActiveAt">When it began to sign, or will.</param>
/// <param name="RetiredAt">When it ceased to sign; null while it has not.</param>
/// <param name="Signing">Whether it signs new tokens now.</param>
[Name("SigningKey")]
public sealed record SigningKeyType([property: Id] string Id, Instant CreatedAt, Instant ActiveAt, Instant? RetiredAt, bool Signing)
{
    internal static IEnumerable<SigningKeyType> Of(IReadOnlyList<SigningKey> keys) =>
        keys.Select((key, i) => new SigningKeyType(key.Key.KeyId, key.CreatedAt, key.ActiveAt, key.RetiredAt, i == 0));
}
