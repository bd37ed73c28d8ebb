using System.Net.Mime;
using GraphQL;
using GraphQL.DI;
using GraphQL.Execution;
using GraphQL.Federation;
using GraphQL.MicrosoftDI;
using GraphQL.Resolvers;
using GraphQL.Transport;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NodaTime;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// A service's subgraph: C# classes become the schema (GraphQL.NET's type-first style), published as Apollo Federation v2 SDL.
/// Resolvers are static methods; fields run one after another, because they share the request's DbContext.
/// </summary>
public static class GraphQLExtensions
{
    /// <summary>A request's body may have at most this many bytes.</summary>
    public const int MaxRequestBytes = 1024 * 1024;

    /// <summary>How deep a query may nest.</summary>
    public const int MaxDepth = 15;

    public static IServiceCollection AddSubgraph<TQuery, TMutation>(this IServiceCollection services)
        where TQuery : class
        where TMutation : class =>
        AddSubgraph<TQuery>(services, schema => schema.WithMutation<TMutation>());

    public static IServiceCollection AddSubgraph<TQuery>(this IServiceCollection services)
        where TQuery : class =>
        AddSubgraph<TQuery>(services, _ => { });

    /// <summary>Serves the subgraph at <c>POST /graphql</c>. Anonymous at the door: each root field declares whom it admits.</summary>
    public static IEndpointConventionBuilder MapSubgraph(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/graphql", ExecuteAsync).AllowAnonymous();

    /// <summary>The schema as federation SDL, in a stable order; what the repository keeps as a snapshot.</summary>
    public static string PrintSdl(this IServiceProvider services)
    {
        var schema = services.GetRequiredService<ISchema>();
        schema.Initialize();
        return schema.Print(new PrintOptions { IncludeFederationTypes = false, IncludeImportedDefinitions = false, StringComparison = StringComparison.Ordinal }) + "\n";
    }

    private static IServiceCollection AddSubgraph<TQuery>(IServiceCollection services, Action<IConfigureAutoSchema> configure)
        where TQuery : class =>
        services.AddSingleton<DecimalScalar>().AddSingleton<InstantScalar>().AddGraphQL(graph => graph
            .AddAutoSchema<TQuery>(configure)
            .AddFederation("2.3")
            .AddSystemTextJson()
            .AddComplexityAnalyzer(complexity => complexity.MaxDepth = MaxDepth)
            .AddExecutionStrategy<SerialExecutionStrategy>(OperationType.Query)
            .ConfigureSchema((schema, _) =>
            {
                schema.RegisterTypeMapping(typeof(decimal), typeof(DecimalScalar));
                schema.RegisterTypeMapping(typeof(Instant), typeof(InstantScalar));
                schema.RegisterVisitor(new RootFieldGuard());
            })
            .ConfigureExecutionOptions(options => options.UnhandledExceptionDelegate = context =>
            {
                var logger = options.RequestServices!.GetRequiredService<ILoggerFactory>().CreateLogger("Polaris.GraphQL");
                logger.LogError(context.OriginalException, "A resolver broke.");
                return Task.CompletedTask;
            }));

    private static async Task ExecuteAsync(HttpContext context, IDocumentExecuter<ISchema> executer, IGraphQLSerializer serializer)
    {
        var limit = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>();
        if (limit is { IsReadOnly: false }) limit.MaxRequestBodySize = MaxRequestBytes;
        GraphQLRequest? request;
        try
        {
            request = await serializer.ReadAsync<GraphQLRequest>(context.Request.Body, context.RequestAborted);
        }
        catch (System.Text.Json.JsonException exception)
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(400, "malformed_json", $"The body is not a GraphQL request in JSON: {exception.Message}"));
            return;
        }

        if (request?.Query is not { Length: > 0 })
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(400, "missing_query", "The body needs a field 'query' with a GraphQL document."));
            return;
        }

        var result = await executer.ExecuteAsync(new ExecutionOptions
        {
            Query = request.Query,
            OperationName = request.OperationName,
            Variables = request.Variables,
            Extensions = request.Extensions,
            RequestServices = context.RequestServices,
            User = context.User,
            UserContext = new Dictionary<string, object?> { [nameof(HttpContext)] = context },
            CancellationToken = context.RequestAborted,
        });
        context.Response.ContentType = MediaTypeNames.Application.Json;
        await serializer.WriteAsync(context.Response.Body, result, context.RequestAborted);
    }

    /// <summary>
    /// Wraps every root field: the scope it declares is checked first. No declaration, no start. Refusals become coded errors, also those of
    /// nested fields with arguments, whom the root field above them has let in.
    /// </summary>
    private sealed class RootFieldGuard : BaseSchemaNodeVisitor
    {
        public override void VisitObjectFieldDefinition(FieldType field, IObjectGraphType type, ISchema schema)
        {
            if (field.Name.StartsWith('_')) return;
            var isRoot = type == schema.Query || type == schema.Mutation;
            if (isRoot && !field.HasMetadata(RequireScopeAttribute.MetadataKey))
                throw new InvalidOperationException($"{type.Name}.{field.Name} declares no scope: add [RequireScope] or [AllowAnyone].");
            if (!isRoot && field.Arguments is not { Count: > 0 }) return;
            var resolver = field.Resolver ?? throw new InvalidOperationException($"{type.Name}.{field.Name} has no resolver.");
            field.Resolver = new FuncFieldResolver<object?>(async context =>
            {
                try
                {
                    if (isRoot) RequireScopeAttribute.Check(field, (HttpContext)context.UserContext[nameof(HttpContext)]!);
                    return await resolver.ResolveAsync(context);
                }
                catch (Exception exception) when (RefusalMapping.TryGetRefusal(exception, out var refusal))
                {
                    throw ToError(refusal);
                }
            });
        }

        private static ExecutionError ToError(Refusal refusal)
        {
            var error = new ExecutionError(refusal.Message) { Code = RefusalMapping.GraphQLCode(refusal.Kind) };
            error.AddExtension("rule", refusal.Code);
            if (refusal.Path is not null) error.AddExtension("path", refusal.Path);
            return error;
        }
    }
}
