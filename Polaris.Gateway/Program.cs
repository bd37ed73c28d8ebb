using GraphQL;
using GraphQL.SystemTextJson;
using GraphQL.Validation;
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

if (args is ["schema", var folder])
{
    var subgraphs = Directory
        .EnumerateFiles(folder, "*.graphql")
        .Where(file => Path.GetFileName(file) != "schema.graphql")
        .Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)));
    Console.Out.Write(Composer.Compose(subgraphs).Text);
    return;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("gateway");
builder.AddPolarisProxy();
builder.AddDashboardSession();
builder.Services.AddHttpClient(ComposeSubgraphs.HttpClientName);
var serializer = new GraphQLSerializer();
builder.Services.AddSingleton<IGraphQLTextSerializer>(serializer).AddSingleton<IGraphQLSerializer>(serializer);
builder.Services.AddGraphQLBounds().AddSingleton<CallerConcurrency>();
builder.Services.AddSingleton<IDocumentValidator>(new DocumentValidator());
builder.Services.AddSingleton<SchemaRegistry>().AddSingleton<FetchExecutor>().AddSingleton<GatewayEndpoint>();
builder.Services.AddPeriodicWorker<ComposeSubgraphs>();
builder.Services.AddOrgRateLimiter(RateBudgets.Requests).AddOrgRateLimiter(RateBudgets.Cost).AddSingleton<LimitCost>();
builder.Services.AddHealthChecks().AddCheck<SchemaRegistry>("schema");

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
