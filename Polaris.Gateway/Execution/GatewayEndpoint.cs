using System.Collections.Concurrent;
using System.Diagnostics;
using GraphQL;
using GraphQL.Transport;
using GraphQL.Validation;
using GraphQLParser.AST;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary><c>POST /graphql</c>: validates against the public schema, queries the subgraphs, and writes one response.</summary>
internal sealed class GatewayEndpoint(
    SchemaRegistry registry,
    FetchExecutor fetches,
    IGraphQLTextSerializer serializer,
    IDocumentValidator validator,
    BoundedRequests requests,
    CallerConcurrency callers,
    LimitCost costs,
    PersistedDocuments persisted,
    IOptions<GraphQLLimits> limits
) : IDisposable
{
    /// <summary>
    /// Characters of all cached documents and of what is sent for them; a tree takes some fifty bytes a character. The key is the query
    /// text; variables are not part of it.
    /// </summary>
    public const int CachedCharacters = 2_000_000;

    private const int MaxCachedQueryLength = 20_000;

    private const int UsualAnswerBytes = 16_384;

    private readonly MemoryCache documents = new(new MemoryCacheOptions { SizeLimit = CachedCharacters });

    /// <summary>Variants of a document's plan, by the values of its conditions. Further ones are planned each time.</summary>
    private const int MaxVariants = 16;

    /// <param name="Document">The parsed text, which is valid.</param>
    /// <param name="Operation">The one that was asked for.</param>
    /// <param name="Conditions">The variables of @skip and @include, whose values decide the plan.</param>
    /// <param name="Cost">Of an operation without variables.</param>
    private sealed record Prepared(
        GraphQLDocument Document,
        GraphQLOperationDefinition Operation,
        IReadOnlyList<string> Conditions,
        long Cost
    )
    {
        public ConcurrentDictionary<string, QueryPlan> Plans { get; } = new(StringComparer.Ordinal);

        public bool HasVariables => Operation.Variables is { Items.Count: > 0 };
    }

    public Task HandleAsync(HttpContext context) =>
        requests.RunAsync(context, ct => callers.RunAsync(context, () => AnswerOrRefuseAsync(context, ct), ct));

    public void Dispose() => documents.Dispose();

    private async Task AnswerOrRefuseAsync(HttpContext context, CancellationToken ct)
    {
        try
        {
            await AnswerAsync(context, ct);
        }
        catch (RequestError error)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await WriteResultAsync(context, [error], ct);
        }
    }

    private async Task AnswerAsync(HttpContext context, CancellationToken ct)
    {
        if (registry.Current is not { } schema)
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(
                RefusalMapping.Problem(503, "schema_unavailable", "The services are still starting. Try again in a moment.")
            );
            return;
        }

        var request = await requests.ReadOrNameAsync(context, ct);
        var hash = persisted.Find(request);
        if (hash is not null && request.Query is null)
        {
            await WriteErrorsAsync(context, [PersistedDocuments.NotFound()], ct);
            return;
        }

        var (prepared, errors, cost) = await PrepareAsync(schema, request, context, ct);
        if (prepared is null)
        {
            if (errors is not null)
                await WriteErrorsAsync(context, errors, ct);
            return;
        }

        if (HttpMethods.IsGet(context.Request.Method) && prepared.Operation.Operation != OperationType.Query)
        {
            await GraphQLHttp.RefuseMethodAsync(context, "A mutation is sent by POST: GET is for queries.");
            return;
        }

        if (hash is not null)
            persisted.Keep(hash, request.Query!);

        Activity.Current?.SetTag("graphql.operation.type", prepared.Operation.Operation.ToString().ToLowerInvariant());
        Activity.Current?.SetTag("graphql.operation.name", prepared.Operation.Name?.StringValue);
        using var share = await callers.ShareAsync(context, cost, ct);
        using var tree = await fetches.RunAsync(PlanOf(prepared, schema, request), schema, request, context, ct);
        using var answer = new ByteBuffer(UsualAnswerBytes);
        ResponseWriter.Write(answer, tree);
        context.Response.ContentType = GraphQLHttp.ContentTypeOf(context.Request);
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer.Array.AsMemory(0, answer.Length), ct);
    }

    /// <summary>The document, valid for these variables, or errors; neither when the org's budget is spent, which is answered.</summary>
    private async Task<(Prepared? Prepared, ExecutionErrors? Errors, long Cost)> PrepareAsync(
        PublicSchema schema,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        var key = (schema, request.Query, request.OperationName);
        if (documents.TryGetValue(key, out Prepared? known) && !known!.HasVariables)
            return await costs.AdmitAsync(context, known.Cost) ? (known, null, known.Cost) : default;
        var document = known?.Document ?? requests.Parse(request);
        var operation = BoundedRequests.OperationOf(document, request);
        if (operation is null || operation.Operation == OperationType.Subscription)
            return Refused(
                operation is null ? "'operationName' must name an operation of the document." : "Subscriptions are not supported."
            );
        if (operation.Operation == OperationType.Mutation && schema.Schema.Mutation is null)
            return Refused("Mutations are not supported.");
        var cost = requests.CheckCost(document, request, schema.Schema);
        if (!await costs.AdmitAsync(context, cost))
            return default;

        // Variables are validated on each request, everything else once per query text.
        var result = await validator.ValidateAsync(
            new ValidationOptions
            {
                Schema = schema.Schema,
                Document = document,
                Operation = operation,
                Variables = request.Variables ?? Inputs.Empty,
                Extensions = Inputs.Empty,
                UserContext = new Dictionary<string, object?>(),
                RequestServices = context.RequestServices,
                User = context.User,
                CancellationToken = ct,
                Rules = known is null ? null : [],
            }
        );
        if (!result.IsValid)
            return (null, [.. result.Errors.Take(limits.Value.MaxErrors)], cost);
        if (known is not null)
            return (known, null, cost);
        var prepared = new Prepared(document, operation, Selections.ConditionVariables(document), cost);
        if (request.Query!.Length <= MaxCachedQueryLength)
        {
            // What is sent is about as long as the text, in each of a few variants.
            var size = request.Query.Length * (prepared.Conditions.Count == 0 ? 2 : MaxVariants);
            documents.Set(key, prepared, new MemoryCacheEntryOptions { Size = size, SlidingExpiration = TimeSpan.FromHours(1) });
        }

        return (prepared, null, cost);
    }

    private static QueryPlan PlanOf(Prepared prepared, PublicSchema schema, GraphQLRequest request)
    {
        var values = string.Concat(prepared.Conditions.Select(name => IsTrue(name) ? '1' : '0'));
        if (prepared.Plans.TryGetValue(values, out var known))
            return known;
        var plan = Planner.Create(prepared.Document, prepared.Operation, schema.Supergraph, IsTrue);
        if (prepared.Plans.Count < MaxVariants)
            prepared.Plans.TryAdd(values, plan);
        return plan;

        bool IsTrue(string name) =>
            request.Variables is { } given && given.TryGetValue(name, out var value)
                ? value is true
                : prepared.Operation.Variables?.Items.Find(declared => declared.Variable.Name.Value == name)?.DefaultValue
                    is GraphQLTrueBooleanValue;
    }

    private static (Prepared?, ExecutionErrors?, long) Refused(string why) =>
        (null, [new ExecutionError(why) { Code = "INVALID_OPERATION" }], 0);

    /// <summary>
    /// Of a request that is well-formed, but cannot be executed. By the older media type every such answer has status 200, by the newer one
    /// an answer without data has not.
    /// </summary>
    private Task WriteErrorsAsync(HttpContext context, ExecutionErrors errors, CancellationToken ct)
    {
        context.Response.StatusCode = GraphQLHttp.IsModern(context.Request) ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK;
        return WriteResultAsync(context, errors, ct);
    }

    private async Task WriteResultAsync(HttpContext context, ExecutionErrors errors, CancellationToken ct)
    {
        InputErrors.Explain(errors);
        context.Response.ContentType = GraphQLHttp.ContentTypeOf(context.Request);
        await serializer.WriteAsync(context.Response.Body, new ExecutionResult { Errors = errors }, ct);
    }
}
