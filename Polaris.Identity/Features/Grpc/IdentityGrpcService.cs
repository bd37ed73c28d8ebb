using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.RateLimits;
using Polaris.Identity.Persistence;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using User = Polaris.Identity.V1.User;

namespace Polaris.Identity.Features.Grpc;

/// <summary>Looks up API keys, orgs and users for other services.</summary>
internal sealed class IdentityGrpcService(
    ValidateApiKey validate,
    CheckAccess access,
    OrgsDbContext db,
    EditMembers members,
    OrgBudgets budgets,
    OutgoingMail mail,
    TenantScope tenant
) : V1.Identity.IdentityBase
{
    private const int MaxKeys = 100;
    private const int MaxIds = 1_000;

    public override async Task<ValidateApiKeyResponse> ValidateApiKey(ValidateApiKeyRequest request, ServerCallContext context)
    {
        var response = await validate.ValidateAsync(request.ApiKey, context.CancellationToken);
        if (Guid.TryParse(response.OrgId, out var org))
            Activity.Current.SetOrgs(org);
        return response;
    }

    public override async Task<ValidateApiKeysResponse> ValidateApiKeys(ValidateApiKeysRequest request, ServerCallContext context)
    {
        CheckCount("api_keys", request.ApiKeys.Count, MaxKeys);
        var response = new ValidateApiKeysResponse();
        foreach (var key in request.ApiKeys)
            response.Verdicts.Add(await validate.ValidateAsync(key, context.CancellationToken));
        return response;
    }

    public override Task<CheckAccessResponse> CheckAccess(CheckAccessRequest request, ServerCallContext context) =>
        access.CheckAsync(request, context.CancellationToken);

    public override Task<CheckMembershipsResponse> CheckMemberships(CheckMembershipsRequest request, ServerCallContext context)
    {
        CheckCount("org_ids", request.OrgIds.Count, OrgAccess.MaxOrgs);
        return access.CheckAsync(request, context.CancellationToken);
    }

    public override async Task<Org> GetOrg(GetOrgRequest request, ServerCallContext context)
    {
        tenant.EnterOrg(ParseId("org_id", request.OrgId));
        return ToOrg(
            await db.InTransactionAsync(token => db.Orgs.AsNoTracking().SingleOrDefaultAsync(token), context.CancellationToken)
                ?? throw new RefusedException(Refusal.NotFound("org"))
        );
    }

    public override async Task<GetUnsentMailResponse> GetUnsentMail(GetUnsentMailRequest request, ServerCallContext context)
    {
        var response = new GetUnsentMailResponse();
        response.Mails.AddRange(
            (await mail.ReadAsync(context.CancellationToken)).Select(one => new UnsentMail
            {
                OrgId = one.Org == Guid.Empty ? "" : one.Org.ToString(),
                Id = one.Id.ToString(),
                Kind = one.Kind,
                Recipient = one.Recipient,
                Token = one.Token,
                Role = one.Role,
            })
        );
        return response;
    }

    public override async Task<ForgetMailResponse> ForgetMail(ForgetMailRequest request, ServerCallContext context)
    {
        CheckCount("mails", request.Mails.Count, OutgoingMail.PageSize);
        await mail.ForgetAsync(
            [.. request.Mails.Select(one => (one.OrgId.Length == 0 ? Guid.Empty : ParseId("org_id", one.OrgId), ParseId("id", one.Id)))],
            context.CancellationToken
        );
        return new ForgetMailResponse();
    }

    public override async Task<LeaseRateResponse> LeaseRate(LeaseRateRequest request, ServerCallContext context)
    {
        var lease = await budgets.LeaseAsync(ParseId("org_id", request.OrgId), request.Budget, request.Wanted, context.CancellationToken);
        return new LeaseRateResponse
        {
            Granted = lease.Granted,
            PerSecond = lease.PerSecond,
            Remaining = lease.Remaining,
        };
    }

    public override async Task<GetOrgsResponse> GetOrgs(GetOrgsRequest request, ServerCallContext context)
    {
        CheckCount("org_ids", request.OrgIds.Count, MaxIds);
        var ids = request.OrgIds.Select(id => ParseId("org_ids", id)).ToArray();
        tenant.EnterCrossOrg(CrossOrgScope.GetOrgs);
        var rows = await db.InTransactionAsync(
            token => db.Orgs.AsNoTracking().Where(row => ids.Contains(row.OrgId)).OrderBy(row => row.OrgId).ToListAsync(token),
            context.CancellationToken
        );
        var response = new GetOrgsResponse();
        response.Orgs.AddRange(rows.Select(ToOrg));
        return response;
    }

    public override async Task<User> GetUser(GetUserRequest request, ServerCallContext context) =>
        (await UsersAsync(request.OrgId, [request.UserId], context.CancellationToken)).SingleOrDefault()
        ?? throw new RefusedException(Refusal.NotFound("member"));

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
        return
        [
            .. (await members.FindAsync(ids, ct)).Select(member => new User
            {
                Id = member.UserId.ToString(),
                Email = member.Email ?? "",
                Role = member.Role,
            }),
        ];
    }

    private static Org ToOrg(OrgRow row)
    {
        var org = new Org
        {
            Id = row.OrgId.ToString(),
            Name = row.Name,
            Currency = row.Currency,
            TimeZone = row.TimeZone,
            Sandbox = row.Sandbox,
            CreatedAt = Timestamp.FromDateTime(row.CreatedAt.ToDateTimeUtc()),
        };
        org.EmbedOrigins.AddRange(row.EmbedOrigins);
        return org;
    }

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id) && id != Guid.Empty
            ? id
            : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));

    private static void CheckCount(string field, int count, int most)
    {
        if (count is < 1 || count > most)
            throw new RefusedException(Refusal.Invalid(field, "out_of_range", $"'{field}' must have 1 to {most} entries."));
    }
}
