using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using GraphQL;
using GraphQL.Transport;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>The response of a subgraph, or why there is none.</summary>
internal sealed class SubgraphAnswer(Fetch fetch, JsonDocument? document, string? failure) : IDisposable
{
    public Fetch Fetch { get; } = fetch;

    public string? Failure { get; } = failure;

    public JsonElement? Data =>
        document is not null && document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? data
            : null;

    public IEnumerable<JsonElement> Errors =>
        document is not null && document.RootElement.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array
            ? errors.EnumerateArray()
            : [];

    public void Dispose() => document?.Dispose();
}

/// <summary>
/// Sends a plan's fetches with the caller's own credentials, which each subgraph verifies itself. Introspection is answered from the public
/// schema. All of them end with the request's deadline.
/// </summary>
internal sealed class FetchExecutor(IHttpClientFactory clients, IGraphQLTextSerializer serializer)
{
    private readonly DocumentExecuter introspection = new();

    public async Task<IReadOnlyList<SubgraphAnswer>> RunAsync(
        QueryPlan plan,
        PublicSchema schema,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        if (plan.Operation != OperationType.Mutation)
            return await Task.WhenAll(plan.Fetches.Select(FetchAsync));
        var answers = new List<SubgraphAnswer>(plan.Fetches.Count);
        foreach (var fetch in plan.Fetches)
            answers.Add(await FetchAsync(fetch));
        return answers;

        Task<SubgraphAnswer> FetchAsync(Fetch fetch) =>
            fetch.Subgraph is { } subgraph
                ? SendAsync(fetch, subgraph, request, context, ct)
                : IntrospectAsync(fetch, schema, request, context, ct);
    }

    private async Task<SubgraphAnswer> IntrospectAsync(
        Fetch fetch,
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
        return new SubgraphAnswer(fetch, JsonDocument.Parse(serializer.Serialize(result)), null);
    }

    private async Task<SubgraphAnswer> SendAsync(
        Fetch fetch,
        string subgraph,
        GraphQLRequest request,
        HttpContext context,
        CancellationToken ct
    )
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, Subgraphs.Address(subgraph))
        {
            Content = new ByteArrayContent(Body(fetch, request)),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization)
            message.Headers.TryAddWithoutValidation("Authorization", authorization);
        // Whom the limits by network address are about; the proxy passes it on by itself.
        if (context.Connection.RemoteIpAddress is { } address)
            message.Headers.TryAddWithoutValidation("X-Forwarded-For", address.ToString());
        try
        {
            using var client = clients.CreateClient(ComposeSubgraphs.HttpClientName);
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, ct);
            // 400 has GraphQL errors: a subgraph's limit was exceeded.
            if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.BadRequest)
                return new SubgraphAnswer(fetch, null, $"answered with status {(int)response.StatusCode}");
            return new SubgraphAnswer(
                fetch,
                await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(ct), default, ct),
                null
            );
        }
        catch (HttpRequestException)
        {
            return new SubgraphAnswer(fetch, null, "cannot be reached");
        }
        catch (JsonException)
        {
            return new SubgraphAnswer(fetch, null, "sent a response that is not JSON");
        }
    }

    private byte[] Body(Fetch fetch, GraphQLRequest request)
    {
        var buffer = new ArrayBufferWriter<byte>(fetch.Query.Length + 256);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("query"u8, fetch.Query);
        if (fetch.Variables.Count > 0 && request.Variables is { } variables)
        {
            writer.WriteStartObject("variables"u8);
            foreach (var name in fetch.Variables)
            {
                if (!variables.TryGetValue(name, out var value))
                    continue;
                writer.WritePropertyName(name);
                writer.WriteRawValue(serializer.Serialize(value));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
