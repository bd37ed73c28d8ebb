using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Polaris.Gateway.Composition;

/// <summary>The current public schema; healthy as soon as there is one.</summary>
internal sealed class SchemaRegistry : IHealthCheck
{
    private volatile PublicSchema? current;

    public PublicSchema? Current => current;

    public void Publish(PublicSchema schema) => current = schema;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(current is null ? HealthCheckResult.Unhealthy("The subgraphs have not been composed yet.") : HealthCheckResult.Healthy());
}

/// <summary>
/// Reads every subgraph's schema and composes them: at start until it works, then every minute. What cannot be read or composed leaves the
/// last good schema in place.
/// </summary>
internal sealed partial class ComposeSubgraphs(SchemaRegistry registry, IHttpClientFactory clients, ILogger<ComposeSubgraphs> log) : BackgroundService
{
    public const string HttpClientName = "subgraph";
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Refresh = TimeSpan.FromMinutes(1);
    private string? lastFailure;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var composed = await ComposeAsync(stoppingToken);
            await Task.Delay(composed || registry.Current is not null ? Refresh : Retry, stoppingToken);
        }
    }

    private async Task<bool> ComposeAsync(CancellationToken ct)
    {
        try
        {
            var subgraphs = await Task.WhenAll(Subgraphs.Names.Select(async name => (name, await ReadSdlAsync(name, ct))));
            var sdl = Composer.Compose(subgraphs);
            if (registry.Current?.Sdl.Text != sdl.Text)
            {
                registry.Publish(new PublicSchema(sdl));
                LogComposed(sdl.QueryOwners.Count, sdl.MutationOwners.Count);
            }

            lastFailure = null;
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or CompositionException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            if (lastFailure != exception.Message) LogFailed(exception.Message);
            lastFailure = exception.Message;
            return false;
        }
    }

    private async Task<string> ReadSdlAsync(string name, CancellationToken ct)
    {
        using var client = clients.CreateClient(HttpClientName);
        using var response = await client.PostAsJsonAsync(Subgraphs.Address(name), new { query = "{ _service { sdl } }" }, ct);
        response.EnsureSuccessStatusCode();
        using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(ct), default, ct);
        return answer.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? data.GetProperty("_service").GetProperty("sdl").GetString()!
            : throw new CompositionException($"'{name}' did not tell its schema: {answer.RootElement}");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The public schema has {Queries} queries and {Mutations} mutations.")]
    private partial void LogComposed(int queries, int mutations);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The subgraphs could not be composed: {Reason}")]
    private partial void LogFailed(string reason);
}

/// <summary>The services behind the gateway.</summary>
internal static class Subgraphs
{
    public static readonly string[] Names = ["billing", "identity", "ingestion", "notifications", "plans"];

    public static Uri Address(string name) => new($"http://{name}/graphql");
}
