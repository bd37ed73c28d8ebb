using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;

namespace Polaris.Tests.Abuse;

/// <summary>An answer of <c>POST /graphql</c>.</summary>
/// <param name="Body">Not an object when it is not JSON.</param>
internal sealed record GraphQLAnswer(int Status, JsonElement Body, TimeSpan Took)
{
    /// <summary>An extension of the first error.</summary>
    public string? Extension(string name) =>
        Body.ValueKind == JsonValueKind.Object
        && Body.TryGetProperty("errors", out var errors)
        && errors[0].TryGetProperty("extensions", out var extensions)
        && extensions.TryGetProperty(name, out var value)
            ? value.ToString()
            : null;
}

/// <summary>The gateway and every subgraph, as whoever reaches their ports sees them.</summary>
internal sealed class GraphQLDoors : IDisposable
{
    public static readonly string[] Subgraphs = ["identity", "plans", "ingestion", "billing", "notifications"];

    public static readonly string[] Names = ["gateway", .. Subgraphs];

    private const int LargeBody = 1024 * 1024;

    private readonly PolarisApp polaris;
    private readonly Dictionary<string, HttpClient> clients;
    private readonly Dictionary<string, int?> processes;

    public GraphQLDoors(PolarisApp polaris)
    {
        this.polaris = polaris;
        clients = Names.ToDictionary(name => name, name => polaris.App.CreateHttpClient(name, "http"));
        processes = Names.ToDictionary(name => name, polaris.App.GetProcessId);
    }

    /// <summary>Those whose process ended since this was made.</summary>
    public IEnumerable<string> Ended => Names.Where(name => polaris.App.GetProcessId(name) != processes[name]);

    public async Task<GraphQLAnswer> SendAsync(string door, HttpContent body, string? apiKey = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/graphql") { Content = body };
        if (apiKey is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        // A server that refuses a large body at its announcement does not read it; who sends it nevertheless may find a closed connection.
        request.Headers.ExpectContinue = body.Headers.ContentLength > LargeBody;
        var began = TimeProvider.System.GetTimestamp();
        using var response = await clients[door].SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return new((int)response.StatusCode, Parse(bytes), TimeProvider.System.GetElapsedTime(began));
    }

    public Task<GraphQLAnswer> SendAsync(string door, string query, object? variables = null) =>
        SendAsync(door, JsonContent.Create(new { query, variables }));

    public void Dispose()
    {
        foreach (var client in clients.Values)
            client.Dispose();
    }

    private static JsonElement Parse(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(bytes);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
