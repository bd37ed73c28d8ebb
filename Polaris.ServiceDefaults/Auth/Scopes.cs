using System.Security.Claims;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>What a caller may do. API keys list scopes; a user's role implies them; services have <see cref="Internal"/>.</summary>
public static class Scopes
{
    /// <summary>Sends events.</summary>
    public const string Ingest = "ingest";

    /// <summary>Runs every query of its org.</summary>
    public const string Read = "read";

    /// <summary>Changes customers, subscriptions and invoices; implies <see cref="Read"/>.</summary>
    public const string Billing = "billing";

    /// <summary>Changes the org's configuration; implies <see cref="Billing"/>.</summary>
    public const string Admin = "admin";

    /// <summary>
    /// One customer of an org, given by <see cref="PolarisClaims.Customer"/>, reading their own data. Neither implied by nor implying other
    /// scopes.
    /// </summary>
    public const string Customer = "customer";

    /// <summary>An operator of the installation. Gives no access to an org's data.</summary>
    public const string Platform = "platform";

    /// <summary>
    /// What an operator sees of the installation, without changing it: all that the dashboard asks for, so that a script on its pages can
    /// neither reset a password nor rotate a key. Implied by <see cref="Platform"/>.
    /// </summary>
    public const string PlatformRead = "platform.read";

    /// <summary>A Polaris service, calling another over gRPC.</summary>
    public const string Internal = "polaris.internal";

    /// <summary>Scopes that an API key may have.</summary>
    public static readonly IReadOnlyList<string> OfApiKeys = [Ingest, Read, Admin];

    /// <summary>Whether the held scope includes the wanted one.</summary>
    public static bool Implies(ReadOnlySpan<char> held, string wanted) =>
        held switch
        {
            Admin => wanted is Billing or Read,
            Billing => wanted is Read,
            Platform => wanted is PlatformRead,
            _ => false,
        };

    /// <summary>Whether the scope is about the installation, so that its holder need not belong to an org.</summary>
    public static bool OfInstallation(string scope) => scope is Platform or PlatformRead;
}

/// <summary>Claims of an authenticated caller, independent of the scheme.</summary>
public static class PolarisClaims
{
    public const string Org = "org";
    public const string Role = "role";
    public const string Scope = "scope";
    public const string ApiKeyId = "api_key_id";
    public const string Backfill = "backfill";
    public const string Email = "email";

    /// <summary>The key of the customer that a token with <see cref="Scopes.Customer"/> is for.</summary>
    public const string Customer = "customer";

    /// <summary>
    /// What an access token was made from, in Identity's own words: a person's session or an API key. When that ends, the token does.
    /// </summary>
    public const string Origin = "origin";

    /// <summary>Start of the subject of a service's own token.</summary>
    public const string ServiceSubject = "service:";

    public static Guid? OrgId(this ClaimsPrincipal caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return Guid.TryParse(caller.FindFirstValue(Org), out var org) ? org : null;
    }

    public static Guid? UserId(this ClaimsPrincipal caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return caller.FindFirstValue(ApiKeyId) is null && Guid.TryParse(caller.FindFirstValue("sub"), out var user) ? user : null;
    }

    public static bool HasScope(this ClaimsPrincipal caller, string scope)
    {
        ArgumentNullException.ThrowIfNull(caller);
        foreach (var claim in caller.FindAll(Scope))
        {
            foreach (var range in claim.Value.AsSpan().Split(' '))
            {
                var held = claim.Value.AsSpan(range);
                if (held.SequenceEqual(scope) || Scopes.Implies(held, scope))
                    return true;
            }
        }

        return false;
    }

    public static IReadOnlyList<string> HeldScopes(this ClaimsPrincipal caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return [.. caller.FindAll(Scope).SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Distinct()];
    }
}
