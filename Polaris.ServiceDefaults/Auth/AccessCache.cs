using System.Diagnostics;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>
/// Says whether what an access token was made from still gives access: over gRPC in most services, in the database in Identity itself.
/// </summary>
public interface IAccessSource
{
    Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct);

    /// <summary>The same for several orgs of a person; those in which they are no member are left out.</summary>
    Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct);
}

internal sealed class IdentityAccessSource(Identity.V1.Identity.IdentityClient identity) : IAccessSource
{
    public async Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct) =>
        await identity.CheckAccessAsync(request, deadline: null, cancellationToken: ct);

    public async Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct) =>
        await identity.CheckMembershipsAsync(request, deadline: null, cancellationToken: ct);
}

internal sealed record KnownAccess(CheckAccessResponse Verdict, DateTimeOffset At) : IVerdict
{
    public bool IsValid => Verdict.Valid;
}

/// <summary>
/// Verdicts on what access tokens were made from (<see cref="PolarisClaims.Origin"/>), by origin and org: many tokens of one session share
/// one (docs/adr/0017).
/// </summary>
internal sealed class AccessCache(IAccessSource source, TimeProvider time) : VerdictCache<CheckAccessRequest, KnownAccess>(time)
{
    protected override string SpanName => "check access";

    /// <summary>
    /// The caller of a verified token as of now: a person with the role that they have now and no scope that it does not imply. Null when
    /// the origin has ended.
    /// </summary>
    public async ValueTask<ClaimsPrincipal?> AdmitAsync(ClaimsPrincipal token, CancellationToken ct)
    {
        // A service's token is made from its own client secret, which only the installation changes.
        if (token.FindFirstValue("sub")?.StartsWith(PolarisClaims.ServiceSubject, StringComparison.Ordinal) == true)
            return token;
        if (token.FindFirstValue(PolarisClaims.Origin) is not { } origin)
            return null;
        var request = new CheckAccessRequest { Origin = origin, OrgId = token.FindFirstValue(PolarisClaims.Org) ?? "" };
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{request.Origin} {request.OrgId}")).AsSpan(0, 16));
        var verdict = (await FindAsync(id, request, ct)).Verdict;
        return verdict.Valid ? Narrow(token, verdict) : null;
    }

    protected override async Task<KnownAccess> AskAsync(CheckAccessRequest question, DateTimeOffset at, CancellationToken ct)
    {
        if (Guid.TryParse(question.OrgId, out var org))
            Activity.Current.SetOrgs(org);
        return new KnownAccess(await source.CheckAsync(question, ct), at);
    }

    private static ClaimsPrincipal? Narrow(ClaimsPrincipal token, CheckAccessResponse now)
    {
        var held = token.HeldScopes();
        // Whoever made a customer's token must still be allowed to make one.
        if (held.Contains(Scopes.Customer))
            return now.Scopes.Contains(Scopes.Admin) ? token : null;
        if (now.Role.Length == 0 && !held.Any(Scopes.OfInstallation))
            return token;
        var identity = new ClaimsIdentity(
            token.Claims.Where(claim => claim.Type is not (PolarisClaims.Role or PolarisClaims.Scope)),
            token.Identity?.AuthenticationType,
            "sub",
            PolarisClaims.Role
        );
        if (now.Role.Length > 0)
            identity.AddClaim(new Claim(PolarisClaims.Role, now.Role));
        identity.AddClaim(new Claim(PolarisClaims.Scope, string.Join(' ', held.Where(scope => Holds(scope, now)))));
        return new ClaimsPrincipal(identity);
    }

    private static bool Holds(string scope, CheckAccessResponse now) =>
        scope switch
        {
            Scopes.Platform or Scopes.PlatformRead => now.Platform,
            Scopes.Read or Scopes.Billing or Scopes.Admin => now.Scopes.Contains(scope),
            _ => true,
        };
}
