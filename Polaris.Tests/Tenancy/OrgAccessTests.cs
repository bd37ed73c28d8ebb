using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>What a caller may do in orgs other than that of the token.</summary>
public sealed class OrgAccessTests
{
    private static readonly Guid Own = Guid.CreateVersion7();
    private static readonly Guid Other = Guid.CreateVersion7();
    private readonly Members identity = new();

    [Fact]
    public async Task Scopes_are_those_of_the_role_in_that_org_and_of_the_token()
    {
        identity.Roles[Other] = ("viewer", ["read"]);
        var owner = Access(Person("admin"));
        (await owner.RequireAsync(Own, Scopes.Admin, default)).Require(Scopes.Read);
        await owner.RequireAsync(Other, Scopes.Read, default);
        await RefusedAsync("missing_scope", () => owner.RequireAsync(Other, Scopes.Billing, default));

        // A token for reading does not become one for more where its person is an owner.
        identity.Roles[Other] = ("owner", ["read", "billing", "admin"]);
        await RefusedAsync("missing_scope", () => Access(Person("read")).RequireAsync(Other, Scopes.Admin, default));
        await RefusedAsync("not_found", () => owner.RequireAsync(Guid.CreateVersion7(), Scopes.Read, default));
    }

    [Fact]
    public async Task Identity_is_asked_once_for_all_orgs_of_a_request_and_not_at_all_for_the_tokens_own()
    {
        identity.Roles[Other] = ("viewer", ["read"]);
        var access = Access(Person("read"));
        Assert.Equal([Own], (await access.OfAsync([Own], default)).Keys);
        Assert.Equal(0, identity.Asked);
        Guid[] strangers = [.. Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7())];
        Assert.Equal([Own, Other], (await access.OfAsync([Own, Other, .. strangers], default)).Keys.OrderBy(org => org != Own));
        await access.OfAsync([Other, .. strangers], default);
        Assert.Equal(1, identity.Asked);
        await RefusedAsync(
            "too_many_orgs",
            async () => await access.OfAsync(Enumerable.Range(0, OrgAccess.MaxOrgs).Select(_ => Guid.CreateVersion7()), default)
        );
    }

    [Fact]
    public async Task Keys_customers_tokens_and_tokens_without_an_origin_have_no_other_org()
    {
        identity.Roles[Other] = ("owner", ["read", "billing", "admin"]);
        foreach (
            var caller in new[]
            {
                Caller(
                    ("sub", Own.ToString()),
                    (PolarisClaims.ApiKeyId, Own.ToString()),
                    (PolarisClaims.Scope, "admin"),
                    (PolarisClaims.Origin, "key:1:2")
                ),
                Caller(("sub", Own.ToString()), (PolarisClaims.Scope, "customer"), (PolarisClaims.Origin, "session:1:2")),
                Caller(("sub", Own.ToString()), (PolarisClaims.Scope, "admin")),
            }
        )
            Assert.Equal([Own], (await Access(caller).OfAsync([Own, Other], default)).Keys);
        Assert.Equal(0, identity.Asked);
        await RefusedAsync("missing_credentials", async () => await Access(new ClaimsPrincipal()).OfAsync([Other], default));
    }

    private OrgAccess Access(ClaimsPrincipal caller) =>
        new(new Request { HttpContext = new DefaultHttpContext { User = caller } }, identity);

    private static ClaimsPrincipal Person(string scopes) =>
        Caller(("sub", Guid.CreateVersion7().ToString()), (PolarisClaims.Scope, scopes), (PolarisClaims.Origin, "session:1:2"));

    private static ClaimsPrincipal Caller(params (string Type, string Value)[] claims) =>
        new(
            new ClaimsIdentity(
                claims.Append((PolarisClaims.Org, Own.ToString())).Select(claim => new Claim(claim.Item1, claim.Item2)),
                "test",
                "sub",
                PolarisClaims.Role
            )
        );

    private static async Task RefusedAsync(string code, Func<ValueTask<AccessInOrg>> act) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RefusedException>(async () => await act())).Refusal.Code);

    private static async Task RefusedAsync(string code, Func<Task> act) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RefusedException>(act)).Refusal.Code);

    private sealed class Request : IHttpContextAccessor
    {
        public HttpContext? HttpContext { get; set; }
    }

    private sealed class Members : IAccessSource
    {
        public Dictionary<Guid, (string Role, string[] Scopes)> Roles { get; } = [];

        public int Asked { get; private set; }

        public Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct) => throw new NotSupportedException();

        public Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct)
        {
            Asked++;
            var response = new CheckMembershipsResponse();
            foreach (var id in request.OrgIds)
            {
                if (!Roles.TryGetValue(Guid.Parse(id), out var found))
                    continue;
                var membership = new CurrentMembership { OrgId = id, Role = found.Role };
                membership.Scopes.AddRange(found.Scopes);
                response.Memberships.Add(membership);
            }

            return Task.FromResult(response);
        }
    }
}
