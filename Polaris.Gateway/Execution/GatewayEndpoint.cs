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
    IOptions<GraphQLLimits> limits
) : IDisposable
{
    /// <summary>
    /// Characters of all cached documents and of what is sent for them; a tree takes some fifty bytes a character. The key is the query
    /// text; variables are not part of it.
    /// </summary>
    public const int CachedCharacters = 2_000_000;

    private const int MaxCachedQueryLength = 20_000;

    private readonly MemoryCache plans = new(new MemoryCacheOptions { SizeLimit = CachedCharacters });

    /// <param name="Plan">What is sent to whom.</param>
    /// <param name="Document">The parsed text.</param>
    /// <param name="Cost">Of an operation without variables.</param>
    private sealed record Planned(QueryPlan Plan, GraphQLDocument Document, long Cost);

    public Task HandleAsync(HttpContext context) =>
        requests.RunAsync(context, ct => callers.RunAsync(context, () => AnswerAsync(context, ct), ct));

    public void Dispose() => plans.Dispose();

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

        var request = await requests.ReadAsync(context, ct);
        var (planned, errors) = await PlanAsync(schema, request, context, ct);
        if (planned is null)
        {
            if (errors is not null)
                await WriteErrorsAsync(context, errors, ct);
            return;
        }

        var answers = await fetches.RunAsync(planned.Plan, schema, request, context, ct);
        context.Response.ContentType = "application/json; charset=utf-8";
        await ResponseWriter.WriteAsync(context.Response.BodyWriter, planned.Plan, answers, ct);
        foreach (var answer in answers)
            answer.Dispose();
    }

    /// <summary>The plan or the errors; neither when the org's budget is spent, which is answered.</summary>
    private async Task<(Planned? Planned, ExecutionErrors? Errors)> PlanAsync(
        PublicSchema schema,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        var key = (schema, request.Query, request.OperationName);
        if (plans.TryGetValue(key, out Planned? known) && !known!.Plan.Fetches.Any(fetch => fetch.Variables.Count > 0))
            return await costs.AdmitAsync(context, known.Cost) ? (known, null) : (null, null);
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
            return (null, null);

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
            return (null, [.. result.Errors.Take(limits.Value.MaxErrors)]);
        if (known is not null)
            return (known, null);
        var planned = new Planned(QueryPlan.Create(document, operation, schema), document, cost);
        if (request.Query!.Length <= MaxCachedQueryLength)
        {
            var size = request.Query.Length + planned.Plan.Fetches.Sum(fetch => fetch.Query.Length);
            plans.Set(key, planned, new MemoryCacheEntryOptions { Size = size, SlidingExpiration = TimeSpan.FromHours(1) });
        }

        return (planned, null);
    }

    private static (Planned?, ExecutionErrors?) Refused(string why) => (null, [new ExecutionError(why) { Code = "INVALID_OPERATION" }]);

    private async Task WriteErrorsAsync(HttpContext context, ExecutionErrors errors, CancellationToken ct)
    {
        var modern = context.Request.Headers.Accept.ToString().Contains("application/graphql-response+json", StringComparison.Ordinal);
        InputErrors.Explain(errors);
        context.Response.StatusCode = modern ? StatusCodes.Status400BadRequest : StatusCodes.Status200OK;
        context.Response.ContentType = modern ? "application/graphql-response+json; charset=utf-8" : "application/json; charset=utf-8";
        await serializer.WriteAsync(context.Response.Body, new ExecutionResult { Errors = errors }, ct);
    }
}
