using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Persistence;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features;

/// <summary>Who is calling, for other services.</summary>
internal sealed class IdentityGrpcService(ValidateApiKey validate, OrgsDbContext db, TenantScope tenant) : V1.Identity.IdentityBase
{
    public override Task<ValidateApiKeyResponse> ValidateApiKey(ValidateApiKeyRequest request, ServerCallContext context) =>
        validate.ValidateAsync(request.ApiKey, context.CancellationToken);

    public override async Task<Org> GetOrg(GetOrgRequest request, ServerCallContext context)
    {
        if (!Guid.TryParse(request.OrgId, out var id)) throw new RefusedException(Refusal.Invalid("org_id", "invalid_id", "'org_id' must be a UUID."));
        tenant.EnterOrg(id);
        var row = await db.InTransactionAsync(token => db.Orgs.SingleOrDefaultAsync(token), context.CancellationToken) ?? throw new RefusedException(Refusal.NotFound("org"));
        return new Org
        {
            Id = row.OrgId.ToString(),
            Name = row.Name,
            Currency = row.Currency,
            TimeZone = row.TimeZone,
            CreatedAt = Timestamp.FromDateTime(row.CreatedAt.ToDateTimeUtc()),
        };
    }
}
