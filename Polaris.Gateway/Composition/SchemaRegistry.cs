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
/// Reads every subgraph's schema and composes them when one has changed: at start until it succeeds, then every few seconds. When a schema
/// cannot be read or composed, the last valid one stays in use.
/// </summary>
internal sealed partial class ComposeSubgraphs(
    SchemaRegistry registry,
    SubgraphAddresses addresses,
    IHttpClientFactory clients,
    ILogger<ComposeSubgraphs> log
) : PeriodicJob
{
    public const string HttpClientName = "subgraph";
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(15);

    private (string Name, string Sdl)[] composed = [];

    /// <summary>Short, since the gateway starts together with the subgraphs and is not ready before the first composition.</summary>
    public override TimeSpan MaxBackoff => TimeSpan.FromMilliseconds(500);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var subgraphs = await Task.WhenAll(addresses.Names.Select(async name => (Name: name, Sdl: await ReadSdlAsync(name, ct))));
        if (subgraphs.SequenceEqual(composed))
            return Refresh;
        var supergraph = Composer.Compose(subgraphs);
        registry.Publish(new PublicSchema(supergraph));
        composed = subgraphs;
        LogComposed(
            supergraph.Types["Query"].Fields.Count,
            supergraph.Types.TryGetValue("Mutation", out var mutation) ? mutation.Fields.Count : 0
        );
        return Refresh;
    }

    private async Task<string> ReadSdlAsync(string name, CancellationToken ct)
    {
        using var client = clients.CreateClient(HttpClientName);
        using var response = await client.PostAsJsonAsync(addresses.Of(name), new { query = "{ _service { sdl } }" }, ct);
        response.EnsureSuccessStatusCode();
        using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(ct), default, ct);
        return answer.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? data.GetProperty("_service").GetProperty("sdl").GetString()!
            : throw new CompositionException($"'{name}' did not return its schema: {answer.RootElement}");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The public schema has {Queries} queries and {Mutations} mutations.")]
    private partial void LogComposed(int queries, int mutations);
}

/// <summary>The subgraphs, and where they answer.</summary>
internal sealed class SubgraphAddresses(IReadOnlyDictionary<string, Uri> addresses)
{
    /// <summary>Polaris's own, by the names that service discovery knows.</summary>
    public static SubgraphAddresses Polaris { get; } =
        new(
            ((string[])["billing", "identity", "ingestion", "notifications", "plans"]).ToDictionary(
                name => name,
                name => new Uri($"http://{name}/graphql")
            )
        );

    public IEnumerable<string> Names => addresses.Keys;

    public Uri Of(string name) => addresses[name];
}
