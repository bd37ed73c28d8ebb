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

/// <summary>docs/authorization.md says what the running services' metadata says.</summary>
public sealed class AccessTableTests(PolarisApp polaris)
{
    private static readonly (string Kind, string Title, string How)[] Parts =
    [
        (Surface.Http, "HTTP routes", "`RequireAuthorization` with the scope's policy, or `AllowAnonymous`, where the route is mapped; `/graphql` itself is open, its root fields are not. A route that declares neither stops the service at its start. What the gateway only passes on is open there and checked by the service behind it."),
        (Surface.GraphQL, "GraphQL root fields", "`[RequireScope]` or `[AllowAnyone]` on the field's method, `[RequireRole]` beside it where only people with a role may, no API key. A root field that declares neither stops the service at its start. Nested fields belong to the root field that leads to them."),
        (Surface.Grpc, "gRPC methods", "`MapPolarisGrpc` demands the scope `polaris.internal` of all methods of a service: other services have it, nobody else."),
    ];

    [Fact]
    public async Task The_table_in_docs_is_what_the_services_declare()
    {
        var surfaces = await ReadAsync(polaris);
        var (kept, fresh) = (Path.Combine(SourceText.Root, "docs/authorization.md"), Path.Combine(Path.GetTempPath(), "polaris-authorization.md"));
        var page = Page(surfaces);
        if (File.Exists(kept) && await File.ReadAllTextAsync(kept) == page) return;
        await File.WriteAllTextAsync(fresh, page);
        Assert.Fail($"docs/authorization.md is not current. Look at what changed, then: cp {fresh} docs/authorization.md");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_route_that_declares_nothing_ends_its_service_at_the_start(bool declared)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production", Args = ["--urls", "http://127.0.0.1:0"] });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("Polaris:PublicUrl", "http://localhost"), new("Polaris:DescribeAccessTo", "")]);
        builder.AddServiceDefaults("sample");
        await using var app = builder.Build();
        app.UsePolarisAuthentication();
        var route = app.MapGet("/sample", () => "");
        if (declared) route.RequireAuthorization(Scopes.Read);
        app.MapDefaultEndpoints();
        if (declared) await app.StartAsync();
        else Assert.Contains("/sample declares no scope", (await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync())).Message, StringComparison.Ordinal);
    }

    /// <summary>What every service of the platform wrote about itself when it started.</summary>
    internal static async Task<IReadOnlyList<Surface>> ReadAsync(PolarisApp polaris)
    {
        var surfaces = new List<Surface>();
        foreach (var service in (string[])["gateway", .. LeakPlatform.Services])
        {
            var file = Path.Combine(polaris.State, "access", $"{service}.json");
            await polaris.UntilAsync($"{service} telling whom it admits", () => Task.FromResult(File.Exists(file)));
            surfaces.AddRange(JsonSerializer.Deserialize<Surface[]>(await File.ReadAllTextAsync(file))!);
        }

        return surfaces;
    }

    private static string Page(IReadOnlyList<Surface> surfaces)
    {
        var page = new StringBuilder("""
            # Who may do what

            Generated from the metadata of running services by `AccessTableTests`, which fails when it is not current.

            A caller sends `Authorization: Bearer` with an API key or an access token. The verified token says for which org, and with which scopes:

            | scope | may | held by |
            | --- | --- | --- |
            | `ingest` | send events | API keys |
            | `read` | run every query of the org | API keys, every member |
            | `billing` | change customers, subscriptions and invoices; holds `read` | members with role billing |
            | `admin` | change the org's set-up; holds `billing` | API keys, members with role admin or owner |
            | `customer` | see one customer's own portal, nothing else | tokens that an org makes for its customers |
            | `platform` | operate the installation; shows no org's data | platform admins |
            | `polaris.internal` | call services over gRPC | the services |

            Without a token that holds, the answer is 401 or `UNAUTHENTICATED`; without the scope, 403 or `FORBIDDEN`. What belongs to another org answers like
            what does not exist. The queries name the caller's org, and row-level security asks for it again ([why](adr/0007-tenancy.md)). The leak suite
            (`Polaris.Tests/Tenancy/Leak*`) attacks every line of these tables.


            """.ReplaceLineEndings("\n"));
        foreach (var (kind, title, how) in Parts)
        {
            page.Append($"## {title}\n\n{how}\n\n| service | surface | who may |\n| --- | --- | --- |\n");
            foreach (var surface in surfaces.Where(one => one.Kind == kind))
                page.Append($"| {surface.Service} | `{surface.Name}` | {(surface.Admits == Surface.Anyone ? Surface.Anyone : $"`{surface.Admits}`")}{(surface.Roles is { } roles ? $", as {roles}" : "")} |\n");
            page.Append('\n');
        }

        page.Append("## Gates\n\nOnly these transactions see several orgs. Each entry is counted in `polaris.tenancy.gate` and logged.\n\n| gate | why |\n| --- | --- |\n");
        foreach (var gate in Gate.All) page.Append($"| `{gate.Name}` | {gate.Why} |\n");
        return page.ToString();
    }
}
