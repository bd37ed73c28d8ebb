using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using GraphQL;
using GraphQL.Transport;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>What a subgraph said, or why it said nothing.</summary>
internal sealed class SubgraphAnswer(Fetch fetch, JsonDocument? document, string? failure) : IDisposable
{
    public Fetch Fetch { get; } = fetch;

    public string? Failure { get; } = failure;

    public JsonElement? Data => document is not null && document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object ? data : null;

    public IEnumerable<JsonElement> Errors =>
        document is not null && document.RootElement.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array ? errors.EnumerateArray() : [];

    public void Dispose() => document?.Dispose();
}

/// <summary>Sends a plan's fetches, with the caller's own credentials: each subgraph checks them itself.</summary>
internal sealed class FetchExecutor(IHttpClientFactory clients, IGraphQLTextSerializer serializer)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task<IReadOnlyList<SubgraphAnswer>> RunAsync(QueryPlan plan, GraphQLRequest request, HttpContext context)
    {
        if (plan.Operation != OperationType.Mutation) return await Task.WhenAll(plan.Fetches.Select(fetch => SendAsync(fetch, request, context)));
        var answers = new List<SubgraphAnswer>(plan.Fetches.Count);
        foreach (var fetch in plan.Fetches) answers.Add(await SendAsync(fetch, request, context));
        return answers;
    }

    private async Task<SubgraphAnswer> SendAsync(Fetch fetch, GraphQLRequest request, HttpContext context)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, Subgraphs.Address(fetch.Subgraph)) { Content = new ByteArrayContent(Body(fetch, request)) };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization) message.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(Patience);
        try
        {
            using var client = clients.CreateClient(ComposeSubgraphs.HttpClientName);
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!response.IsSuccessStatusCode) return new SubgraphAnswer(fetch, null, $"answered with status {(int)response.StatusCode}");
            return new SubgraphAnswer(fetch, await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(limit.Token), default, limit.Token), null);
        }
        catch (HttpRequestException)
        {
            return new SubgraphAnswer(fetch, null, "cannot be reached");
        }
        catch (JsonException)
        {
            return new SubgraphAnswer(fetch, null, "answered with something that is not JSON");
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return new SubgraphAnswer(fetch, null, $"did not answer within {Patience.TotalSeconds:0} s");
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
                if (!variables.TryGetValue(name, out var value)) continue;
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
