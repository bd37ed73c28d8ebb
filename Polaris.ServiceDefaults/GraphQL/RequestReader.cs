using System.Text.Json;
using GraphQL;
using GraphQL.Transport;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>Reads the body of <c>POST /graphql</c>, bounded, and free of texts that no database stores.</summary>
internal sealed class RequestReader(IGraphQLSerializer serializer, GraphQLLimits limits)
{
    private static readonly (string Name, JsonValueKind Kind)[] Fields =
    [
        ("query", JsonValueKind.String),
        ("documentId", JsonValueKind.String),
        ("operationName", JsonValueKind.String),
        ("variables", JsonValueKind.Object),
        ("extensions", JsonValueKind.Object),
    ];

    /// <param name="context">The request.</param>
    /// <param name="mayNameDocument">Whether it may come without a document, and name one that is known.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="RequestError">The body is over a limit or no GraphQL request; the answer is 400.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, or was not sent as announced.</exception>
    public async Task<GraphQLRequest> ReadAsync(HttpContext context, bool mayNameDocument, CancellationToken ct)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = limits.MaxRequestBytes;
        try
        {
            using var body = await JsonDocument.ParseAsync(
                context.Request.Body,
                // One level more, so that its end is noticed here and not by the parser, whose error does not name the limit.
                new JsonDocumentOptions { MaxDepth = limits.MaxJsonDepth + 1, AllowDuplicateProperties = false },
                ct
            );
            return Read(body.RootElement, mayNameDocument);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw RequestError.Invalid("malformed_json", $"The body is not a GraphQL request in JSON: {exception.Message}");
        }
    }

    private GraphQLRequest Read(JsonElement body, bool mayNameDocument)
    {
        if (body.ValueKind != JsonValueKind.Object)
            throw RequestError.Invalid(
                "malformed_json",
                "The body must be a JSON object: { \"query\": \"…\" }. Batches are not supported."
            );
        new Walk(limits).Visit(body, 1);
        foreach (var (name, kind) in Fields)
        {
            if (body.TryGetProperty(name, out var value) && value.ValueKind != kind && value.ValueKind != JsonValueKind.Null)
                throw RequestError.Invalid(
                    "malformed_json",
                    $"'{name}' must be {(kind == JsonValueKind.String ? "a string" : "an object")} in JSON."
                );
        }

        var request = serializer.ReadNode<GraphQLRequest>(body);
        var names = mayNameDocument && (request?.DocumentId is not null || request?.Extensions is not null);
        if (request is null || (string.IsNullOrEmpty(request.Query) && !names))
            throw RequestError.Invalid("missing_query", "The body needs a field 'query' with a GraphQL document.");
        request.Variables = ExactVariables.Of(body);
        return request;
    }

    private sealed class Walk(GraphQLLimits limits)
    {
        /// <summary>Names and indexes of the values around the current one. Made a text only for an error, since it may be long.</summary>
        private readonly List<object> path = [];

        private int values;

        /// <param name="value">A value of the body.</param>
        /// <param name="depth">Objects and lists around and including it.</param>
        public void Visit(JsonElement value, int depth)
        {
            if (++values > limits.MaxJsonValues)
                throw RequestError.Limit(
                    nameof(limits.MaxJsonValues),
                    limits.MaxJsonValues,
                    $"The body may have at most {limits.MaxJsonValues} values"
                );
            if (depth > limits.MaxJsonDepth && value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                throw RequestError.Limit(
                    nameof(limits.MaxJsonDepth),
                    limits.MaxJsonDepth,
                    $"The body may have at most {limits.MaxJsonDepth} objects and lists inside one another"
                );
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var property in value.EnumerateObject())
                    {
                        path.Add(Checked(() => property.Name));
                        Visit(property.Value, depth + 1);
                        path.RemoveAt(path.Count - 1);
                    }

                    break;
                case JsonValueKind.Array:
                    var index = 0;
                    foreach (var item in value.EnumerateArray())
                    {
                        path.Add(index++);
                        Visit(item, depth + 1);
                        path.RemoveAt(path.Count - 1);
                    }

                    break;
                case JsonValueKind.String:
                    Checked(() => value.GetString()!);
                    break;
                case JsonValueKind.Number when value.GetRawText().Length > limits.MaxNumberLength:
                    throw RequestError.Limit(
                        nameof(limits.MaxNumberLength),
                        limits.MaxNumberLength,
                        $"The number at '{Place()}' may have at most {limits.MaxNumberLength} characters"
                    );
                default:
                    break;
            }
        }

        private string Checked(Func<string> read)
        {
            try
            {
                var text = read();
                return DocumentBounds.IsStorable(text) ? text : throw RequestError.Text(Place(), text);
            }
            catch (InvalidOperationException)
            {
                // JSON may escape half of a surrogate pair, and bytes need not be UTF-8: no string can be made of these.
                throw RequestError.Text(Place(), "\uD800");
            }
        }

        private string Place() =>
            string.Concat(
                path.Select(
                    (step, i) =>
                        step is int index ? $"[{index}]"
                        : i == 0 ? step
                        : $".{step}"
                )
            );
    }
}
