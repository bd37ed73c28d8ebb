using Aspire.Hosting;
using k8s.Models;

namespace Polaris.AppHost.Publishing;

/// <summary>A resource's container and its settings.</summary>
internal static class Containers
{
    /// <summary>The ConfigMap with the parameters that are no secrets.</summary>
    public const string ParametersName = "polaris-parameters";

    /// <summary>What a service reads its database's address from; all that waiting for its migrations needs.</summary>
    private const string DatabaseVariable = "ConnectionStrings__database";
    private const string HttpPort = "http";

    /// <summary>Until every proxy has heard that the pod is leaving, requests still come; the process ends after that.</summary>
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(5);

    public static string SecretName(ManifestResource resource) => resource.Name + "-secrets";

    public static string VolumeName(int index) => index == 0 ? "data" : $"data-{index}";

    public static string ScratchName(int index) => index == 0 ? "tmp" : $"tmp-{index}";

    /// <summary>The secrets that a resource's own settings name.</summary>
    public static IReadOnlyList<ManifestParameter> SecretsOf(Manifest manifest, ManifestResource resource) =>
        [
            .. resource
                .Environment.SelectMany(variable => manifest.Resolve(variable.Value))
                .Select(part => part.Parameter)
                .OfType<ManifestParameter>()
                .Where(parameter => parameter.Secret)
                .Distinct(),
        ];

    public static V1Container Of(Manifest manifest, ManifestResource resource, ContainerImage image)
    {
        var container = Base(resource.Name, image);
        container.Command = resource.Entrypoint is { } entrypoint ? [entrypoint] : null;
        container.Args = resource.Arguments.Count > 0 ? [.. resource.Arguments.Select(argument => Argument(manifest, argument))] : null;
        container.Env = [.. Variables(manifest, resource, resource.Environment)];
        container.VolumeMounts =
        [
            .. container.VolumeMounts,
            .. resource.Volumes.Select((folder, index) => new V1VolumeMount { Name = VolumeName(index), MountPath = folder }),
        ];
        container.Resources = Resources(resource, image);
        if (resource.Bindings.Count == 0)
            return container;
        container.Ports =
        [
            .. resource.Bindings.Select(binding => new V1ContainerPort { Name = binding.Name, ContainerPort = binding.Port }),
        ];
        AddProbes(container, resource);
        return container;
    }

    /// <summary>
    /// Holds a service back until its migrations are done, as the service's own role: only the migrations' Job has the owner's password.
    /// Null for what has no migrations.
    /// </summary>
    public static V1Container? WaitForMigrations(Manifest manifest, ManifestResource resource, ContainerImage image)
    {
        bool Migrates(ManifestResource other) => other != resource && other.Project == resource.Project && other.Arguments is ["migrate"];
        if (resource.Project is null || !manifest.Resources.Any(Migrates))
            return null;
        var container = Base("wait-for-migrations", image);
        container.Args = ["migrate", "--wait"];
        container.Env = [.. Variables(manifest, resource, resource.Environment.Where(variable => variable.Name == DatabaseVariable))];
        container.Resources = Resources(resource, image);
        return container;
    }

    private static V1Container Base(string name, ContainerImage image) =>
        new()
        {
            Name = name,
            Image = image.Name,
            ImagePullPolicy = "IfNotPresent",
            SecurityContext = new()
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = image.ReadOnly,
                Capabilities = new() { Drop = ["ALL"] },
            },
            VolumeMounts =
            [
                .. image.WritableFolders.Select((folder, index) => new V1VolumeMount { Name = ScratchName(index), MountPath = folder }),
            ],
        };

    /// <summary>
    /// Memory has a limit, because a node without memory ends anything. CPU has none: a request that could use an idle core would wait.
    /// What scales by its CPU asks for as much as a busy replica needs.
    /// </summary>
    private static V1ResourceRequirements Resources(ManifestResource resource, ContainerImage image) =>
        new()
        {
            Requests = new Dictionary<string, ResourceQuantity>
            {
                ["cpu"] = new(Workloads.MaxReplicas(resource) is null ? "100m" : "500m"),
                ["memory"] = new("128Mi"),
            },
            Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new(image.MemoryLimit) },
        };

    private static void AddProbes(V1Container container, ManifestResource resource)
    {
        if (resource.Bindings.All(binding => binding.Name != HttpPort))
        {
            container.ReadinessProbe = new()
            {
                TcpSocket = new() { Port = resource.Bindings[0].Name },
                PeriodSeconds = 5,
            };
            return;
        }

        if (resource.Project is null)
        {
            container.ReadinessProbe = Probe("/", TimeSpan.FromSeconds(5), failures: 2);
            return;
        }

        // A service enters its Service when its dependencies have answered once. After that it stays while its process answers: a database
        // that is away takes all replicas' health at once, and clients are to get our 503 with Retry-After instead of no answer.
        container.StartupProbe = Probe("/health", TimeSpan.FromSeconds(2), failures: 150);
        container.ReadinessProbe = Probe("/alive", TimeSpan.FromSeconds(5), failures: 2);
        container.LivenessProbe = Probe("/alive", TimeSpan.FromSeconds(10), failures: 3);
        container.Lifecycle = new() { PreStop = new() { Sleep = new() { Seconds = (long)LeaveTime.TotalSeconds } } };
    }

    private static V1Probe Probe(string path, TimeSpan period, int failures) =>
        new()
        {
            HttpGet = new() { Path = path, Port = HttpPort },
            PeriodSeconds = (int)period.TotalSeconds,
            TimeoutSeconds = 2,
            FailureThreshold = failures,
        };

    /// <summary>Variables in Kubernetes' way: a value made of several things refers to variables before it.</summary>
    private static IEnumerable<V1EnvVar> Variables(
        Manifest manifest,
        ManifestResource resource,
        IEnumerable<(string Name, string Value)> environment
    )
    {
        var values = environment.Select(variable => (variable.Name, Parts: manifest.Resolve(variable.Value))).ToArray();
        var parameters = values
            .Where(value => value.Parts.Count > 1)
            .SelectMany(value => value.Parts)
            .Select(part => part.Parameter)
            .OfType<ManifestParameter>()
            .Distinct()
            .OrderBy(parameter => parameter.Name, StringComparer.Ordinal);
        foreach (var parameter in parameters)
            yield return FromParameter(VariableOf(parameter), parameter, resource);
        foreach (var (name, parts) in values)
        {
            yield return parts is [{ Parameter: { } only }]
                ? FromParameter(name, only, resource)
                : new() { Name = name, Value = string.Concat(parts.Select(Text)) };
        }
    }

    private static V1EnvVar FromParameter(string name, ManifestParameter parameter, ManifestResource resource) =>
        new()
        {
            Name = name,
            ValueFrom = parameter.Secret
                ? new()
                {
                    SecretKeyRef = new() { Name = SecretName(resource), Key = parameter.Name },
                }
                : new()
                {
                    ConfigMapKeyRef = new() { Name = ParametersName, Key = parameter.Name },
                },
        };

    private static string Argument(Manifest manifest, string value)
    {
        var parts = manifest.Resolve(value);
        // Arguments show in process lists.
        return parts.All(part => part.Parameter is null)
            ? string.Concat(parts.Select(Text))
            : throw new DistributedApplicationException($"The argument '{value}' holds a parameter: give it as a variable.");
    }

    /// <summary>What looks like a reference to a variable, and is none, is escaped.</summary>
    private static string Text(ValuePart part) =>
        part.Parameter is { } parameter ? $"$({VariableOf(parameter)})" : part.Text!.Replace("$(", "$$(", StringComparison.Ordinal);

    private static string VariableOf(ManifestParameter parameter) => parameter.Name.Replace('-', '_').ToUpperInvariant();
}
