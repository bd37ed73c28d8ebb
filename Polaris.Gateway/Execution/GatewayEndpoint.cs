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
    AnswerSubscription subscriptions,
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

    public async Task HandleAsync(HttpContext context)
    {
        AskedSubscription? subscription = null;
        await requests.RunAsync(
            context,
            ct => callers.RunAsync(context, async () => subscription = await AnswerOrRefuseAsync(context, ct), ct)
        );
        // Beyond the deadline, and without a place among the caller's requests: it lasts.
        if (subscription is not null)
            await subscriptions.RunAsync(subscription, context);
    }

    public void Dispose() => documents.Dispose();

    private async Task<AskedSubscription?> AnswerOrRefuseAsync(HttpContext context, CancellationToken ct)
    {
        try
        {
            return await AnswerAsync(context, ct);
        }
        catch (RequestError error)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await WriteResultAsync(context, [error], ct);
            return null;
        }
    }

    /// <returns>A subscription, which is not answered yet.</returns>
    private async Task<AskedSubscription?> AnswerAsync(HttpContext context, CancellationToken ct)
    {
        if (registry.Current is not { } schema)
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(
                RefusalMapping.Problem(503, "schema_unavailable", "The services are still starting. Try again in a moment.")
            );
            return null;
        }

        var request = await requests.ReadOrNameAsync(context, ct);
        var hash = persisted.Find(request);
        if (hash is not null && request.Query is null)
        {
            await WriteErrorsAsync(context, [PersistedDocuments.NotFound()], ct);
            return null;
        }

        var (prepared, errors, cost) = await PrepareAsync(schema, request, context, ct);
        if (prepared is null)
        {
            if (errors is not null)
                await WriteErrorsAsync(context, errors, ct);
            return null;
        }

        var kind = prepared.Operation.Operation;
        if (HttpMethods.IsGet(context.Request.Method) && kind == OperationType.Mutation)
        {
            await GraphQLHttp.RefuseMethodAsync(context, "A mutation is sent by POST: GET is for queries and subscriptions.");
            return null;
        }

        if (kind != OperationType.Subscription && !GraphQLHttp.AcceptsJson(context))
            return null;
        if (kind == OperationType.Subscription && !EventStream.IsAccepted(context.Request))
            throw RequestError.NotStreamed();

        if (hash is not null)
            persisted.Keep(hash, request.Query!);

        Activity.Current?.SetTag("graphql.operation.type", kind.ToString().ToLowerInvariant());
        Activity.Current?.SetTag("graphql.operation.name", prepared.Operation.Name?.StringValue);
        var plan = PlanOf(prepared, schema, request);
        if (kind == OperationType.Subscription)
            return plan.Root.Visible.Count == 1
                ? new AskedSubscription(plan, schema, request, cost)
                : throw RequestError.Invalid(
                    "one_root_field",
                    "A subscription has one root field, which @skip and @include do not take away."
                );
        using var share = await callers.ShareAsync(context, cost, ct);
        using var tree = await fetches.RunAsync(plan, schema, request, context, ct);
        using var answer = new ByteBuffer(UsualAnswerBytes);
        ResponseWriter.Write(answer, tree);
        context.Response.ContentType = GraphQLHttp.ContentTypeOf(context.Request);
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer.Array.AsMemory(0, answer.Length), ct);
        return null;
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
        if (operation is null)
            return Refused("'operationName' must name an operation of the document.");
        if (operation.Operation == OperationType.Subscription && schema.Schema.Subscription is null)
            return Refused("Subscriptions are not supported.");
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
    /// an answer without data has not, nor has it where events were asked for.
    /// </summary>
    private Task WriteErrorsAsync(HttpContext context, ExecutionErrors errors, CancellationToken ct)
    {
        var isBad = GraphQLHttp.IsModern(context.Request) || EventStream.IsAccepted(context.Request);
        context.Response.StatusCode = isBad ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK;
        return WriteResultAsync(context, errors, ct);
    }

    private async Task WriteResultAsync(HttpContext context, ExecutionErrors errors, CancellationToken ct)
    {
        InputErrors.Explain(errors);
        context.Response.ContentType = GraphQLHttp.ContentTypeOf(context.Request);
        await serializer.WriteAsync(context.Response.Body, new ExecutionResult { Errors = errors }, ct);
    }
}
