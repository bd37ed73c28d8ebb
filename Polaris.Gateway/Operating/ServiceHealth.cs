using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Operating;

/// <summary>What a service answered to <c>/health</c>, which includes what it depends on.</summary>
/// <param name="Name">The service.</param>
/// <param name="Healthy">Whether it answered that it is.</param>
/// <param name="Answer">Its own word, such as Unhealthy; null when it did not answer in time.</param>
internal sealed record HealthOfService(string Name, bool Healthy, string? Answer);

/// <summary>
/// <c>GET /installation/health</c>, for operators: every service is asked by the gateway, which must reach them all anyway. Of several
/// replicas one answers. However many operators look, services are asked once in <see cref="Fresh"/>.
/// </summary>
internal sealed class ServiceHealth(SubgraphAddresses addresses, IHttpClientFactory clients, TimeProvider time) : IDisposable
{
    public const string Path = "/installation/health";
    public const string HttpClientName = "health";

    /// <summary>A service that takes longer counts as not answering.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    /// <summary>The longest answer that is looked at, a word.</summary>
    private const int LongestAnswer = 64;

    private readonly SemaphoreSlim gate = new(1);
    private (DateTimeOffset At, IReadOnlyList<HealthOfService> Services)? last;

    public void Dispose() => gate.Dispose();

    public async Task<IReadOnlyList<HealthOfService>> ReadAsync(CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            if (last is not { } known || time.GetUtcNow() - known.At > Fresh)
            {
                var services = await Task.WhenAll(addresses.Names.Order(StringComparer.Ordinal).Select(name => AskAsync(name, ct)));
                last = known = (time.GetUtcNow(), services);
            }

            return known.Services;
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<HealthOfService> AskAsync(string name, CancellationToken ct)
    {
        using var client = clients.CreateClient(HttpClientName);
        try
        {
            using var response = await client.GetAsync(new Uri(addresses.Of(name), "/health"), ct);
            var answer = await response.Content.ReadAsStringAsync(ct);
            return new HealthOfService(name, response.IsSuccessStatusCode, answer.Length > LongestAnswer ? null : answer);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return new HealthOfService(name, Healthy: false, Answer: null);
        }
    }
}

internal static class ServiceHealthExtensions
{
    public static void AddServiceHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ServiceHealth>();
        builder.Services.AddHttpClient(
            ServiceHealth.HttpClientName,
            http => (http.Timeout, http.MaxResponseContentBufferSize) = (ServiceHealth.MaxWait, 4_096)
        );
    }

    public static void MapServiceHealth(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet(
                ServiceHealth.Path,
                async (HttpContext context, ServiceHealth health) =>
                {
                    context.Response.Headers.CacheControl = "no-store";
                    return Results.Ok(new { services = await health.ReadAsync(context.RequestAborted) });
                }
            )
            .RequireAuthorization(Scopes.PlatformRead);
}
