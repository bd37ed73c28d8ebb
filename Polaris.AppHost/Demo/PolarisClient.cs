using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polaris.Demo;

/// <summary>What went wrong, in a sentence.</summary>
internal sealed class PolarisException(string message, string? code = null) : Exception(message)
{
    /// <summary>The stable code of a refusal, when Polaris refused.</summary>
    public string? Code { get; } = code;
}

/// <summary>What <c>/ingest</c> said of a batch.</summary>
internal sealed record IngestAnswer(int Accepted, int Duplicates, int Conflicts, int Rejected, JsonElement Results);

/// <summary>An event as it is sent.</summary>
internal sealed record EventBody(
    [property: System.Text.Json.Serialization.JsonPropertyName("idempotency_key")] string IdempotencyKey,
    string Type,
    string Customer,
    string Timestamp,
    JsonObject Properties
);

/// <summary>Polaris over HTTP: GraphQL and ingestion with one API key.</summary>
internal sealed class PolarisClient : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a service may be away before a call gives up.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    private readonly HttpClient http;

    public PolarisClient(Uri url, string? apiKey = null)
    {
        http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };
        if (apiKey is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
    }

    /// <summary>The operation's data. A service that is away is asked again; every mutation used here may be repeated.</summary>
    public async Task<JsonElement> QueryAsync(string query, object? variables = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var response = await SendAsync(() => http.PostAsJsonAsync("/graphql", new { query, variables }, Web));
            var body = await response.Content.ReadAsStringAsync();
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable)
            {
                var answer = Parse(body, response.StatusCode);
                if (!answer.TryGetProperty("errors", out var errors))
                    return answer.TryGetProperty("data", out var data)
                        ? data
                        : throw new PolarisException($"{(int)response.StatusCode}: {body}");
                var (message, code) = (
                    errors[0].GetProperty("message").GetString()!,
                    errors[0].TryGetProperty("extensions", out var more) && more.TryGetProperty("code", out var found)
                        ? found.GetString()
                        : null
                );
                if (code is not ("UNAVAILABLE" or "SUBGRAPH_UNAVAILABLE") || TimeProvider.System.GetElapsedTime(began) > Timeout)
                    throw new PolarisException($"{code}: {message}", code);
            }
            else if (TimeProvider.System.GetElapsedTime(began) > Timeout)
            {
                throw new PolarisException($"Polaris stayed unavailable: {body}");
            }

            await Task.Delay(RetryAfter);
        }
    }

    /// <summary>Sends events; what was not acknowledged is sent again, under the same keys.</summary>
    public async Task<IngestAnswer> IngestAsync(IReadOnlyList<EventBody> events)
    {
        var lost = false;
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var response = await SendAsync(() => http.PostAsJsonAsync("/ingest", events, Web), () => lost = true);
            var body = await response.Content.ReadAsStringAsync();
            if (
                response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests
                && TimeProvider.System.GetElapsedTime(began) < Timeout
            )
            {
                // An answer may have been lost on the way: what it acknowledged comes back as duplicates.
                lost = true;
                await Task.Delay(RetryAfter);
                continue;
            }

            if (!response.IsSuccessStatusCode)
                throw new PolarisException($"/ingest answered {(int)response.StatusCode}: {body}");
            var answer = Parse(body, response.StatusCode);
            int Count(string name) => answer.GetProperty(name).GetInt32();
            return lost
                ? new IngestAnswer(
                    Count("accepted") + Count("duplicates"),
                    0,
                    Count("conflicts"),
                    Count("rejected"),
                    answer.GetProperty("results")
                )
                : new IngestAnswer(
                    Count("accepted"),
                    Count("duplicates"),
                    Count("conflicts"),
                    Count("rejected"),
                    answer.GetProperty("results")
                );
        }
    }

    public void Dispose() => http.Dispose();

    private static async Task<HttpResponseMessage> SendAsync(Func<Task<HttpResponseMessage>> send, Action? onBroken = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return await send();
            }
            catch (HttpRequestException exception)
            {
                if (TimeProvider.System.GetElapsedTime(began) > Timeout)
                    throw new PolarisException($"Polaris cannot be reached: {exception.Message}");
                onBroken?.Invoke();
                await Task.Delay(RetryAfter);
            }
        }
    }

    private static JsonElement Parse(string body, HttpStatusCode status)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new PolarisException(
                string.Create(CultureInfo.InvariantCulture, $"Polaris answered {(int)status} with something that is not JSON.")
            );
        }
    }
}
