using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Persistence;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using User = Polaris.Identity.V1.User;

namespace Polaris.Identity.Features;

/// <summary>Who is calling, for other services.</summary>
internal sealed class IdentityGrpcService(ValidateApiKey validate, OrgsDbContext db, EditMembers members, TenantScope tenant) : V1.Identity.IdentityBase
{
    private const int MaxKeys = 100;
    private const int MaxIds = 1_000;

    public override Task<ValidateApiKeyResponse> ValidateApiKey(ValidateApiKeyRequest request, ServerCallContext context) =>
        validate.ValidateAsync(request.ApiKey, context.CancellationToken);

    public override async Task<ValidateApiKeysResponse> ValidateApiKeys(ValidateApiKeysRequest request, ServerCallContext context)
    {
        CheckCount("api_keys", request.ApiKeys.Count, MaxKeys);
        var response = new ValidateApiKeysResponse();
        foreach (var key in request.ApiKeys) response.Verdicts.Add(await validate.ValidateAsync(key, context.CancellationToken));
        return response;
    }

    public override async Task<Org> GetOrg(GetOrgRequest request, ServerCallContext context)
    {
        tenant.EnterOrg(ParseId("org_id", request.OrgId));
        return ToOrg(await db.InTransactionAsync(token => db.Orgs.AsNoTracking().SingleOrDefaultAsync(token), context.CancellationToken) ?? throw new RefusedException(Refusal.NotFound("org")));
    }

    public override async Task<GetOrgsResponse> GetOrgs(GetOrgsRequest request, ServerCallContext context)
    {
        CheckCount("org_ids", request.OrgIds.Count, MaxIds);
        var ids = request.OrgIds.Select(id => ParseId("org_ids", id)).ToArray();
        tenant.EnterGate(Gate.GetOrgs);
        var rows = await db.InTransactionAsync(token => db.Orgs.AsNoTracking().Where(row => ids.Contains(row.OrgId)).OrderBy(row => row.OrgId).ToListAsync(token), context.CancellationToken);
        var response = new GetOrgsResponse();
        response.Orgs.AddRange(rows.Select(ToOrg));
        return response;
    }

    public override async Task<User> GetUser(GetUserRequest request, ServerCallContext context) =>
        (await UsersAsync(request.OrgId, [request.UserId], context.CancellationToken)).SingleOrDefault() ?? throw new RefusedException(Refusal.NotFound("member"));

    public override async Task<GetUsersResponse> GetUsers(GetUsersRequest request, ServerCallContext context)
    {
        CheckCount("user_ids", request.UserIds.Count, MaxIds);
        var response = new GetUsersResponse();
        response.Users.AddRange(await UsersAsync(request.OrgId, request.UserIds, context.CancellationToken));
        return response;
    }

    private async Task<IReadOnlyList<User>> UsersAsync(string orgId, IReadOnlyList<string> userIds, CancellationToken ct)
    {
        var ids = userIds.Select(id => ParseId("user_id", id)).ToArray();
        tenant.EnterOrg(ParseId("org_id", orgId));
        return [.. (await members.FindAsync(ids, ct)).Select(member => new User { Id = member.UserId.ToString(), Email = member.Email ?? "", Role = member.Role })];
    }

    private static Org ToOrg(OrgRow row) => new()
    {
        Id = row.OrgId.ToString(),
        Name = row.Name,
        Currency = row.Currency,
        TimeZone = row.TimeZone,
        CreatedAt = Timestamp.FromDateTime(row.CreatedAt.ToDateTimeUtc()),
    };

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id) && id != Guid.Empty ? id : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));

    private static void CheckCount(string field, int count, int most)
    {
        if (count is < 1 || count > most) throw new RefusedException(Refusal.Invalid(field, "out_of_range", $"'{field}' holds 1 to {most}."));
    }
}
