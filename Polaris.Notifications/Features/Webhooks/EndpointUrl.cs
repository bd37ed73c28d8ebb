using System.Net;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Notifications.Features.Webhooks;

/// <summary>What an endpoint's URL may be. Where its name leads is checked at each connection, not here.</summary>
internal sealed class EndpointUrl(IOptions<NotificationsOptions> options, GuardedConnections connections)
{
    public const int MaxLength = 2_048;

    /// <exception cref="RefusedException">It is none that Polaris sends to.</exception>
    public string Check(string url, string path)
    {
        if (url.Length is 0 or > MaxLength || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw Refused("invalid_url", $"'{Field(path)}' must be an absolute URL of at most {MaxLength} characters.");
        if (uri.Scheme != Uri.UriSchemeHttps && !(options.Value.AllowHttp && uri.Scheme == Uri.UriSchemeHttp))
            throw Refused("not_https", $"'{Field(path)}' must begin with https://.");
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
            throw Refused("invalid_url", $"'{Field(path)}' must have neither a user name, a password nor a fragment.");
        if (IPAddress.TryParse(uri.IdnHost, out var literal) && !connections.MayReach(literal))
            throw Refused("address_not_allowed", $"'{Field(path)}' leads to an address that is not public.");
        return uri.AbsoluteUri;

        RefusedException Refused(string code, string message) => new(Refusal.Invalid(path, code, message));
    }

    private static string Field(string path) => path[(path.LastIndexOf('.') + 1)..];
}
