using GraphQL;
using GraphQL.SystemTextJson;
using GraphQL.Validation;
using Polaris.Gateway.Composition;
using Polaris.Gateway.Execution;
using Polaris.Gateway.Proxy;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

if (args is ["schema", var folder])
{
    var subgraphs = Directory.EnumerateFiles(folder, "*.graphql").Where(file => Path.GetFileName(file) != "schema.graphql")
        .Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)));
    Console.Out.Write(Composer.Compose(subgraphs).Text);
    return;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("gateway");
builder.AddPolarisProxy();
builder.Services.AddHttpClient(ComposeSubgraphs.HttpClientName);
builder.Services.AddSingleton<IGraphQLTextSerializer>(new GraphQLSerializer());
builder.Services.AddSingleton<IDocumentValidator>(new DocumentValidator());
builder.Services.AddSingleton<SchemaRegistry>().AddSingleton<FetchExecutor>().AddSingleton<GatewayEndpoint>();
builder.Services.AddHostedService<ComposeSubgraphs>();
builder.Services.AddHealthChecks().AddCheck<SchemaRegistry>("schema");

var app = builder.Build();
// Said or not, the framework puts authentication in front of everything when a scheme is registered. What is passed on would pay for it twice.
((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true;
app.UsePolarisAuthentication(onlyAt: "/graphql");
// A token that is there but does not hold is refused at once; without one, each field decides.
app.MapPost("/graphql", (HttpContext context, GatewayEndpoint graphql) =>
    context.Request.Headers.Authorization.Count > 0 && context.User.Identity?.IsAuthenticated != true
        ? Microsoft.AspNetCore.Authentication.AuthenticationHttpContextExtensions.ChallengeAsync(context)
        : graphql.HandleAsync(context)).AllowAnonymous();
app.MapGet("/graphql", () => Results.Problem(RefusalMapping.Problem(405, "use_post", "Send GraphQL as POST with a JSON body: { \"query\": \"…\" }."))).AllowAnonymous();
app.MapDefaultEndpoints();
app.MapReverseProxy(proxy => proxy.Use(async (context, next) =>
{
    await next(context);
    // Nothing was sent to the client yet when the service behind could not be reached.
    if (context.Features.Get<Yarp.ReverseProxy.Forwarder.IForwarderErrorFeature>() is null || context.Response.HasStarted) return;
    context.Response.Headers.RetryAfter = "1";
    await context.WriteProblemAsync(RefusalMapping.Problem(503, "service_unavailable", "The service behind this address cannot be reached at the moment. Try again."));
}));
await app.RunAsync();
