using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Polaris.AppHost.Hosting;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>What a resource of the model refers to: ports of others, and secret parameters.</summary>
public sealed record ModelReferences(IReadOnlySet<(string Target, int Port)> Arrows, IReadOnlySet<string> Secrets);

/// <summary>The Kubernetes manifests as the AppHost renders them, and Aspire's model in publish mode, to compare them with.</summary>
public sealed class PublishedManifests : IAsyncLifetime
{
    /// <summary>Given to the publisher as a secret's value, which must not reach a file.</summary>
    public const string SecretValue = "a-value-that-must-not-be-published";

    private static readonly TimeSpan ProcessTimeout = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("polaris-publishing-");

    public string Output => Path.Combine(root.FullName, "aspirate-output");

    public static string CheckedIn => Path.Combine(Switches.RepositoryRoot, "aspirate-output");

    /// <summary>Every object, by the folder it stands in.</summary>
    public IReadOnlyList<(string Folder, IKubernetesObject<V1ObjectMeta> Object)> Objects { get; private set; } = [];

    /// <summary>Projects and containers of the model, with what they refer to.</summary>
    public IReadOnlyDictionary<string, ModelReferences> Model { get; private set; } = new Dictionary<string, ModelReferences>();

    /// <summary>The ports that the resources of the model listen on.</summary>
    public IReadOnlyDictionary<string, int[]> Ports { get; private set; } = new Dictionary<string, int[]>();

    public async ValueTask InitializeAsync()
    {
        await RenderAsync();
        Objects = [.. Files().SelectMany(Parse)];
        await ReadModelAsync();
    }

    public ValueTask DisposeAsync()
    {
        root.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    public IEnumerable<(string Folder, T Object)> All<T>() =>
        Objects.Where(one => one.Object is T).Select(one => (one.Folder, (T)one.Object));

    /// <summary>The pods' templates by the name of what runs them.</summary>
    public IEnumerable<(string Name, V1PodSpec Pod)> Pods() =>
        Objects
            .Select(one => (one.Object.Metadata.Name, Pod: PodOf(one.Object)))
            .Where(one => one.Pod is not null)
            .Select(one => (one.Name, one.Pod!));

    public async Task RenderAsync()
    {
        var apphost =
            BuiltProject.ExecutableOf(Path.Combine(Switches.RepositoryRoot, "Polaris.AppHost", "Polaris.AppHost.csproj")) + ".dll";
        var (code, output, error) = await RunAsync(
            "dotnet",
            [apphost, "--publisher", "kustomize", "--output-path", Output],
            ("Parameters__postgres-password", SecretValue)
        );
        Assert.True(code == 0, output + error);
    }

    /// <summary>A copy with a value for every parameter, as a deployment has it.</summary>
    public async Task<string> WithParametersAsync()
    {
        var copy = Path.Combine(root.FullName, $"deployed-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        foreach (var file in Files("*"))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(Output, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        var (code, output, error) = await GenerateAsync(copy, "public-url=https://polaris.example");
        Assert.True(code == 0, output + error);
        return copy;
    }

    public static Task<(int Code, string Output, string Error)> GenerateAsync(string folder, params string[] arguments) =>
        RunAsync("sh", [Path.Combine(folder, "generate-parameters.sh"), .. arguments]);

    public static async Task<(int Code, string Output, string Error)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        (string Name, string Value)? variable = null
    )
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (variable is { } set)
            start.Environment[set.Name] = set.Value;
        using var process = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(ProcessTimeout);
        try
        {
            var error = process.StandardError.ReadToEndAsync(timeout.Token);
            var output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    public string[] Files(string pattern = "*.yaml") => Directory.GetFiles(Output, pattern, SearchOption.AllDirectories);

    /// <summary>Unknown fields are refused.</summary>
    private static IEnumerable<(string Folder, IKubernetesObject<V1ObjectMeta> Object)> Parse(string file) =>
        Path.GetFileName(file) == "kustomization.yaml"
            ? []
            : KubernetesYaml
                .LoadAllFromString(File.ReadAllText(file), strict: true)
                .Select(one => (Path.GetFileName(Path.GetDirectoryName(file))!, (IKubernetesObject<V1ObjectMeta>)one));

    private static V1PodSpec? PodOf(object one) =>
        one switch
        {
            V1Deployment deployment => deployment.Spec.Template.Spec,
            V1StatefulSet set => set.Spec.Template.Spec,
            V1Job job => job.Spec.Template.Spec,
            _ => null,
        };

    private async Task ReadModelAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Polaris_AppHost>([
            "--publisher",
            "manifest",
            "--output-path",
            Path.Combine(root.FullName, "manifest.json"),
        ]);
        await using var app = await builder.BuildAsync();
        var context = app.Services.GetRequiredService<DistributedApplicationExecutionContext>();
        Assert.True(context.IsPublishMode);
        var resources = app
            .Services.GetRequiredService<DistributedApplicationModel>()
            .Resources.Where(resource => resource is ProjectResource or ContainerResource)
            .ToArray();
        var model = new Dictionary<string, ModelReferences>();
        foreach (var resource in resources)
            model.Add(resource.Name, await ReferencesAsync(resource, context));
        Model = model;
        Ports = resources.ToDictionary(
            resource => resource.Name,
            resource => resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => endpoint.TargetPort!.Value).Order().ToArray()
        );
    }

    private static async Task<ModelReferences> ReferencesAsync(IResource resource, DistributedApplicationExecutionContext context)
    {
        var environment = new Dictionary<string, object>();
        foreach (var variables in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await variables.Callback(new EnvironmentCallbackContext(context, resource, environment));
        var (arrows, secrets) = (new HashSet<(string, int)>(), new HashSet<string>());
        foreach (var value in environment.Values)
            Collect(value);
        return new ModelReferences(arrows, secrets);

        void Collect(object? value)
        {
            switch (value)
            {
                case null or string:
                    break;
                case ParameterResource parameter:
                    if (parameter.Secret)
                        secrets.Add(parameter.Name);
                    break;
                case EndpointReferenceExpression part:
                    // Its own port is what a resource listens on, not whom it calls.
                    if (part.Property != EndpointProperty.TargetPort)
                        Collect(part.Endpoint);
                    break;
                case EndpointReference endpoint:
                    arrows.Add((endpoint.Resource.Name, endpoint.EndpointAnnotation.TargetPort!.Value));
                    break;
                case ConnectionStringReference connection:
                    Collect(connection.Resource);
                    break;
                case IResourceWithConnectionString server:
                    Collect(server.ConnectionStringExpression);
                    break;
                case ReferenceExpression expression:
                    foreach (var inner in expression.ValueProviders)
                        Collect(inner);
                    break;
                default:
                    Assert.Fail($"{resource.Name} has a setting of a kind that this test does not know: {value.GetType()}");
                    break;
            }
        }
    }
}
