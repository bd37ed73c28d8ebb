using Polaris.Gateway.Composition;
using Polaris.Gateway.Execution;
using Polaris.Gateway.Http;
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
    return;
}

if (args is ["compose", .. var rest])
{
    await ComposeVerb.RunAsync(rest);
    return;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("gateway");
builder.AddPolarisProxy();
builder.AddDashboardSession();
builder.Services.AddGraphQLGateway(SubgraphAddresses.Polaris);
builder.Services.AddOrgRateLimiter(RateBudgets.Requests).AddOrgRateLimiter(RateBudgets.Cost);

var app = builder.Build();
app.UseKnownHosts();
app.UseBrowserHeaders();

// ASP.NET Core adds authentication to every route when a scheme is registered. Proxied requests would be authenticated twice; this opts
// out.
((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
app.UsePolarisAuthentication(onlyAt: ["/graphql", SessionEndpoints.Path], beforeIt: requests => requests.UseDashboardSession());

// An invalid token is refused immediately; without a token, each field decides.
app.MapPost(
        "/graphql",
        (HttpContext context, GatewayEndpoint graphql) =>
            context.Request.Headers.Authorization.Count > 0 && context.User.Identity?.IsAuthenticated != true
                ? Microsoft.AspNetCore.Authentication.AuthenticationHttpContextExtensions.ChallengeAsync(context)
                : graphql.HandleAsync(context)
    )
    .AddEndpointFilter<LimitRequests>()
    .AllowAnonymous();
app.MapGet(
        "/graphql",
        () => Results.Problem(RefusalMapping.Problem(405, "use_post", "Send GraphQL as POST with a JSON body: { \"query\": \"…\" }."))
    )
    .AllowAnonymous();
app.MapDashboardSession();
app.MapDefaultEndpoints();
app.MapPolarisProxy();
await app.RunAsync();
