using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Polaris.AppHost.Hosting;

internal static class GatewayPages
{
    /// <summary>
    /// GraphiQL, which the gateway serves in Development: its packages are installed once. Polaris runs without it, so that being offline
    /// stops nothing.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithGraphiQL(this IResourceBuilder<ProjectResource> gateway, string pages)
    {
        var builder = gateway.ApplicationBuilder;
        if (builder.ExecutionContext.IsPublishMode)
            return gateway;
        var directory = Path.GetFullPath(pages, builder.AppHostDirectory);
        return gateway.OnBeforeResourceStarted(
            async (resource, started, ct) =>
            {
                var logger = started.Services.GetRequiredService<ResourceLoggerService>().GetLogger(resource);
                try
                {
                    await ViteAppBuilderExtensions.InstallAsync(directory, logger, ct);
                    await Command.RunAsync(["node", "build.mjs"], ct, directory);
                }
                catch (DistributedApplicationException exception)
                {
                    logger.LogWarning("GraphiQL is not served: {Reason}", exception.Message);
                }
            }
        );
    }
}
