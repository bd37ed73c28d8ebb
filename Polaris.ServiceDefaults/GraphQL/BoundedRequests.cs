using GraphQL;
using GraphQL.Transport;
using GraphQL.Types;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// The one door of <c>POST /graphql</c>, at the gateway and at every subgraph: reads, parses and measures a request within
/// <see cref="GraphQLLimits"/> before the library sees it, and ends it at its deadline or when the client leaves.
/// </summary>
public sealed class BoundedRequests(IGraphQLSerializer serializer, IOptions<GraphQLLimits> options)
{
    private readonly GraphQLLimits limits = options.Value;
    private readonly RequestReader reader = new(serializer, options.Value);

    public Task<GraphQLRequest> ReadAsync(HttpContext context, CancellationToken ct) =>
        reader.ReadAsync(context, mayNameDocument: false, ct);

    /// <summary>As <see cref="ReadAsync"/>, but the request may have the name of a document in its place, which the caller finds.</summary>
    public Task<GraphQLRequest> ReadOrNameAsync(HttpContext context, CancellationToken ct) =>
        reader.ReadAsync(context, mayNameDocument: true, ct);

    /// <exception cref="RequestError">The document is over a limit or not GraphQL.</exception>
    public GraphQLDocument Parse(GraphQLRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return DocumentBounds.Parse(request.Query!, limits);
    }

    /// <summary>The operation that the request names, or the only one; null if there is none such.</summary>
    public static GraphQLOperationDefinition? OperationOf(GraphQLDocument document, GraphQLRequest request)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(request);
        var operations = document.Definitions.OfType<GraphQLOperationDefinition>().ToArray();
        return request.OperationName is { Length: > 0 } name ? Array.Find(operations, candidate => candidate.Name?.StringValue == name)
            : operations is [var only] ? only
            : null;
    }

    /// <returns>The values that the operation asks for; without an operation none.</returns>
    /// <exception cref="RequestError">The operation asks for too much.</exception>
    public long CheckCost(GraphQLDocument document, GraphQLRequest request, ISchema schema) =>
        OperationOf(document, request) is { } operation ? DocumentCost.Check(document, operation, schema, request.Variables, limits) : 0;

    /// <summary>
    /// Answers with the result, or with errors and status 400 when the request was refused; without a result, the caller answers.
    /// </summary>
    public Task AnswerAsync(HttpContext context, Func<CancellationToken, Task<ExecutionResult?>> execute) =>
        RunAsync(
            context,
            async ct =>
            {
                if (await execute(ct) is { } result)
                    await WriteAsync(context, StatusCodes.Status200OK, Bound(result), ct);
            }
        );

    /// <summary>An answer as JSON.</summary>
    internal async Task<byte[]> SerializeAsync(ExecutionResult result, CancellationToken ct)
    {
        using var json = new MemoryStream();
        await serializer.WriteAsync(json, Bound(result), ct);
        return json.ToArray();
    }

    private ExecutionResult Bound(ExecutionResult result)
    {
        InputErrors.Explain(result.Errors);
        if (result.Errors?.Count > limits.MaxErrors)
            result.Errors = [.. result.Errors.Take(limits.MaxErrors)];
        return result;
    }

    /// <summary>Runs until the deadline or until the client leaves, and answers refusals.</summary>
    public async Task RunAsync(HttpContext context, Func<CancellationToken, Task> run)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(run);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(limits.Deadline);
        try
        {
            await run(deadline.Token);
        }
        catch (RequestError error)
        {
            await WriteErrorAsync(context, StatusCodes.Status400BadRequest, error);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            // Part of an answer cannot be completed by an error.
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Headers.RetryAfter = "1";
            await WriteErrorAsync(context, StatusCodes.Status503ServiceUnavailable, RequestError.Deadline(limits.Deadline));
        }
    }

    public Task WriteErrorAsync(HttpContext context, int status, ExecutionError error)
    {
        ArgumentNullException.ThrowIfNull(context);
        return WriteAsync(context, status, new ExecutionResult { Errors = [error] }, context.RequestAborted);
    }

    private async Task WriteAsync(HttpContext context, int status, ExecutionResult result, CancellationToken ct)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await serializer.WriteAsync(context.Response.Body, result, ct);
    }
}

public static class BoundedRequestsExtensions
{
    /// <summary>Adds <see cref="BoundedRequests"/> and its limits. The caller adds an <see cref="IGraphQLSerializer"/>.</summary>
    public static IServiceCollection AddGraphQLBounds(this IServiceCollection services)
    {
        services.AddOptions<GraphQLLimits>().BindConfiguration(GraphQLLimits.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton<BoundedRequests>();
    }
}
