using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>How a project or a front end is run: command line, working directory and environment, as Aspire gives them.</summary>
internal sealed class ServiceCommands(StateDirectory state, LocalConsole console)
{
    private const string Development = "Development";

    public ProcessStartInfo For(Resource resource)
    {
        var start = resource switch
        {
            ProjectResource project => Project(project),
            JavaScriptAppResource app => JavaScript(app),
            _ => throw new DistributedApplicationException($"{resource.Name} is not run as a process."),
        };
        foreach (var endpoint in resource.Endpoints.Where(endpoint => endpoint.PortVariable is not null))
            start.Environment[endpoint.PortVariable!] = endpoint.Port.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in resource.Environment) start.Environment[name] = value.GetValue();
        start.Environment["POLARIS_STATE_DIR"] = state.Root;
        return start;
    }

    /// <summary>Installs a front end's packages when they are missing or its lock file changed.</summary>
    public async Task InstallAsync(JavaScriptAppResource app, CancellationToken ct)
    {
        var lockFile = Path.Combine(app.Directory, "package-lock.json");
        var locked = File.Exists(lockFile);
        var stamp = Path.Combine(app.Directory, "node_modules", ".polaris-installed");
        var wanted = locked ? Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(lockFile, ct))) : "unlocked";
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp, ct) == wanted) return;
        console.Say($"installing the packages of {app.Name}, once");
        var start = new ProcessStartInfo(Npm) { WorkingDirectory = app.Directory, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[locked ? "ci" : "install", "--no-audit", "--no-fund"]) start.ArgumentList.Add(argument);
        Process npm;
        try
        {
            npm = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new DistributedApplicationException("There is no 'npm': the dashboard and the embedded PostgreSQL need Node.js 20 or later.", exception);
        }

        using (npm)
        {
            var error = npm.StandardError.ReadToEndAsync(ct);
            var output = await npm.StandardOutput.ReadToEndAsync(ct);
            await npm.WaitForExitAsync(ct);
            if (npm.ExitCode != 0) throw new DistributedApplicationException($"npm in {app.Directory} ended with {npm.ExitCode}:\n{output}{await error}");
        }

        await File.WriteAllTextAsync(stamp, wanted, ct);
    }

    private static string Npm => OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    private static ProcessStartInfo Project(ProjectResource project)
    {
        var start = ManagedProcess.Command([LocalParts.DotnetPath, project.Metadata.AssemblyPath, .. project.Arguments]);
        start.WorkingDirectory = Path.GetDirectoryName(project.Metadata.ProjectPath);
        var environment = Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") is { Length: > 0 } own ? own : Development;
        var urls = project.Endpoints.Where(endpoint => endpoint.PortVariable is null).Select(endpoint => endpoint.Url).ToArray();
        if (urls.Length > 0) start.Environment["ASPNETCORE_URLS"] = string.Join(';', urls);
        start.Environment["ASPNETCORE_ENVIRONMENT"] = environment;
        start.Environment["DOTNET_ENVIRONMENT"] = environment;
        start.Environment["OTEL_SERVICE_NAME"] = project.Name;
        // Quick starts matter more to a developer than the last fifth of speed.
        if (environment == Development) start.Environment["DOTNET_TieredPGO"] = "0";
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is not { Length: > 0 }) return start;
        start.Environment["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
        start.Environment["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        start.Environment["OTEL_TRACES_SAMPLER"] = "always_on";
        return start;
    }

    private static ProcessStartInfo JavaScript(JavaScriptAppResource app)
    {
        var port = app.Endpoints[0].Port.ToString(CultureInfo.InvariantCulture);
        var start = ManagedProcess.Command([Npm, "run", app.Script, "--", "--port", port, "--host", "127.0.0.1", "--strictPort"]);
        start.WorkingDirectory = app.Directory;
        return start;
    }
}

/// <summary>Asks a resource until it says that it is healthy.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(75);

    /// <param name="resource">One with a health check, or else whose ports are tried.</param>
    /// <param name="exitCode">The process' exit code when it has ended; the supervisor starts it again.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task WaitAsync(Resource resource, Func<int?> exitCode, CancellationToken ct)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        while (!await IsHealthyAsync(resource, http, ct))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new DistributedApplicationException($"{resource.Name} did not become healthy within {Patience.TotalSeconds:0} s{(exitCode() is { } code ? $"; it ended with {code}" : "")}.");
            await Task.Delay(Every, ct);
        }
    }

    private static async Task<bool> IsHealthyAsync(Resource resource, HttpClient http, CancellationToken ct)
    {
        if (resource.HealthCheck is not { } check) return resource.Endpoints.All(endpoint => Ports.IsOpen(endpoint.Port));
        var url = resource.Endpoints.First(endpoint => endpoint.EndpointName == check.Endpoint).Url + check.Path;
        try
        {
            using var response = await http.GetAsync(new Uri(url), ct);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (TaskCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
