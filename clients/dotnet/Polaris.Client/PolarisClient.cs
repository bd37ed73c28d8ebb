using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Polaris.Client;

/// <summary>
/// Sends usage events in batches, and asks the graph. One for the life of the process; disposing it sends what waits. Safe for any number
/// of threads.
/// </summary>
public sealed class PolarisClient : IAsyncDisposable
{
    private readonly HttpClient http;
    private readonly EventSender sender;

    /// <summary>Nothing is sent before the first event or question.</summary>
    public PolarisClient(PolarisClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxBuffered, 1);
        http = options.Handler is { } handler ? new HttpClient(handler, disposeHandler: false) : new HttpClient();
        http.BaseAddress = options.Url;
        http.Timeout = options.Timeout;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
        sender = new EventSender(http, options);
    }

    /// <summary>
    /// Takes an event to be sent soon, and returns its key at once. What becomes of it is told to
    /// <see cref="PolarisClientOptions.OnError"/> only.
    /// </summary>
    /// <exception cref="BufferFullException">Too many wait.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public string Track(UsageEvent usageEvent) => sender.Track(usageEvent);

    /// <summary>
    /// Sends an event, in one request with others, and waits until it is stored. Waits for room when too many wait. A caller that no longer
    /// waits does not take the event back.
    /// </summary>
    /// <exception cref="UsageEventException">It was not stored.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public Task<Receipt> SendAsync(UsageEvent usageEvent, CancellationToken cancellationToken = default) =>
        sender.SendAsync(usageEvent, cancellationToken);

    /// <summary>
    /// Sends what waits now, and waits until all of it is stored or was told to <see cref="PolarisClientOptions.OnError"/>.
    /// </summary>
    public Task FlushAsync(CancellationToken cancellationToken = default) => sender.FlushAsync(cancellationToken);

    /// <summary>Asks the graph; the answer's <c>data</c> as <typeparamref name="T"/>, names in camel case.</summary>
    /// <exception cref="GraphQLRequestException">The answer has errors.</exception>
    /// <exception cref="PolarisException">It was no GraphQL answer.</exception>
    public async Task<T> QueryAsync<T>(string document, object? variables = null, CancellationToken cancellationToken = default)
    {
        using var response = await http.PostAsJsonAsync(
                "graphql",
                new { query = document, variables },
                JsonSerializerOptions.Web,
                cancellationToken
            )
            .ConfigureAwait(false);
        var status = (int)response.StatusCode;
        GraphQLAnswer? answer;
        try
        {
            answer = await response
                .Content.ReadFromJsonAsync<GraphQLAnswer>(JsonSerializerOptions.Web, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (JsonException)
        {
            throw new PolarisException("unexpected_answer", $"Polaris answered {status} without JSON.", status);
        }

        if (answer is { Errors: [_, ..] errors })
            throw new GraphQLRequestException(errors, answer.Data, status);
        if (answer?.Data is not { ValueKind: JsonValueKind.Object } data)
            throw new PolarisException("unexpected_answer", $"Polaris answered {status}.", status);
        return data.Deserialize<T>(JsonSerializerOptions.Web)!;
    }

    /// <summary>Takes no more events, and sends those that wait.</summary>
    public async ValueTask DisposeAsync()
    {
        await sender.DisposeAsync().ConfigureAwait(false);
        http.Dispose();
    }

    private sealed record GraphQLAnswer(JsonElement? Data, IReadOnlyList<GraphQLError>? Errors);
}
