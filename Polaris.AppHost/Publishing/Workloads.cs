using k8s;
using k8s.Models;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.AppHost.Publishing;

/// <summary>What runs a resource: a StatefulSet when it keeps data, a Deployment when it listens, and otherwise a Job.</summary>
internal static class Workloads
{
    public const string Label = "app";

    /// <summary>Replicas beyond this are of no use to Ingestion before PostgreSQL is what limits it (docs/adr/0011).</summary>
    private const int MaxIngestionReplicas = 10;
    private const int MinReplicas = 2;
    private const int TargetCpuPercent = 70;

    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Long enough to read its log; until then a Job with another template cannot take its place.</summary>
    private static readonly TimeSpan KeepEndedJob = TimeSpan.FromHours(1);

    public static IKubernetesObject Of(Manifest manifest, ManifestResource resource) =>
        resource switch
        {
            { Volumes.Count: > 0 } => StatefulSet(manifest, resource),
            { Bindings.Count: > 0 } => Deployment(manifest, resource),
            _ => Job(manifest, resource),
        };

    public static IDictionary<string, string> Labels(ManifestResource resource) =>
        new Dictionary<string, string> { [Label] = resource.Name };

    public static V1ObjectMeta Metadata(ManifestResource resource) => new() { Name = resource.Name, Labels = Labels(resource) };

    /// <summary>The most replicas of what grows with its load; null for what has a fixed number.</summary>
    public static int? MaxReplicas(ManifestResource resource) =>
        resource.Name switch
        {
            "ingestion" => MaxIngestionReplicas,
            // A replica without a partition of its own has nothing to apply.
            "billing" => Topics.All.Single(topic => topic.Name == "polaris.usage.v1").Partitions,
            _ => null,
        };

    public static V2HorizontalPodAutoscaler Autoscaler(ManifestResource resource, int maxReplicas) =>
        new()
        {
            Metadata = Metadata(resource),
            Spec = new()
            {
                ScaleTargetRef = new()
                {
                    ApiVersion = "apps/v1",
                    Kind = "Deployment",
                    Name = resource.Name,
                },
                MinReplicas = MinReplicas,
                MaxReplicas = maxReplicas,
                Metrics =
                [
                    new()
                    {
                        Type = "Resource",
                        Resource = new()
                        {
                            Name = "cpu",
                            Target = new() { Type = "Utilization", AverageUtilization = TargetCpuPercent },
                        },
                    },
                ],
            },
        };

    /// <summary>A node that is emptied takes one replica at a time.</summary>
    public static V1PodDisruptionBudget DisruptionBudget(ManifestResource resource) =>
        new()
        {
            Metadata = Metadata(resource),
            Spec = new() { MaxUnavailable = 1, Selector = Selector(resource) },
        };

    private static V1Deployment Deployment(Manifest manifest, ManifestResource resource) =>
        new()
        {
            Metadata = Metadata(resource),
            Spec = new()
            {
                // The autoscaler's number is not to be set back by every apply.
                Replicas = MaxReplicas(resource) is null ? 1 : null,
                Selector = Selector(resource),
                Template = Template(manifest, resource),
            },
        };

    private static V1StatefulSet StatefulSet(Manifest manifest, ManifestResource resource) =>
        new()
        {
            Metadata = Metadata(resource),
            Spec = new()
            {
                ServiceName = resource.Name,
                Replicas = 1,
                Selector = Selector(resource),
                Template = Template(manifest, resource),
                VolumeClaimTemplates =
                [
                    .. resource.Volumes.Select(
                        (_, index) =>
                            new V1PersistentVolumeClaim
                            {
                                Metadata = new() { Name = Containers.VolumeName(index) },
                                Spec = new()
                                {
                                    AccessModes = ["ReadWriteOnce"],
                                    Resources = new() { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new("10Gi") } },
                                },
                            }
                    ),
                ],
            },
        };

    private static V1Job Job(Manifest manifest, ManifestResource resource)
    {
        var template = Template(manifest, resource);
        template.Spec.RestartPolicy = "OnFailure";
        return new()
        {
            Metadata = Metadata(resource),
            Spec = new()
            {
                // What it needs may come up minutes later; pauses between attempts grow to five minutes.
                BackoffLimit = 20,
                TtlSecondsAfterFinished = (int)KeepEndedJob.TotalSeconds,
                Template = template,
            },
        };
    }

    private static V1PodTemplateSpec Template(Manifest manifest, ManifestResource resource)
    {
        var image = ContainerImage.Of(resource);
        return new()
        {
            Metadata = new() { Labels = Labels(resource) },
            Spec = new()
            {
                // Nothing here talks to the API server, and variables named after Services would be taken for Kafka's settings.
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                SecurityContext = new()
                {
                    RunAsNonRoot = true,
                    RunAsUser = image.User,
                    RunAsGroup = image.User,
                    FsGroup = image.User,
                    SeccompProfile = new() { Type = "RuntimeDefault" },
                },
                InitContainers = Containers.WaitForMigrations(manifest, resource, image) is { } wait ? [wait] : null,
                Containers = [Containers.Of(manifest, resource, image)],
                Volumes =
                [
                    .. image.WritableFolders.Select((_, index) => new V1Volume { Name = Containers.ScratchName(index), EmptyDir = new() }),
                ],
                TerminationGracePeriodSeconds = (long)ShutdownTimeout.TotalSeconds,
            },
        };
    }

    private static V1LabelSelector Selector(ManifestResource resource) => new() { MatchLabels = Labels(resource) };
}
