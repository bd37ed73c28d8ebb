using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting;

public static class JavaScriptHostingExtensions
{
    /// <summary>A Vite app: its <paramref name="runScriptName"/> script serves it in development. The directory is relative to the AppHost's project.</summary>
    public static IResourceBuilder<JavaScriptAppResource> AddViteApp(
        this IDistributedApplicationBuilder builder, string name, string appDirectory, string runScriptName = "dev") =>
        ((LocalApplicationBuilder)builder).Add(new JavaScriptAppResource(name, Path.GetFullPath(appDirectory, AppHostProject.Directory), runScriptName));
}
