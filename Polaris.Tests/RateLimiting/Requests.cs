using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Tests.RateLimiting;

/// <summary>Requests of callers, for limits that ask for nothing else.</summary>
internal static class Requests
{
    /// <param name="org">A letter; null for a request without a token.</param>
    /// <param name="person">Of the org.</param>
    public static HttpContext Of(string? org, int person = 0)
    {
        var context = new DefaultHttpContext();
        if (org is not null)
        {
            var id = new Guid(org[0], 0, 0, new byte[8]).ToString();
            context.User = new ClaimsPrincipal(
                new ClaimsIdentity([new Claim(PolarisClaims.Org, id), new Claim("sub", $"{org}{person}")], "test")
            );
        }

        return context;
    }
}
