using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using GraphQL;
using GraphQL.Transport;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// Sends a plan's fetches with the caller's own credentials, which each subgraph verifies itself. Each is sent as soon as what it needs is
/// there. Introspection is answered from the public schema. All of them end with the request's deadline.
/// </summary>
internal sealed class FetchExecutor(
    IHttpMessageHandlerFactory handlers,
    SubgraphAddresses addresses,
    IGraphQLTextSerializer serializer,
    IOptions<GraphQLLimits> limits
)
{
    /// <summary>Bytes of a subgraph's answer.</summary>
    public const int MaxAnswerBytes = 64 * 1024 * 1024;

    /// <summary>Bytes to begin with, of a request or an answer.</summary>
    private const int UsualBytes = 4_096;

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly DocumentExecuter introspection = new();

    /// <summary>The answer; the caller disposes it when it is written.</summary>
    /// <param name="plan">What is asked of whom.</param>
    /// <param name="schema">Of which it is.</param>
    /// <param name="request">What the client sent.</param>
    /// <param name="context">Whose request it is.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="first">The answer to the first fetch, when it has come: of a subscription. The answer keeps it.</param>
    public async Task<ResultTree> RunAsync(
        QueryPlan plan,
        PublicSchema schema,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct,
        ByteBuffer? first = null
    )
    {
        var tree = new ResultTree(plan, limits.Value.MaxErrors);
        foreach (var stage in plan.Stages)
        {
            var tasks = new Task[stage.Fetches.Count];
            for (var i = 0; i < tasks.Length; i++)
                tasks[i] = RunAsync(stage.Fetches[i], tasks);
            await Task.WhenAll(tasks);
        }

        return tree;

        async Task RunAsync(Fetch fetch, Task[] others)
        {
            foreach (var need in fetch.Needs)
                await others[need];
            if (first is not null && fetch == plan.First)
            {
                tree.Keep(first);
                Read(fetch, fetch.Subgraph!, [], tree, first);
            }
            else if (fetch.Subgraph is null)
                await IntrospectAsync(fetch, tree, schema, request, context, ct);
            else
                await SendAsync(fetch, fetch.Subgraph, tree, request, context, ct);
        }
    }

    /// <summary>Asks a subgraph for the events of a subscription, and returns when it has begun to answer.</summary>
    /// <exception cref="HttpRequestException">It cannot be reached.</exception>
    public async Task<HttpResponseMessage> SubscribeAsync(QueryPlan plan, GraphQLRequest request, HttpContext context, CancellationToken ct)
    {
        var fetch = plan.First;
        var body = new ByteBuffer(UsualBytes);
        using var tree = new ResultTree(plan, limits.Value.MaxErrors);
        WriteBody(fetch, tree, request, body);
        using var message = Message(fetch.Subgraph!, body, context);
        message.Headers.Accept.ParseAdd(EventStream.MediaType);
        using var invoker = new HttpMessageInvoker(handlers.CreateHandler(GraphQLGateway.StreamsClientName), disposeHandler: false);
        return await invoker.SendAsync(message, ct);
    }

    /// <summary>The answer when the subgraph of a subscription has none.</summary>
    public ResultTree Failed(QueryPlan plan, string why)
    {
        var tree = new ResultTree(plan, limits.Value.MaxErrors);
        FetchErrors.Fail(plan.First, [], tree, plan.First.Subgraph!, why);
        return tree;
    }

    private async Task IntrospectAsync(
        Fetch fetch,
        ResultTree tree,
        PublicSchema schema,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        var result = await introspection.ExecuteAsync(
            new ExecutionOptions
            {
                Schema = schema.Schema,
                Query = fetch.Query,
                Variables = request.Variables,
                RequestServices = context.RequestServices,
                CancellationToken = ct,
                ValidationRules = [],
            }
        );
        var buffer = new ByteBuffer(UsualBytes);
        tree.Keep(buffer);
        buffer.Write(System.Text.Encoding.UTF8.GetBytes(serializer.Serialize(result)));
        ReadAnswer(fetch, [], tree, buffer);
    }

    private async Task SendAsync(
        Fetch fetch,
        string subgraph,
        ResultTree tree,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        // Not given back to the pool: a connection that breaks, or an answer that comes early, may leave it being sent.
        var body = new ByteBuffer(UsualBytes);
        var targets = WriteBody(fetch, tree, request, body);
        if (fetch.Lookups.Count > 0 && Array.TrueForAll(targets, own => own.Count == 0))
            return;
        if (Array.Exists(targets, own => own.Count > EntityTargets.MaxEntities))
        {
            FetchErrors.Fail(fetch, targets, tree, subgraph, $"may be asked for at most {EntityTargets.MaxEntities} entities at once");
            return;
        }

        using var message = Message(subgraph, body, context);
        try
        {
            // Not an HttpClient, whose own timer the deadline makes needless. The factory keeps the handler and its connections.
            using var invoker = new HttpMessageInvoker(handlers.CreateHandler(ComposeSubgraphs.HttpClientName), disposeHandler: false);
            using var response = await invoker.SendAsync(message, ct);
            // 400 has GraphQL errors: a subgraph's limit was exceeded.
            if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.BadRequest)
            {
                FetchErrors.Fail(fetch, targets, tree, subgraph, $"answered with status {(int)response.StatusCode}");
                return;
            }

            var answer = await ReadBodyAsync(response.Content, tree, ct);
            if (answer is null)
                FetchErrors.Fail(fetch, targets, tree, subgraph, "sent a response that is too large");
            else
                Read(fetch, subgraph, targets, tree, answer);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            FetchErrors.Fail(fetch, targets, tree, subgraph, "cannot be reached");
        }
    }

    private HttpRequestMessage Message(string subgraph, ByteBuffer body, HttpContext context)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, addresses.Of(subgraph))
        {
            Content = new ReadOnlyMemoryContent(body.Array.AsMemory(0, body.Length)),
        };
        message.Content.Headers.ContentType = Json;
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization)
            message.Headers.TryAddWithoutValidation("Authorization", authorization);
        // Whom the limits by network address are about; the proxy passes it on by itself.
        if (context.Connection.RemoteIpAddress is { } address)
            message.Headers.TryAddWithoutValidation("X-Forwarded-For", address.ToString());
        return message;
    }

    private static void Read(Fetch fetch, string subgraph, EntityTargets[] targets, ResultTree tree, ByteBuffer answer)
    {
        try
        {
            ReadAnswer(fetch, targets, tree, answer);
        }
        catch (AnswerException)
        {
            FetchErrors.Fail(fetch, targets, tree, subgraph, "sent a response that does not fit its schema");
        }
        catch (JsonException)
        {
            FetchErrors.Fail(fetch, targets, tree, subgraph, "sent a response that is not JSON");
        }
    }

    private static void ReadAnswer(Fetch fetch, EntityTargets[] targets, ResultTree tree, ByteBuffer answer)
    {
        var reader = new AnswerReader(answer, tree);
        reader.Read(fetch, targets);
        var errors = answer.Array.AsMemory()[reader.Errors];
        if (errors.Length > 0)
            FetchErrors.Add(fetch, targets, tree, errors);
        else if (!reader.HasData)
            throw new AnswerException("The answer has neither data nor errors.");
    }

    /// <returns>Null when it is too large.</returns>
    private static async Task<ByteBuffer?> ReadBodyAsync(HttpContent content, ResultTree tree, CancellationToken ct)
    {
        var length = content.Headers.ContentLength ?? UsualBytes;
        if (length > MaxAnswerBytes)
            return null;
        // One byte more, so that the end is noticed without growing.
        var buffer = new ByteBuffer((int)length + 1);
        tree.Keep(buffer);
        var body = await content.ReadAsStreamAsync(ct);
        await using (body.ConfigureAwait(false))
        {
            while (true)
            {
                var read = await body.ReadAsync(buffer.GetMemory(), ct);
                if (read == 0)
                    return buffer;
                buffer.Advance(read);
                if (buffer.Length > MaxAnswerBytes)
                    return null;
            }
        }
    }

    private EntityTargets[] WriteBody(Fetch fetch, ResultTree tree, GraphQLRequest request, ByteBuffer body)
    {
        body.Write(fetch.Prefix);
        var targets = new EntityTargets[fetch.Lookups.Count];
        var separator = ",\"variables\":{"u8;
        for (var i = 0; i < targets.Length; i++)
        {
            body.Write(separator);
            body.Write(fetch.Lookups[i].Variable);
            targets[i] = EntityTargets.Write(fetch.Lookups[i], tree, body);
            separator = ","u8;
        }

        foreach (var name in fetch.Variables)
        {
            if (request.Variables is not { } variables || !variables.TryGetValue(name, out var value))
                continue;
            body.Write(separator);
            body.Write(System.Text.Encoding.UTF8.GetBytes($"\"{name}\":{serializer.Serialize(value)}"));
            separator = ","u8;
        }

        body.Write(separator.Length == 1 ? "}}"u8 : "}"u8);
        return targets;
    }
}
