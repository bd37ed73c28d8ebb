using System.Security.Claims;
using NodaTime;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.ServiceDefaults.Audit;

/// <summary>
/// An entry of an org's log of what was done, written in the transaction that does it. A service with such a log has a table of its own,
/// which its migration makes append-only for every role but the owner.
/// </summary>
public sealed class AuditRow
{
    public Guid OrgId { get; set; }

    /// <summary>A version 7 UUID, so ids are in order of time.</summary>
    public Guid Id { get; set; }

    public Instant At { get; set; }

    /// <summary>A stable name, which people search for.</summary>
    public string Action { get; set; } = "";

    /// <summary>user, api_key or system.</summary>
    public string ActorKind { get; set; } = "";

    public string? ActorId { get; set; }

    /// <summary>The id or key of what was acted on.</summary>
    public string? Subject { get; set; }

    /// <summary>Details such as a role or the input. Never a secret.</summary>
    public string? Detail { get; set; }
}

/// <summary>Who acts.</summary>
public static class AuditActor
{
    public static (string Kind, string? Id) Of(ClaimsPrincipal? caller) =>
        caller?.FindFirstValue(PolarisClaims.ApiKeyId) is { } key ? ("api_key", key)
        : caller?.UserId() is { } user ? ("user", user.ToString())
        : ("system", null);
}
