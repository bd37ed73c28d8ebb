using Polaris.Gateway.Embedding;
using Polaris.Gateway.Proxy;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Gateway.Http;

/// <summary>What the gateway tells browsers for everything it serves, and the names it answers to.</summary>
internal static class BrowserHeaders
{
    /// <summary>More host names, separated by commas, beside that of the public URL and this machine's.</summary>
    public const string HostsSetting = "Polaris:Hosts";

    private static readonly string[] ThisMachine = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Pages of Identity bring a policy of their own, stricter than the dashboard's; so do documents.</summary>
    private static readonly string[] WithOwnPolicy = ["/account", "/connect"];

    /// <summary>
    /// Scripts and styles only of our own origin, no frames around the pages, no guessing of types, no address of a page for other sites;
    /// and HTTPS from then on, once a request came by it.
    /// </summary>
    public static void UseBrowserHeaders(this WebApplication app)
    {
        HeaderPolicyCollection Common() =>
            new HeaderPolicyCollection()
                .AddContentTypeOptionsNoSniff()
                .AddFrameOptionsDeny()
                .AddReferrerPolicyNoReferrer()
                .AddCrossOriginOpenerPolicy(policy => policy.SameOrigin())
                .AddStrictTransportSecurityMaxAgeIncludeSubDomains();
        app.UseWhen(HasOwnPolicy, branch => branch.UseSecurityHeaders(Common()));
        app.UseWhen(Embedding.Embedding.IsFrame, branch => branch.Use(Embedding.Embedding.AllowFramesAsync));
        app.UseWhen(
            context => !HasOwnPolicy(context) && !IsScalar(context),
            branch => branch.UseSecurityHeaders(Common().AddContentSecurityPolicy(Ours))
        );
        app.UseWhen(
            IsScalar,
            branch =>
                branch.UseSecurityHeaders(
                    Common()
                        .AddContentSecurityPolicy(policy =>
                        {
                            Ours(policy);
                            // It starts by a script within the page, which has this answer's nonce, and writes its styles into it.
                            policy.AddScriptSrc().Self().WithNonce();
                            policy.AddStyleSrc().Self().UnsafeInline();
                        })
                )
        );

        static void Ours(CspBuilder policy)
        {
            policy.AddDefaultSrc().Self();
            policy.AddImgSrc().Self().Data();
            policy.AddObjectSrc().None();
            policy.AddBaseUri().None();
            policy.AddFormAction().Self();
            policy.AddFrameAncestors().None();
        }
    }

    /// <summary>
    /// Requests for a host that is not ours are refused: links and tokens are made for the host that a request names. The internal port is
    /// asked by address.
    /// </summary>
    public static void UseKnownHosts(this WebApplication app)
    {
        var publicPort = InternalEndpoints.PublicPortOf(app.Configuration);
        var publicHost = new Uri(PolarisAuthentication.Issuer(app.Configuration)).Host;
        var known = new HashSet<string>(
            [
                .. ThisMachine,
                publicHost,
                .. (app.Configuration[HostsSetting] ?? "").Split(
                    ',',
                    StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
                ),
            ],
            StringComparer.OrdinalIgnoreCase
        );
        app.Use(
            (context, next) =>
                known.Contains(context.Request.Host.Host) || context.Connection.LocalPort != publicPort
                    ? next(context)
                    : context.WriteProblemAsync(
                        RefusalMapping.Problem(
                            400,
                            "unknown_host",
                            $"This server does not answer to the name in 'Host'. Set {HostsSetting} if it should."
                        )
                    )
        );
    }

    private static bool IsScalar(HttpContext context) =>
        context.Request.Path.StartsWithSegments(ReferencePages.IngestPath, StringComparison.OrdinalIgnoreCase);

    private static bool HasOwnPolicy(HttpContext context) =>
        WithOwnPolicy.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase))
        || Documents.Includes(context.Request.Path);
}
