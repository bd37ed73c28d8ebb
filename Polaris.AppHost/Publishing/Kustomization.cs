using k8s;
using k8s.Models;
using Polaris.AppHost.Hosting;

namespace Polaris.AppHost.Publishing;

/// <summary>
/// Kubernetes manifests from Aspire's, in Aspirate's layout: a folder for each resource with a kustomization of its own. Values of
/// parameters are no part of them: <c>generate-parameters.sh</c> writes them into files that are never checked in.
/// </summary>
internal static class Kustomization
{
    public const string Namespace = "polaris";

    /// <summary>What every written file says first, and by which an earlier run's files are known.</summary>
    private const string Header = "# Rendered by Polaris.AppHost (--publisher kustomize): changes made here are lost.";

    private const string ResourcesFile = "kustomization.yaml";

    /// <summary>Renders the manifest that Aspire has just written, when the switches ask for it, and deletes it.</summary>
    public static void WriteIfAsked(Switches switches)
    {
        if (switches.Publisher != "kustomize")
            return;
        try
        {
            Write(Manifest.Parse(File.ReadAllText(switches.ManifestPath)), switches.OutputPath!);
        }
        finally
        {
            File.Delete(switches.ManifestPath);
        }
    }

    /// <summary>Replaces what an earlier run wrote to the folder; other files stay.</summary>
    public static void Write(Manifest manifest, string directory)
    {
        DeleteRendered(directory);
        foreach (var resource in manifest.Resources)
            WriteResource(manifest, resource, Path.Combine(directory, resource.Name));
        WriteObjects(directory, "namespace.yaml", PodSecurityNamespace());
        WriteObjects(directory, "ingress.yaml", Routes.Ingress(manifest));
        WriteObjects(directory, "networkpolicies.yaml", NetworkPolicies.DenyByDefault(), NetworkPolicies.AllowDns());
        WriteKustomization(
            directory,
            ["namespace.yaml", "networkpolicies.yaml", "ingress.yaml", .. manifest.Resources.Select(resource => resource.Name)],
            ("configMapGenerator", Containers.ParametersName, ParameterFiles.Plain),
            Namespace
        );
        ParameterFiles.Write(directory, ParameterFiles.Plain, manifest.Parameters.Where(parameter => !parameter.Secret), Header);
        ParameterFiles.WriteGenerator(directory, Header);
    }

    private static void WriteResource(Manifest manifest, ManifestResource resource, string folder)
    {
        var written = new List<string>();
        void Add(string file, params IKubernetesObject[] objects)
        {
            if (objects.Length == 0)
                return;
            WriteObjects(folder, file, objects);
            written.Add(file);
        }

        var workload = Workloads.Of(manifest, resource);
        Add(KindOf(workload).Kind.ToLowerInvariant() + ".yaml", workload);
        if (resource.Bindings.Count > 0)
            Add("service.yaml", Routes.Service(resource));
        Add("networkpolicy.yaml", NetworkPolicies.Of(manifest, resource));
        if (Workloads.MaxReplicas(resource) is { } max)
        {
            Add("horizontalpodautoscaler.yaml", Workloads.Autoscaler(resource, max));
            Add("poddisruptionbudget.yaml", Workloads.DisruptionBudget(resource));
        }

        var secrets = Containers.SecretsOf(manifest, resource);
        if (secrets.Count > 0)
            ParameterFiles.Write(folder, ParameterFiles.Secret, secrets, Header);
        WriteKustomization(
            folder,
            written,
            secrets.Count > 0 ? ("secretGenerator", Containers.SecretName(resource), ParameterFiles.Secret) : null,
            null
        );
    }

    /// <summary>Nothing that runs as root, or could become it, is let in.</summary>
    private static V1Namespace PodSecurityNamespace() =>
        new()
        {
            Metadata = new()
            {
                Name = Namespace,
                Labels = new Dictionary<string, string>
                {
                    ["pod-security.kubernetes.io/enforce"] = "restricted",
                    ["pod-security.kubernetes.io/warn"] = "restricted",
                },
            },
        };

    private static void WriteKustomization(
        string folder,
        IEnumerable<string> resources,
        (string Kind, string Name, string File)? generator,
        string? defaultNamespace
    )
    {
        var content = new Dictionary<string, object> { ["apiVersion"] = "kustomize.config.k8s.io/v1beta1", ["kind"] = "Kustomization" };
        if (defaultNamespace is not null)
            content["namespace"] = defaultNamespace;
        content["resources"] = resources.ToArray();
        if (generator is { } files)
        {
            // Without a hash in the name: a Job that is there already could not take another name over.
            content["generatorOptions"] = new Dictionary<string, object> { ["disableNameSuffixHash"] = true };
            content[files.Kind] = new[]
            {
                new Dictionary<string, object> { ["name"] = files.Name, ["envs"] = new[] { files.File } },
            };
        }

        WriteText(folder, ResourcesFile, KubernetesYaml.Serialize(content));
    }

    private static void WriteObjects(string folder, string file, params IKubernetesObject[] objects)
    {
        foreach (var one in objects)
            (one.ApiVersion, one.Kind) = KindOf(one);
        WriteText(folder, file, KubernetesYaml.SerializeAll(objects));
    }

    private static (string Version, string Kind) KindOf(IKubernetesObject one)
    {
        var kind = one.GetType().GetKubernetesTypeMetadata();
        return (string.IsNullOrEmpty(kind.Group) ? kind.ApiVersion : $"{kind.Group}/{kind.ApiVersion}", kind.Kind);
    }

    private static void WriteText(string folder, string file, string content)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, file), $"{Header}\n{content.ReplaceLineEndings("\n").TrimEnd('\n')}\n");
    }

    private static void DeleteRendered(string directory)
    {
        if (!Directory.Exists(directory))
            return;
        foreach (var folder in Directory.GetDirectories(directory).Append(directory))
        {
            foreach (var file in Directory.GetFiles(folder).Where(file => File.ReadLines(file).Take(2).Contains(Header)))
                File.Delete(file);
            if (folder != directory && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }
}
