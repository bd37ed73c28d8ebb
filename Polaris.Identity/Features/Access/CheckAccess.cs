using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Access;

/// <summary>Says whether what a token was made from still gives access, and to what.</summary>
internal sealed class CheckAccess(NpgsqlDataSource database, TimeProvider time) : IAccessSource
{
    public async Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct)
    {
        if (TokenOrigin.Parse(request.Origin) is not { } origin)
            return new CheckAccessResponse();
        Guid? org = Guid.TryParse(request.OrgId, out var named) ? named : null;
        await using var tx = await database.BeginOrgAsync(org ?? Guid.Empty, ct);
        if (await ReadAccess.OfAsync(tx, origin, org, time.GetCurrentInstant(), lockRows: false, ct) is not { } access)
            return new CheckAccessResponse();
        var response = new CheckAccessResponse
        {
            Valid = true,
            Role = access.Role ?? "",
            Platform = access.Platform,
        };
        response.Scopes.AddRange(access.Scopes);
        return response;
    }
}
