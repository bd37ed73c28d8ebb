using System.Security.Cryptography;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Polaris.AppHost.Hosting;

/// <summary>A front end built by Vite, in the shape of the package Aspire.Hosting.JavaScript, which can replace this file.</summary>
internal sealed class ViteAppResource(string name, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory),
        IResourceWithServiceDiscovery;

internal static class ViteAppBuilderExtensions
{
    private const string Vite = "node_modules/vite/bin/vite.js";

    /// <summary>
    /// Serves the built pages, which are built anew when a source changed; with <paramref name="devServer"/> Vite's development server
    /// follows the sources instead. A deployment builds the folder's Dockerfile.
    /// </summary>
    public static IResourceBuilder<ViteAppResource> AddViteApp(
        this IDistributedApplicationBuilder builder,
        string name,
        string appDirectory,
        bool devServer
    )
    {
        var directory = Path.GetFullPath(appDirectory, builder.AppHostDirectory);
        var app = builder.AddResource(new ViteAppResource(name, "node", directory));
        if (builder.ExecutionContext.IsPublishMode)
            return app.PublishAsDockerFile();
        var port = app.GetEndpoint("http").Property(EndpointProperty.TargetPort);
        string[] script = devServer ? [Vite] : [Vite, "preview"];
        return app.WithArgs([.. script, "--host", "127.0.0.1", "--strictPort", "--port", port])
            .OnBeforeResourceStarted(
                async (resource, started, ct) =>
                {
                    var logger = started.Services.GetRequiredService<ResourceLoggerService>().GetLogger(resource);
                    await InstallAsync(directory, logger, ct);
                    if (!devServer)
                        await BuildAsync(directory, logger, ct);
                }
            );
    }

    /// <summary>Installs the packages when they are missing or the lock file changed.</summary>
    internal static Task InstallAsync(string directory, ILogger logger, CancellationToken ct) =>
        WhenChangedAsync(
            Path.Combine(directory, "node_modules", ".polaris-installed"),
            [Path.Combine(directory, "package-lock.json")],
            async () =>
            {
                logger.LogInformation("Installing packages, once.");
                await Command.RunAsync([Command.Npm, "ci", "--no-audit", "--no-fund"], ct, directory);
            },
            ct
        );

    private static Task BuildAsync(string directory, ILogger logger, CancellationToken ct) =>
        WhenChangedAsync(
            Path.Combine(directory, "dist", ".polaris-built"),
            [
                .. Directory.EnumerateFiles(directory).Where(file => Path.GetExtension(file) is ".json" or ".ts" or ".html"),
                .. Directory.EnumerateFiles(Path.Combine(directory, "src"), "*", SearchOption.AllDirectories),
                .. Directory.EnumerateFiles(Path.Combine(directory, "embed")),
            ],
            async () =>
            {
                logger.LogInformation("Building the pages.");
                logger.LogInformation("{Output}", await Command.RunAsync(["node", Vite, "build"], ct, directory));
            },
            ct
        );

    /// <summary>Does something when the files' content is another than when it was last done.</summary>
    private static async Task WhenChangedAsync(string stamp, IEnumerable<string> files, Func<Task> action, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files.Order(StringComparer.Ordinal))
            hash.AppendData(await File.ReadAllBytesAsync(file, ct));
        var wanted = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp, ct) == wanted)
            return;
        await action();
        await File.WriteAllTextAsync(stamp, wanted, ct);
    }
}
