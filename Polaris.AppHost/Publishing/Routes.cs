using k8s.Models;

namespace Polaris.AppHost.Publishing;

/// <summary>How resources are reached: by their Service inside, by the Ingress from outside.</summary>
internal static class Routes
{
    private const string EventsPath = "/ingest";
    private const string EventsResource = "ingestion";
    private const string PublicPort = "public";

    public static V1Service Service(ManifestResource resource) =>
        new()
        {
            Metadata = Workloads.Metadata(resource),
            Spec = new()
            {
                Selector = Workloads.Labels(resource),
                Ports =
                [
                    .. resource.Bindings.Select(binding => new V1ServicePort
                    {
                        Name = binding.Name,
                        Port = binding.Port,
                        TargetPort = binding.Name,
                    }),
                ],
            },
        };

    /// <summary>All goes to what the model calls external, but events go where they are stored, without a hop (docs/adr/0009).</summary>
    public static V1Ingress Ingress(Manifest manifest)
    {
        var (gateway, port) = External(manifest);
        return new()
        {
            Metadata = new() { Name = Kustomization.Namespace },
            Spec = new()
            {
                Rules =
                [
                    new()
                    {
                        Http = new() { Paths = [Path(EventsPath, "Exact", EventsResource, port), Path("/", "Prefix", gateway.Name, port)] },
                    },
                ],
            },
        };
    }

    /// <summary>Whether the Ingress leads to a port.</summary>
    public static bool IsPublic(ManifestResource resource, ManifestBinding binding) =>
        binding.External || (resource.Name == EventsResource && binding.Name == PublicPort);

    private static (ManifestResource Resource, ManifestBinding Binding) External(Manifest manifest) =>
        manifest
            .Resources.SelectMany(resource => resource.Bindings.Select(binding => (resource, binding)))
            .Single(pair => pair.binding.External);

    private static V1HTTPIngressPath Path(string path, string type, string resource, ManifestBinding binding) =>
        new()
        {
            Path = path,
            PathType = type,
            Backend = new()
            {
                Service = new()
                {
                    Name = resource,
                    Port = new() { Name = binding.Name },
                },
            },
        };
}
