using System.Security.Claims;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>What a caller may do. API keys list them; a user's role implies them; services carry <see cref="Internal"/>.</summary>
public static class Scopes
{
    /// <summary>May send events.</summary>
    public const string Ingest = "ingest";

    /// <summary>May run every query of its org.</summary>
    public const string Read = "read";

    /// <summary>May change customers, subscriptions and invoices; implies <see cref="Read"/>.</summary>
    public const string Billing = "billing";

    /// <summary>May change its org's set-up; implies <see cref="Billing"/>.</summary>
    public const string Admin = "admin";

    /// <summary>One customer of an org, named by <see cref="PolarisClaims.Customer"/>, looking at their own data. Implied by nothing, implies nothing.</summary>
    public const string Customer = "customer";

    /// <summary>An operator of the installation. Shows no org's data.</summary>
    public const string Platform = "platform";

    /// <summary>A Polaris service, calling another over gRPC.</summary>
    public const string Internal = "polaris.internal";

    /// <summary>What an API key may hold.</summary>
    public static readonly IReadOnlyList<string> OfApiKeys = [Ingest, Read, Admin];

    /// <summary>Whether who holds the one may do what the other allows.</summary>
    public static bool Implies(ReadOnlySpan<char> held, string wanted) => held is Admin ? wanted is Billing or Read : held is Billing && wanted is Read;
}

/// <summary>Claims of a verified caller, whatever scheme verified it.</summary>
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
                if (held.SequenceEqual(scope) || Scopes.Implies(held, scope)) return true;
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
