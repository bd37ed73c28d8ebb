using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Gateway.Composition;

/// <summary>The current public schema; healthy once there is one.</summary>
internal sealed class SchemaRegistry : IHealthCheck
{
    private volatile PublicSchema? current;

    public PublicSchema? Current => current;

    public void Publish(PublicSchema schema) => current = schema;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            current is null ? HealthCheckResult.Unhealthy("The subgraphs have not been composed yet.") : HealthCheckResult.Healthy()
        );
}

/// <summary>
/// Reads every subgraph's schema and composes them: at start until it succeeds, then every minute. When a schema cannot be read or
/// composed, the last valid one stays in use.
/// </summary>
internal sealed partial class ComposeSubgraphs(SchemaRegistry registry, IHttpClientFactory clients, ILogger<ComposeSubgraphs> log)
    : PeriodicJob
{
    public const string HttpClientName = "subgraph";
    private static readonly TimeSpan Refresh = TimeSpan.FromMinutes(1);

    /// <summary>Short, since the gateway starts together with the subgraphs and is not ready before the first composition.</summary>
    public override TimeSpan MaxBackoff => TimeSpan.FromMilliseconds(500);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var subgraphs = await Task.WhenAll(Subgraphs.Names.Select(async name => (name, await ReadSdlAsync(name, ct))));
        var sdl = Composer.Compose(subgraphs);
        if (registry.Current?.Sdl.Text != sdl.Text)
        {
            registry.Publish(new PublicSchema(sdl));
            LogComposed(sdl.QueryOwners.Count, sdl.MutationOwners.Count);
        }

        return Refresh;
    }

    private async Task<string> ReadSdlAsync(string name, CancellationToken ct)
    {
        using var client = clients.CreateClient(HttpClientName);
        using var response = await client.PostAsJsonAsync(Subgraphs.Address(name), new { query = "{ _service { sdl } }" }, ct);
        response.EnsureSuccessStatusCode();
        using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(ct), default, ct);
        return answer.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? data.GetProperty("_service").GetProperty("sdl").GetString()!
            : throw new CompositionException($"'{name}' did not return its schema: {answer.RootElement}");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The public schema has {Queries} queries and {Mutations} mutations.")]
    private partial void LogComposed(int queries, int mutations);
}

/// <summary>The subgraphs.</summary>
internal static class Subgraphs
{
    public static readonly string[] Names = ["billing", "identity", "ingestion", "notifications", "plans"];

    public static Uri Address(string name) => new($"http://{name}/graphql");
}
