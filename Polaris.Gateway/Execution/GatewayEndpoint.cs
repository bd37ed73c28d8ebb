using System.Text.Json;
using GraphQL;
using GraphQL.Transport;
using GraphQL.Types;
using GraphQL.Validation;
using GraphQLParser;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Caching.Memory;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Gateway.Execution;

/// <summary><c>POST /graphql</c>: validates against the public schema, asks the subgraphs, and writes one answer.</summary>
internal sealed class GatewayEndpoint(SchemaRegistry registry, FetchExecutor fetches, IGraphQLTextSerializer serializer, IDocumentValidator validator) : IDisposable
{
    /// <summary>Plans remembered; the key is the query's text, so variables do not matter.</summary>
    public const int CachedPlans = 1_000;

    private const int MaxCachedQueryLength = 20_000;

    private readonly MemoryCache plans = new(new MemoryCacheOptions { SizeLimit = CachedPlans });

    private sealed record Planned(QueryPlan Plan, GraphQLDocument Document);

    public async Task HandleAsync(HttpContext context)
    {
        if (registry.Current is not { } schema)
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(RefusalMapping.Problem(503, "schema_unavailable", "The services are still starting. Try again in a moment."));
            return;
        }

        if (await ReadAsync(context) is not { } request) return;
        var (planned, errors) = await PlanAsync(schema, request, context);
        if (planned is null)
        {
            await WriteErrorsAsync(context, errors!);
            return;
        }

        var introspection = planned.Plan.HasIntrospection ? await IntrospectAsync(schema, request, context) : null;
        var answers = await fetches.RunAsync(planned.Plan, request, context);
        context.Response.ContentType = "application/json; charset=utf-8";
        await ResponseWriter.WriteAsync(context.Response.BodyWriter, planned.Plan, answers, introspection, context.RequestAborted);
        foreach (var answer in answers) answer.Dispose();
        introspection?.Dispose();
    }

    public void Dispose() => plans.Dispose();

    private async Task<GraphQLRequest?> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = Polaris.ServiceDefaults.GraphQL.GraphQLExtensions.MaxRequestBytes;
        try
        {
            var request = await serializer.ReadAsync<GraphQLRequest>(context.Request.Body, context.RequestAborted);
            if (request?.Query is { Length: > 0 }) return request;
            await context.WriteProblemAsync(RefusalMapping.Problem(400, "missing_query", "The body needs a field 'query' with a GraphQL document."));
        }
        catch (JsonException exception)
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(400, "malformed_json", $"The body is not a GraphQL request in JSON: {exception.Message}"));
        }

        return null;
    }

    private async Task<(Planned? Planned, ExecutionErrors? Errors)> PlanAsync(PublicSchema schema, GraphQLRequest request, HttpContext context)
    {
        var key = (schema, request.Query, request.OperationName);
        if (plans.TryGetValue(key, out Planned? known) && !known!.Plan.Fetches.Any(fetch => fetch.Variables.Count > 0)) return (known, null);
        GraphQLDocument document;
        try
        {
            document = known?.Document ?? Parser.Parse(request.Query!, new ParserOptions { MaxDepth = 64 });
        }
        catch (GraphQLParser.Exceptions.GraphQLSyntaxErrorException exception)
        {
            return (null, [new ExecutionError(exception.Message) { Code = "SYNTAX_ERROR" }]);
        }
        catch (GraphQLParser.Exceptions.GraphQLMaxDepthExceededException)
        {
            return (null, [new ExecutionError("The document nests too deeply.") { Code = "SYNTAX_ERROR" }]);
        }

        var operations = document.Definitions.OfType<GraphQLOperationDefinition>().ToArray();
        var operation = request.OperationName is { Length: > 0 } name ? Array.Find(operations, one => one.Name?.StringValue == name) : operations is [var only] ? only : null;
        if (operation is null || operation.Operation == OperationType.Subscription)
            return (null, [new ExecutionError(operation is null ? "Name one operation of the document in 'operationName'." : "There are no subscriptions.") { Code = "INVALID_OPERATION" }]);
        if (operation.Operation == OperationType.Mutation && schema.Schema.Mutation is null) return (null, [new ExecutionError("There are no mutations.") { Code = "INVALID_OPERATION" }]);

        // Variables are checked each time, the rest once for each text.
        var result = await validator.ValidateAsync(new ValidationOptions
        {
            Schema = schema.Schema,
            Document = document,
            Operation = operation,
            Variables = request.Variables ?? Inputs.Empty,
            Extensions = Inputs.Empty,
            UserContext = new Dictionary<string, object?>(),
            RequestServices = context.RequestServices,
            User = context.User,
            CancellationToken = context.RequestAborted,
            Rules = known is null ? null : [],
        });
        if (!result.IsValid) return (null, [.. result.Errors]);
        if (known is not null) return (known, null);
        try
        {
            var planned = new Planned(QueryPlan.Create(document, operation, schema), document);
            if (request.Query!.Length <= MaxCachedQueryLength) plans.Set(key, planned, new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = TimeSpan.FromHours(1) });
            return (planned, null);
        }
        catch (PlanException exception)
        {
            return (null, [new ExecutionError(exception.Message) { Code = "TOO_COMPLEX" }]);
        }
    }

    /// <summary>The gateway's own answer to __schema and __type; other fields come back null and are not looked at.</summary>
    private async Task<JsonDocument> IntrospectAsync(PublicSchema schema, GraphQLRequest request, HttpContext context)
    {
        var executer = new DocumentExecuter();
        var result = await executer.ExecuteAsync(new ExecutionOptions
        {
            Schema = schema.Schema,
            Query = request.Query,
            OperationName = request.OperationName,
            Variables = request.Variables,
            RequestServices = context.RequestServices,
            CancellationToken = context.RequestAborted,
            ValidationRules = [],
        });
        return JsonDocument.Parse(serializer.Serialize(result));
    }

    private async Task WriteErrorsAsync(HttpContext context, ExecutionErrors errors)
    {
        var modern = context.Request.Headers.Accept.ToString().Contains("application/graphql-response+json", StringComparison.Ordinal);
        context.Response.StatusCode = modern ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK;
        context.Response.ContentType = modern ? "application/graphql-response+json; charset=utf-8" : "application/json; charset=utf-8";
        await serializer.WriteAsync(context.Response.Body, new ExecutionResult { Errors = errors }, context.RequestAborted);
    }
}
