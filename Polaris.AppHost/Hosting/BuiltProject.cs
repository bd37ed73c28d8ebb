using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// Starts projects from what was built with the AppHost. Aspire's default, <c>dotnet run --no-build</c>, costs 3 s of CPU and 140 MB for
/// each of them. An IDE that debugs them, and <c>dotnet watch</c>, start them in their own way.
/// </summary>
internal static class BuiltProject
{
    private static bool SomebodyElseStarts =>
        Environment.GetEnvironmentVariable("DEBUG_SESSION_PORT") is { Length: > 0 }
        || Environment.GetEnvironmentVariable("DOTNET_WATCH") is { Length: > 0 };

    public static void UseBuiltExecutables(this IDistributedApplicationBuilder builder)
    {
        if (SomebodyElseStarts || !builder.ExecutionContext.IsRunMode)
            return;
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (start, _) =>
            {
                foreach (var project in start.Model.GetProjectResources())
                {
                    var path = project.GetProjectMetadata().ProjectPath;
                    project.Annotations.Add(
                        new ExecutableAnnotation { Command = ExecutableOf(path), WorkingDirectory = Path.GetDirectoryName(path)! }
                    );
                }

                return Task.CompletedTask;
            }
        );
    }

    /// <summary>The project's executable in the AppHost's own configuration (…/bin/Debug/net10.0/).</summary>
    public static string ExecutableOf(string projectPath)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var name = Path.GetFileNameWithoutExtension(projectPath) + (OperatingSystem.IsWindows() ? ".exe" : "");
        return Path.Combine(Path.GetDirectoryName(projectPath)!, "bin", output.Parent!.Name, output.Name, name);
    }
}
