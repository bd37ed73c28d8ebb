using System.Net;
using System.Text.Json;
using Polaris.Gateway.Execution;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.RateLimiting;

namespace Polaris.Gateway.Composition;

/// <summary>
/// <c>compose subgraphs.json --urls http://127.0.0.1:4000</c>: serves any composition at <c>/graphql</c>, through the code that serves
/// Polaris's, for benchmarks and comparisons with other routers. Without authentication, and so in Development and on loopback only.
/// The file has the addresses by name: <c>{ "identity": "http://127.0.0.1:4101/graphql" }</c>.
/// </summary>
internal static class ComposeVerb
{
    public static async Task RunAsync(string[] args)
    {
        if (args is not [var file, "--urls", var url] || !Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            await Console.Error.WriteLineAsync("compose SUBGRAPHS.json --urls http://127.0.0.1:PORT");
            Environment.ExitCode = 2;
            return;
        }

        var subgraphs = JsonSerializer.Deserialize<Dictionary<string, Uri>>(await File.ReadAllTextAsync(file))!;
        await using var app = Build(subgraphs, address);
        await app.RunAsync();
    }

    /// <exception cref="InvalidOperationException">Not in Development, or not on loopback.</exception>
    public static WebApplication Build(IReadOnlyDictionary<string, Uri> subgraphs, Uri address, string? environment = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        if (!builder.Environment.IsDevelopment())
            throw new InvalidOperationException("'compose' serves without authentication: it runs in Development only.");
        if (!IPAddress.TryParse(address.Host, out var ip) || !IPAddress.IsLoopback(ip))
            throw new InvalidOperationException("'compose' serves without authentication: its address must be 127.0.0.1.");
        builder.Configuration["URLS"] = address.ToString();
        // Never asked, since nobody has an org here.
        builder.Configuration["services:identity:grpc:0"] = "http://127.0.0.1:9";
        builder.AddServiceDefaults("compose");
        builder.Services.AddGraphQLGateway(new SubgraphAddresses(subgraphs));
        builder.Services.AddOrgRateLimiter(RateBudgets.Cost);
        var app = builder.Build();
        // ASP.NET Core adds both where a scheme is registered.
        ((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
        ((IApplicationBuilder)app).Properties["__AuthorizationMiddlewareSet"] = true;
        app.UseGraphQLPaths();
        app.MapGraphQLDoor();
        app.MapDefaultEndpoints();
        return app;
    }
}
