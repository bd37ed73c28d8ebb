using System.Globalization;
using System.Security.Claims;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>
/// Verifies the caller of a request that lasts again, so that an end of access ends it as fast as it refuses a new request (docs/adr/0017).
/// </summary>
internal sealed class LastingAccess(AccessCache access, TimeProvider time)
{
    /// <summary>Makes the request's user what its caller may be now; nobody, with the reason, when the access has ended.</summary>
    /// <param name="context">The request.</param>
    /// <param name="caller">Whom it was verified to be from when it came.</param>
    /// <param name="ct">Cancels.</param>
    public async Task VerifyAgainAsync(HttpContext context, ClaimsPrincipal caller, CancellationToken ct)
    {
        if (caller.Identity?.IsAuthenticated != true)
            return;
        context.User = new ClaimsPrincipal(new ClaimsIdentity());
        try
        {
            if (!IsOver(caller) && await access.AdmitAsync(caller, ct) is { } admitted)
                context.User = admitted;
            else
                context.Items[PolarisAuthentication.EndedItem] = true;
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException)
        {
            context.Items[PolarisAuthentication.UnavailableItem] = true;
        }
    }

    /// <summary>By the time until which an access token is good. An API key has none: Identity knows when it ends.</summary>
    private bool IsOver(ClaimsPrincipal caller) =>
        long.TryParse(caller.FindFirstValue("exp"), CultureInfo.InvariantCulture, out var seconds)
        && time.GetUtcNow().ToUnixTimeSeconds() >= seconds;
}
