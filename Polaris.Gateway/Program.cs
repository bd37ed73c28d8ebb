using Polaris.Gateway.Composition;
using Polaris.Gateway.Embedding;
using Polaris.Gateway.Execution;
using Polaris.Gateway.Http;
using Polaris.Gateway.Operating;
using Polaris.Gateway.Proxy;
using Polaris.Gateway.Session;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.RateLimiting;

if (args is ["schema", var folder, var output])
{
    SupergraphVerb.Write(folder, output);
    return 0;
}

if (args is ["breaking", var before, var after, var accepted])
    return BreakingChanges.Report(before, after, accepted);

if (args is ["compose", .. var rest])
{
    await ComposeVerb.RunAsync(rest);
    return 0;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("gateway");
builder.AddPolarisProxy();
builder.AddDashboardSession();
builder.AddEmbedding();
builder.AddServiceHealth();
builder.Services.AddGraphQLGateway(SubgraphAddresses.Polaris);
builder.Services.AddOrgRateLimiter(RateBudgets.Requests).AddOrgRateLimiter(RateBudgets.Cost);

var app = builder.Build();
app.UseKnownHosts();
app.UseBrowserHeaders();
app.UseEmbedding();
app.UseGraphQLPaths();
app.UseGraphiQL();

// ASP.NET Core adds authentication to every route when a scheme is registered. Proxied requests would be authenticated twice; this opts
// out.
((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
app.UsePolarisAuthentication(
    onlyAt: ["/graphql", SessionEndpoints.Path, ServiceHealth.Path],
    beforeIt: requests => requests.UseDashboardSession()
);

app.MapGraphQL();
app.MapReference();
app.MapDashboardSession();
app.MapServiceHealth();
app.MapDefaultEndpoints();
app.MapPolarisProxy();
await app.RunAsync();
return 0;
