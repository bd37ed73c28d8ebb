using System.Globalization;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NodaTime;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Tokens;

internal sealed record CustomerToken(string Token, Instant ExpiresAt);

/// <summary>
/// A short-lived token for one customer of the caller's org, which the org's backend passes to an embedded dashboard. It names the customer
/// and has only the scope <see cref="Scopes.Customer"/>. As with events, the customer need not exist yet.
/// </summary>
internal sealed class CreateCustomerToken(
    SigningKeyRing ring,
    OrgsDbContext db,
    CallerAccess caller,
    IHttpContextAccessor http,
    AuditLog audit,
    TenantScope tenant,
    IConfiguration configuration,
    TimeProvider time
)
{
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan MinLifetime = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };

    public async Task<CustomerToken> HandleAsync(string customer, TimeSpan lifetime, CancellationToken ct)
    {
        if (customer.Length is < 1 or > Limits.MaxTextLength || customer.Contains('\0', StringComparison.Ordinal))
            throw new RefusedException(
                Refusal.Invalid("customer", "invalid_key", $"'customer' must have 1 to {Limits.MaxTextLength} characters.")
            );
        if (lifetime < MinLifetime || lifetime > MaxLifetime)
            throw new RefusedException(
                Refusal.Invalid(
                    "expiresIn",
                    "out_of_range",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"'expiresIn' must be {MinLifetime.TotalSeconds:0} to {MaxLifetime.TotalSeconds:0} seconds."
                    )
                )
            );
        var now = time.GetUtcNow();
        await db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                audit.Add(
                    AuditActions.CustomerTokenCreated,
                    customer,
                    string.Create(CultureInfo.InvariantCulture, $"for {lifetime.TotalSeconds:0} s")
                );
                await db.SaveChangesAsync(token);
            },
            ct
        );
        return new CustomerToken(Sign(customer, now, now + lifetime), Instant.FromDateTimeOffset(now + lifetime));
    }

    private string Sign(string customer, DateTimeOffset now, DateTimeOffset expires) =>
        handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = PolarisAuthentication.Issuer(configuration),
                Audience = PolarisAuthentication.Audience,
                TokenType = "at+jwt",
                IssuedAt = now.UtcDateTime,
                NotBefore = now.UtcDateTime,
                Expires = expires.UtcDateTime,
                SigningCredentials = new SigningCredentials(ring.Signing.Key, SecurityAlgorithms.RsaSha256),
                Claims = new Dictionary<string, object>
                {
                    // Prefixed, since a bare key could equal the id of a user.
                    ["sub"] = "customer:" + customer,
                    ["jti"] = Guid.CreateVersion7(now).ToString(),
                    [PolarisClaims.Org] = tenant.RequireOrg().ToString(),
                    [PolarisClaims.Customer] = customer,
                    [PolarisClaims.Scope] = Scopes.Customer,
                    // It ends with the access of whoever made it.
                    [PolarisClaims.Origin] =
                        http.HttpContext?.User.FindFirst(PolarisClaims.Origin)?.Value
                        ?? throw new InvalidOperationException("An authenticated caller has an origin."),
                },
            }
        );
}
