using System.Security.Claims;
using GraphQL;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

[Name("Org")]
public sealed record OrgType([property: Id] Guid Id, string Name, string Currency, string TimeZone, Instant CreatedAt)
{
    internal static OrgType Of(OrgRow row) => new(row.OrgId, row.Name, row.Currency, row.TimeZone, row.CreatedAt);
}

[Name("Viewer")]
public sealed record ViewerType([property: Id] Guid? UserId, string? Email, string? Role, IReadOnlyList<string> Scopes, OrgType Org);

[Name("ApiKey")]
public sealed record ApiKeyType(
    [property: Id] Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, bool Backfill, Instant CreatedAt, Instant? RevokedAt)
{
    internal static ApiKeyType Of(ApiKeyRow row) => new(row.Id, row.Name, row.Prefix, row.Scopes, row.Backfill, row.CreatedAt, row.RevokedAt);
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
}

[Name("SignUpResult")]
public sealed record SignUpResultType([property: Id] Guid UserId, OrgType Org, CreatedApiKeyType ApiKey);

[Name("CreateApiKeyInput")]
public sealed class CreateApiKeyInput
{
    public required string Name { get; set; }
    public required IReadOnlyList<string> Scopes { get; set; }
    public bool? Backfill { get; set; }
}

[Name("Query")]
internal sealed class Query
{
    [RequireScope(Scopes.Read)]
    public static async Task<ViewerType> Me(IResolveFieldContext context, [FromServices] OrgsDbContext db, CancellationToken ct) =>
        context.User is not { } caller ? throw new InvalidOperationException("The guard lets nobody in without a principal.")
        : new(caller.UserId(), caller.FindFirstValue(PolarisClaims.Email), caller.FindFirstValue(PolarisClaims.Role), caller.HeldScopes(), await Org(db, ct));

    [RequireScope(Scopes.Read)]
    public static async Task<OrgType> Org([FromServices] OrgsDbContext db, CancellationToken ct) =>
        await db.InTransactionAsync(token => db.Orgs.AsNoTracking().SingleOrDefaultAsync(token), ct) is { } row
            ? OrgType.Of(row)
            : throw new RefusedException(Refusal.NotFound("org"));

    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<ApiKeyType>> ApiKeys([FromServices] EditApiKeys keys, CancellationToken ct) => (await keys.ListAsync(ct)).Select(ApiKeyType.Of);
}

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
        CreatedApiKeyType.Of(await keys.CreateAsync(input.Name, input.Scopes, input.Backfill ?? false, ct));

    [RequireScope(Scopes.Admin)]
    public static async Task<ApiKeyType> RevokeApiKey([FromServices] EditApiKeys keys, [Id] Guid id, CancellationToken ct) => ApiKeyType.Of(await keys.RevokeAsync(id, ct));
}
