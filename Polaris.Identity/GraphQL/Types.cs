using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.Platform;
using Polaris.Identity.Features.RateLimits;
using Polaris.Identity.Features.Tokens;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

/// <summary>A tenant: its people, and all that belongs to it.</summary>
/// <param name="Id">The org's id.</param>
/// <param name="Name">As it was signed up.</param>
/// <param name="Currency">ISO 4217; the default of its plans.</param>
/// <param name="TimeZone">IANA; the default of its reports.</param>
/// <param name="Sandbox">For trying things out: only a sandbox has a test clock.</param>
/// <param name="EmbedOrigins">Origins whose pages may frame the page of its customers, and call the API with a customer's token.</param>
/// <param name="CreatedAt">When it was signed up.</param>
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

[Name("Viewer")]
public sealed record ViewerType(
    [property: Id] Guid? UserId,
    string? Email,
    string? Role,
    IReadOnlyList<string> Scopes,
    OrganizationType Org
);

/// <summary>Per second, over all replicas.</summary>
[Name("RateLimits")]
public sealed record RateLimitsType(long EventsPerSecond, long RequestsPerSecond, long CostPerSecond)
{
    internal static RateLimitsType Of(RateLimits limits) => new(limits.Events, limits.Requests, limits.Cost);
}

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

[Name("CreatedApiKey")]
public sealed record CreatedApiKeyType(ApiKeyType Key, string Secret)
{
    internal static CreatedApiKeyType Of(CreatedApiKey created) => new(ApiKeyType.Of(created.Key), created.Secret);
}

[Name("SignUpInput")]
public sealed class SignUpInput
{
    public required string Email { get; set; }
    public required string Password { get; set; }
    public required string OrgName { get; set; }
    public string? Currency { get; set; }
    public string? TimeZone { get; set; }

    /// <summary>
    /// Default: true. A sandbox has a test clock; with false the org is live and its time is real. It cannot be changed later.
    /// </summary>
    public bool? Sandbox { get; set; }
}

[Name("SignUpResult")]
public sealed record SignUpResultType([property: Id] Guid UserId, OrganizationType Org, CreatedApiKeyType ApiKey, string EmailProof);

/// <summary>A person's account.</summary>
[Name("Account")]
public sealed record AccountType([property: Id] Guid UserId, string? Email)
{
    internal static AccountType Of(User user) => new(user.Id, user.Email);
}

/// <summary>A token that sets a new password once; whoever has it has the account.</summary>
[Name("PasswordReset")]
public sealed record PasswordResetType(string Token, Instant ExpiresAt)
{
    internal static PasswordResetType Of(PasswordReset reset) => new(reset.Token, reset.ExpiresAt);
}

/// <summary>A secret for an authenticator app.</summary>
[Name("TwoFactorSecret")]
public sealed record TwoFactorSecretType(string Secret, string Uri)
{
    internal static TwoFactorSecretType Of(TwoFactorSecret secret) => new(secret.Secret, secret.Uri);
}

[Name("CreateApiKeyInput")]
public sealed class CreateApiKeyInput
{
    public required string Name { get; set; }
    public required IReadOnlyList<string> Scopes { get; set; }
    public bool? Backfill { get; set; }
    public Instant? ExpiresAt { get; set; }
}

/// <summary>An org that the caller is a member of.</summary>
[Name("Membership")]
public sealed record MembershipType([property: Id] Guid OrgId, string OrgName, string Role)
{
    internal static MembershipType Of(Membership membership) => new(membership.OrgId, membership.OrgName, membership.Role);
}

[Name("Member")]
public sealed record MemberType([property: Id] Guid UserId, string? Email, string Role, Instant CreatedAt)
{
    internal static MemberType Of(Member member) => new(member.UserId, member.Email, member.Role, member.CreatedAt);
}

[Name("CreateInvitationInput")]
public sealed class CreateInvitationInput
{
    public required string Email { get; set; }

    /// <summary>owner, admin, billing or viewer.</summary>
    public required string Role { get; set; }

    /// <summary>Seconds; a week by default.</summary>
    public int? ExpiresIn { get; set; }
}

[Name("AcceptInvitationInput")]
public sealed class AcceptInvitationInput
{
    public required string Token { get; set; }

    /// <summary>
    /// The password of the account with the invitation's e-mail address; if there is none, it is created with this password.
    /// </summary>
    public required string Password { get; set; }

    /// <summary>The code of the account's second factor, if it has one.</summary>
    public string? Code { get; set; }
}

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

[Name("CreatedInvitation")]
public sealed record CreatedInvitationType(InvitationType Invitation, string Token)
{
    internal static CreatedInvitationType Of(CreatedInvitation created) => new(InvitationType.Of(created.Invitation), created.Token);
}

[Name("AcceptedInvitation")]
public sealed record AcceptedInvitationType([property: Id] Guid UserId, OrganizationType Org, string Role)
{
    internal static AcceptedInvitationType Of(AcceptedInvitation accepted) =>
        new(accepted.UserId, OrganizationType.Of(accepted.Org), accepted.Role);
}

[Name("CustomerToken")]
public sealed record CustomerTokenType(string Token, Instant ExpiresAt)
{
    internal static CustomerTokenType Of(CustomerToken token) => new(token.Token, token.ExpiresAt);
}

[Name("OrgPage")]
public sealed record OrgPageType(IReadOnlyList<OrganizationType> Nodes, string? EndCursor, bool HasNextPage)
{
    internal static OrgPageType Of(OrgPage page) => new([.. page.Rows.Select(OrganizationType.Of)], page.EndCursor, page.HasNextPage);
}

[Name("SigningKey")]
public sealed record SigningKeyType([property: Id] string Id, Instant CreatedAt, Instant ActiveAt, Instant? RetiredAt, bool Signing)
{
    internal static IEnumerable<SigningKeyType> Of(IReadOnlyList<SigningKey> keys) =>
        keys.Select((key, i) => new SigningKeyType(key.Key.KeyId, key.CreatedAt, key.ActiveAt, key.RetiredAt, i == 0));
}
