using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// Asks a resource's health over HTTP. Aspire repeats an unhealthy check after 1, 2, 3… seconds, which a chain of services that wait for
/// each other adds up to half a minute; so one check here asks until the resource is up, for a bounded time.
/// </summary>
internal sealed class ReadinessCheck(EndpointReference endpoint, string path) : IHealthCheck, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(75);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var result = await ProbeAsync(cancellationToken);
            if (result.Status == HealthStatus.Healthy || TimeProvider.System.GetElapsedTime(began) > StartTimeout)
                return result;
            await Task.Delay(Interval, cancellationToken);
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<HealthCheckResult> ProbeAsync(CancellationToken ct)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(endpoint.Url + path), ct);
            return response.IsSuccessStatusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"{path} answered {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy(exception.Message);
        }
    }
}

internal static class ReadinessCheckExtensions
{
    /// <summary>Like Aspire's <c>WithHttpHealthCheck</c>, but noticed within a tenth of a second.</summary>
    public static IResourceBuilder<T> WithReadinessCheck<T>(this IResourceBuilder<T> builder, string path, string endpointName = "http")
        where T : IResourceWithEndpoints
    {
        var key = $"{builder.Resource.Name}_ready";
        var check = new ReadinessCheck(builder.GetEndpoint(endpointName), path);
        builder.ApplicationBuilder.Services.AddHealthChecks().AddCheck(key, check);
        return builder.WithHealthCheck(key);
    }
}
