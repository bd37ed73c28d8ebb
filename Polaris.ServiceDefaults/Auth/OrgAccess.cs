using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>What the caller may do in an org now.</summary>
/// <param name="OrgId">An org that the caller is in.</param>
/// <param name="Role">The person's role there; null for an API key.</param>
/// <param name="Scopes">What the token and the role both give.</param>
public sealed record AccessInOrg(Guid OrgId, string? Role, IReadOnlyList<string> Scopes)
{
    /// <exception cref="RefusedException">It does not include the scope.</exception>
    public void Require(string scope)
    {
        if (!Holds(Scopes, scope))
            throw new RefusedException(
                new Refusal(RefusalKind.Forbidden, "missing_scope", $"In this org the caller does not hold the scope '{scope}'.")
            );
    }

    internal static bool Holds(IEnumerable<string> scopes, string wanted) =>
        scopes.Any(held => held == wanted || Auth.Scopes.Implies(held, wanted));
}

/// <summary>
/// The orgs of a request, from what was verified and never from input alone. The token's own org was verified with the token. A person's
/// other orgs are asked of Identity for each request, all at once: nothing is remembered beyond the request, so the end of a membership or
/// session ends it as fast as in the token's own org (docs/adr/0017, 0028). An org that the caller is not in is left out, like one that
/// does not exist.
/// </summary>
public sealed class OrgAccess(IHttpContextAccessor request, IAccessSource source)
{
    /// <summary>Orgs of a request; more than anyone is a member of.</summary>
    public const int MaxOrgs = 200;

    private readonly Dictionary<Guid, AccessInOrg?> known = [];

    /// <exception cref="RefusedException">Nobody is signed in, or the request names too many orgs.</exception>
    /// <exception cref="global::Grpc.Core.RpcException">Identity is unavailable and was needed.</exception>
    public async ValueTask<IReadOnlyDictionary<Guid, AccessInOrg>> OfAsync(IEnumerable<Guid> orgs, CancellationToken ct)
    {
        var context = request.HttpContext ?? throw new InvalidOperationException("There is no request to verify.");
        var caller = context.User;
        if (caller.Identity?.IsAuthenticated != true || caller.OrgId() is not { } own)
            throw new RefusedException(PolarisAuthentication.WhyNobody(context));
        Guid[] asked = [.. orgs.Distinct()];
        known.TryAdd(own, new AccessInOrg(own, caller.FindFirstValue(PolarisClaims.Role), caller.HeldScopes()));
        Guid[] others = [.. asked.Where(org => !known.ContainsKey(org))];
        if (others.Length > 0)
            await VerifyAsync(caller, others, ct);
        return asked.Select(org => known[org]).OfType<AccessInOrg>().ToDictionary(access => access.OrgId);
    }

    /// <summary>The access in one org, with a scope.</summary>
    /// <exception cref="RefusedException">The caller is not in the org, or does not hold the scope there.</exception>
    public async ValueTask<AccessInOrg> RequireAsync(Guid org, string scope, CancellationToken ct)
    {
        if (!(await OfAsync([org], ct)).TryGetValue(org, out var access))
            throw new RefusedException(Refusal.NotFound("org"));
        access.Require(scope);
        return access;
    }

    private async Task VerifyAsync(ClaimsPrincipal caller, Guid[] others, CancellationToken ct)
    {
        if (known.Count + others.Length > MaxOrgs)
            throw new RefusedException(Refusal.Invalid("orgId", "too_many_orgs", $"A request may name at most {MaxOrgs} orgs."));
        foreach (var org in others)
            known[org] = null;
        var held = caller.HeldScopes();
        // An API key, and what is made from it, has one org; so has a customer's token.
        if (caller.UserId() is null || held.Contains(Scopes.Customer) || caller.FindFirstValue(PolarisClaims.Origin) is not { } origin)
            return;
        var question = new CheckMembershipsRequest { Origin = origin };
        question.OrgIds.AddRange(others.Select(org => org.ToString()));
        CheckMembershipsResponse answer;
        try
        {
            answer = await source.CheckAsync(question, ct);
        }
        catch
        {
            // Unknown, not refused: a later field of the request may ask again.
            foreach (var org in others)
                known.Remove(org);
            throw;
        }

        foreach (var membership in answer.Memberships)
        {
            var org = Guid.Parse(membership.OrgId);
            string[] scopes = [.. membership.Scopes.Where(scope => AccessInOrg.Holds(held, scope))];
            known[org] = new AccessInOrg(org, membership.Role, scopes);
        }
    }
}
