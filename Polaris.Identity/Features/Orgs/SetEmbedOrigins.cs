using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Orgs;

/// <summary>
/// The origins whose pages may frame the page of the org's customers, and read answers to a customer's token: the gateway tells browsers.
/// </summary>
internal sealed partial class SetEmbedOrigins(OrgsDbContext db, CallerAccess caller, AuditLog audit)
{
    public const int MaxOrigins = 20;

    public async Task<OrgRow> HandleAsync(IReadOnlyList<string> origins, CancellationToken ct)
    {
        if (origins.Count > MaxOrigins)
            throw new RefusedException(Refusal.Invalid("origins", "too_many", $"An org may have {MaxOrigins} origins."));
        string[] wanted = [.. origins.Select(Canonical).Distinct()];
        return await db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                var org = await db.Orgs.SingleAsync(token);
                org.EmbedOrigins = wanted;
                audit.Add(AuditActions.EmbedOriginsSet, org.OrgId, wanted.Length == 0 ? "none" : string.Join(' ', wanted));
                await db.SaveChangesAsync(token);
                return org;
            },
            ct
        );
    }

    /// <summary>
    /// As browsers write an origin. By HTTPS, but on the reader's own machine; one host and no pattern, since whoever may have a name below
    /// a host is not always the host's owner.
    /// </summary>
    internal static string Canonical(string origin)
    {
        if (
            origin.Length <= Limits.MaxTextLength
            && Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
            && uri is { UserInfo: "", PathAndQuery: "/", Fragment: "" }
            && !origin.EndsWith('?')
            && !origin.EndsWith('#')
        )
        {
            var host = uri.HostNameType == UriHostNameType.IPv6 ? uri.Host : uri.IdnHost;
            // It becomes part of a header: nothing in it may mean something there.
            if (Host().IsMatch(host))
                return $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}";
        }

        throw new RefusedException(
            Refusal.Invalid(
                "origins",
                "invalid_origin",
                "Each of 'origins' must be an origin such as https://app.example.com: https, a host, perhaps a port, and no path."
            )
        );
    }

    [GeneratedRegex(@"^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])\z")]
    private static partial Regex Host();
}
