using System.Text.RegularExpressions;

namespace Polaris.Gateway.Proxy;

/// <summary>
/// Documents of invoices, which Billing serves: <c>/invoices/{id}.pdf</c>, and below <c>/portal</c>. The dashboard's page of an invoice has
/// the same address without an ending, so that only these names are Billing's.
/// </summary>
internal sealed partial class Documents : IRouteConstraint
{
    /// <summary>As a route's pattern names the constraint.</summary>
    public const string Constraint = "document";

    public static bool Includes(PathString path) => path.HasValue && WholePath().IsMatch(path.Value);

    public bool Match(
        HttpContext? httpContext,
        IRouter? route,
        string routeKey,
        RouteValueDictionary values,
        RouteDirection routeDirection
    ) => values[routeKey] is string name && Name().IsMatch(name);

    [GeneratedRegex(@"^[0-9a-fA-F-]{36}\.(html|pdf|csv)\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"^(/portal)?/invoices/[0-9a-fA-F-]{36}\.(html|pdf|csv)\z")]
    private static partial Regex WholePath();
}
