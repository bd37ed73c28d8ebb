using System.Text.Json;
using GraphQL;
using GraphQL.DI;
using GraphQL.Execution;
using GraphQL.Federation;
using GraphQL.MicrosoftDI;
using GraphQL.Resolvers;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NodaTime;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// A service's subgraph: C# classes define the schema (GraphQL.NET's type-first style), published as Apollo Federation v2 SDL. Resolvers
/// are static methods; fields run serially because they share the request's DbContext.
/// </summary>
public static class GraphQLExtensions
{
    public static IServiceCollection AddSubgraph<TQuery, TMutation>(this IServiceCollection services)
        where TQuery : class
        where TMutation : class => AddSubgraph<TQuery>(services, schema => schema.WithMutation<TMutation>());

    /// <summary>With subscriptions, whose fields are resolved like those of a query: <see cref="AnswerChanges"/>.</summary>
    public static IServiceCollection AddSubgraph<TQuery, TMutation, TSubscription>(this IServiceCollection services)
        where TQuery : class
        where TMutation : class
        where TSubscription : class =>
        AddSubgraph<TQuery>(services, schema => schema.WithMutation<TMutation>().WithSubscription<TSubscription>());

    public static IServiceCollection AddSubgraph<TQuery>(this IServiceCollection services)
        where TQuery : class => AddSubgraph<TQuery>(services, _ => { });

    /// <summary>Maps the subgraph at <c>POST /graphql</c>. The route itself is anonymous: each root field declares its access.</summary>
    public static IEndpointConventionBuilder MapSubgraph(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/graphql", SubgraphRequest.AnswerAsync).AllowAnonymous().InternalOnly();

    /// <summary>The schema as federation SDL in a stable order, kept in the repository as a snapshot.</summary>
    public static string PrintSdl(this IServiceProvider services)
    {
        var schema = services.GetRequiredService<ISchema>();
        schema.Initialize();
        return schema.Print(
                new PrintOptions
                {
                    IncludeFederationTypes = false,
                    IncludeImportedDefinitions = false,
                    StringComparison = StringComparison.Ordinal,
                }
            ) + "\n";
    }

    private static IServiceCollection AddSubgraph<TQuery>(IServiceCollection services, Action<IConfigureAutoSchema> configure)
        where TQuery : class =>
        services
            .AddGraphQLBounds()
            .AddSingleton<DecimalScalar>()
            .AddSingleton<InstantScalar>()
            .AddSingleton<LongScalar>()
            .AddScoped<MutationAudit>()
            .AddHttpContextAccessor()
            .AddScoped<OrgAccess>()
            .AddScoped<InOrgs>()
            .AddScoped<Batches>()
            .AddSingleton<JsonScalar>()
            .AddSingleton<AnswerChanges>()
            .AddGraphQL(graph =>
                graph
                    .AddAutoSchema<TQuery>(configure)
                    .AddFederation("2.3")
                    .AddSystemTextJson()
                    .AddExecutionStrategy<SerialExecutionStrategy>(OperationType.Query)
                    .AddExecutionStrategy<SerialExecutionStrategy>(OperationType.Subscription)
                    .ConfigureSchema(
                        (schema, _) =>
                        {
                            schema.RegisterTypeMapping(typeof(decimal), typeof(DecimalScalar));
                            schema.RegisterTypeMapping(typeof(Instant), typeof(InstantScalar));
                            schema.RegisterTypeMapping(typeof(long), typeof(LongScalar));
                            schema.RegisterTypeMapping(typeof(JsonElement), typeof(JsonScalar));
                            // An entity need not be reachable from the root: the gateway asks for it by its key.
                            foreach (
                                var entity in typeof(TQuery).Assembly.GetTypes().Where(type => type.IsDefined(typeof(KeyAttribute), false))
                            )
                                schema.RegisterType(typeof(AutoRegisteringObjectGraphType<>).MakeGenericType(entity));
                            // Inside the guard, so that who may not call a field learns nothing of its arguments.
                            schema.RegisterVisitor(new NamedCursors());
                            schema.RegisterVisitor(new RootFieldGuard());
                            schema.RegisterVisitor(new DocumentationComments());
                        }
                    )
                    .ConfigureExecutionOptions(options =>
                        options.UnhandledExceptionDelegate = context =>
                        {
                            var logger = options.RequestServices!.GetRequiredService<ILoggerFactory>().CreateLogger("Polaris.GraphQL");
                            logger.LogError(context.OriginalException, "A GraphQL resolver failed.");
                            return Task.CompletedTask;
                        }
                    )
            );

    /// <summary>
    /// Wraps every root field to check its declared scope first; an undeclared field stops the service at startup. Refusals become coded
    /// errors, also in nested fields with arguments, which the root field's scope covers. A nested field with a scope of its own belongs to
    /// an <see cref="IInOrg"/>, and needs the scope in that org.
    /// </summary>
    private sealed class RootFieldGuard : BaseSchemaNodeVisitor
    {
        public override void VisitObjectFieldDefinition(FieldType field, IObjectGraphType type, ISchema schema)
        {
            if (field.Name.StartsWith('_'))
                return;
            var isRoot = type == schema.Query || type == schema.Mutation || type == schema.Subscription;
            if (isRoot && !field.HasMetadata(RequireScopeAttribute.MetadataKey))
                throw new InvalidOperationException($"{type.Name}.{field.Name} declares no scope: add [RequireScope] or [AllowAnyone].");
            var inOrg = !isRoot && field.HasMetadata(RequireScopeAttribute.MetadataKey);
            if (!isRoot && !inOrg && field.Arguments is not { Count: > 0 })
                return;
            // The library asks for it, and never calls it: AnswerChanges resolves the field.
            if (type == schema.Subscription)
                field.StreamResolver = new SourceStreamResolver<object>(
                    IObservable<object?> (_) => throw new NotSupportedException("AnswerChanges streams.")
                );
            var resolver = field.Resolver ?? throw new InvalidOperationException($"{type.Name}.{field.Name} has no resolver.");
            field.Resolver = new FuncFieldResolver<object?>(async context =>
            {
                try
                {
                    if (isRoot)
                        RequireScopeAttribute.Check(field, (HttpContext)context.UserContext[nameof(HttpContext)]!);
                    else if (inOrg)
                        ((IInOrg)context.Source!).Access.Require(field.GetMetadata<string>(RequireScopeAttribute.MetadataKey));
                    if (type == schema.Mutation)
                        return await AuditedAsync(context, resolver);
                    return await resolver.ResolveAsync(context);
                }
                catch (Exception exception) when (RefusalMapping.TryGetRefusal(exception, out var refusal))
                {
                    throw RefusalErrors.Of(refusal);
                }
            });
        }

        /// <summary>Mutations of a request run one after the other, so there is one at a time.</summary>
        private static async ValueTask<object?> AuditedAsync(IResolveFieldContext context, IFieldResolver resolver)
        {
            var audit = context.RequestServices!.GetRequiredService<MutationAudit>();
            audit.Begin(
                context.FieldDefinition.Name,
                context.User,
                (context.Arguments ?? new Dictionary<string, ArgumentValue>())
                    .Where(argument => argument.Value.Source != ArgumentSource.FieldDefault)
                    .Select(argument => KeyValuePair.Create(argument.Key, argument.Value.Value))
            );
            try
            {
                return await resolver.ResolveAsync(context);
            }
            finally
            {
                audit.End();
            }
        }
    }
}
