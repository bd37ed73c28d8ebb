using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>docs/authorization.md matches the running services' metadata.</summary>
public sealed class AccessTableTests(PolarisApp polaris) : PlatformTests
{
    private static readonly (string Kind, string Title, string How)[] Parts =
    [
        (
            Surface.Http,
            "HTTP routes",
            "`RequireAuthorization` with the scope's policy, or `AllowAnonymous`, where the route is mapped; `/graphql` itself is "
                + "anonymous, its root fields are not. A route that declares neither stops the service at startup. Routes that the "
                + "gateway only proxies are anonymous there and checked by the service behind it."
        ),
        (
            Surface.GraphQL,
            "GraphQL root fields",
            "`[RequireScope]` or `[AllowAnyone]` on the field's method, and `[RequireRole]` where only members with a role may call "
                + "it, not API keys. A root field that declares neither stops the service at startup. Nested fields are covered by "
                + "their root field."
        ),
        (
            Surface.Grpc,
            "gRPC methods",
            "`MapPolarisGrpc` requires the scope `polaris.internal` for all methods of a service: only Polaris services have it."
        ),
    ];

    [Fact]
    public async Task The_table_in_docs_is_what_the_services_declare()
    {
        var surfaces = await ReadAsync(polaris);
        var (kept, fresh) = (
            Path.Combine(SourceText.Root, "docs/authorization.md"),
            Path.Combine(Path.GetTempPath(), "polaris-authorization.md")
        );
        var page = Page(surfaces);
        if (File.Exists(kept) && await File.ReadAllTextAsync(kept) == page)
            return;
        await File.WriteAllTextAsync(fresh, page);
        Assert.Fail($"docs/authorization.md is out of date. Review the change, then: cp {fresh} docs/authorization.md");
    }

    /// <summary>The access that every service of the platform wrote at startup.</summary>
    internal static async Task<IReadOnlyList<Surface>> ReadAsync(PolarisApp polaris)
    {
        var surfaces = new List<Surface>();
        foreach (var service in (string[])["gateway", .. LeakPlatform.Services])
        {
            var file = Path.Combine(polaris.State, "access", $"{service}.json");
            await polaris.UntilAsync($"{service} writing its access", () => Task.FromResult(File.Exists(file)));
            surfaces.AddRange(JsonSerializer.Deserialize<Surface[]>(await File.ReadAllTextAsync(file))!);
        }

        return surfaces;
    }

    private static string Page(IReadOnlyList<Surface> surfaces)
    {
        var page = new StringBuilder(
            """
            # Who may do what

            Generated from the metadata of running services by `AccessTableTests`, which fails when it is not current.

            A caller sends `Authorization: Bearer` with an API key or an access token. The verified token has the org and the scopes:

            | scope | may | held by |
            | --- | --- | --- |
            | `ingest` | send events | API keys |
            | `read` | run every query of the org | API keys, every member |
            | `billing` | change customers, subscriptions and invoices; includes `read` | members with role billing |
            | `admin` | change the org's configuration; includes `billing` | API keys, members with role admin or owner |
            | `customer` | see one customer's own portal, nothing else | tokens that an org makes for its customers |
            | `platform` | operate the installation, includes `platform.read`; shows no org's data | platform admins |
            | `platform.read` | see the orgs and the installation's figures; shows no org's data | platform admins, also in the dashboard |
            | `polaris.internal` | call services over gRPC | the services |

            Without a valid token the answer is 401 or `UNAUTHENTICATED`; without the scope, 403 or `FORBIDDEN`. Another org's data is
            answered like data that does not exist: queries filter by the caller's org, and row-level security enforces it again
            ([why](adr/0007-tenancy.md)). The tenant isolation tests (`Polaris.Tests/Tenancy/Leak*`) attack every line of these tables.

            """.ReplaceLineEndings("\n")
        );
        foreach (var (kind, title, how) in Parts)
        {
            page.Append($"## {title}\n\n{how}\n\n| service | surface | who may |\n| --- | --- | --- |\n");
            foreach (var surface in surfaces.Where(one => one.Kind == kind))
                page.Append(
                    $"| {surface.Service} | `{surface.Name}` | "
                        + $"{(surface.Allows == Surface.Anyone ? Surface.Anyone : $"`{surface.Allows}`")}"
                        + $"{(surface.Roles is { } roles ? $", as {roles}" : "")} |\n"
                );
            page.Append('\n');
        }

        page.Append(
            "## Cross-org access\n\nOnly these transactions see several orgs. "
                + "Each is counted in `polaris.tenancy.cross_org` and logged.\n\n"
                + "| name | why |\n| --- | --- |\n"
        );
        foreach (var scope in CrossOrgScope.All)
            page.Append($"| `{scope.Name}` | {scope.Why} |\n");
        return page.ToString();
    }
}
