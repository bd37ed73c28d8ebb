using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Aspire.Hosting;

namespace Polaris.AppHost.Publishing;

/// <summary>A port that a resource listens on.</summary>
internal sealed record ManifestBinding(string Name, string Scheme, int Port, bool External);

/// <summary>A project or container of the manifest. Values may hold references such as <c>{kafka.bindings.tcp.host}</c>.</summary>
/// <param name="Name">What others call it, also as a host.</param>
/// <param name="Image">The image to run; null for what is built from a project or a Dockerfile of this repository.</param>
/// <param name="Project">The project's name, such as <c>Polaris.Billing</c>; null for a container.</param>
/// <param name="Entrypoint">Replaces the image's entry point when it is not null.</param>
/// <param name="Arguments">What the entry point is called with.</param>
/// <param name="Environment">Variables in the model's order.</param>
/// <param name="Bindings">Its ports.</param>
/// <param name="Volumes">Folders that outlive the container. Their names hold a hash of a local path, so they are not read.</param>
internal sealed record ManifestResource(
    string Name,
    string? Image,
    string? Project,
    string? Entrypoint,
    IReadOnlyList<string> Arguments,
    IReadOnlyList<(string Name, string Value)> Environment,
    IReadOnlyList<ManifestBinding> Bindings,
    IReadOnlyList<string> Volumes
);

/// <summary>Whether a parameter's value must be kept secret.</summary>
internal sealed record ManifestParameter(string Name, bool Secret);

/// <summary>A piece of a value: text, or a parameter's value, which only the deployment knows.</summary>
internal readonly record struct ValuePart(string? Text, ManifestParameter? Parameter);

/// <summary>Aspire's manifest (<c>--publisher manifest</c>), as far as Polaris's model uses it; anything else is refused by name.</summary>
internal sealed partial class Manifest
{
    private readonly Dictionary<string, string> connectionStrings = [];
    private readonly Dictionary<string, ManifestParameter> parameters = [];
    private readonly List<ManifestResource> resources = [];

    private Manifest() { }

    /// <summary>Projects and containers, in the model's order.</summary>
    public IReadOnlyList<ManifestResource> Resources => resources;

    public IEnumerable<ManifestParameter> Parameters => parameters.Values;

    /// <exception cref="DistributedApplicationException">The manifest holds something that cannot be rendered.</exception>
    public static Manifest Parse(string json)
    {
        var manifest = new Manifest();
        foreach (var (name, node) in JsonNode.Parse(json)!["resources"]!.AsObject())
        {
            var resource = node!.AsObject();
            if (resource["connectionString"] is { } connectionString)
                manifest.connectionStrings.Add(name, (string)connectionString!);
            var type = (string?)resource["type"];
            switch (type)
            {
                case "value.v0":
                    break;
                case "parameter.v0":
                    manifest.parameters.Add(name, new ManifestParameter(name, (bool?)resource["inputs"]?["value"]?["secret"] ?? false));
                    break;
                case "container.v0" or "container.v1" or "project.v0":
                    manifest.resources.Add(Read(name, resource));
                    break;
                default:
                    throw new DistributedApplicationException($"'{name}' is a {type}, which is not rendered for Kubernetes.");
            }
        }

        return manifest;
    }

    /// <summary>A value with addresses in place of its references; what is left are parameters.</summary>
    public IReadOnlyList<ValuePart> Resolve(string value)
    {
        var parts = new List<ValuePart>();
        var end = 0;
        foreach (Match reference in Reference().Matches(value))
        {
            if (reference.Index > end)
                parts.Add(new ValuePart(value[end..reference.Index], null));
            end = reference.Index + reference.Length;
            parts.AddRange(ResolveReference(reference));
        }

        if (end < value.Length || value.Length == 0)
            parts.Add(new ValuePart(value[end..], null));
        return parts;
    }

    /// <summary>The ports of other resources (or its own by its own name) that a value leads to.</summary>
    public IEnumerable<(ManifestResource Resource, ManifestBinding Binding)> Targets(string value)
    {
        foreach (Match reference in Reference().Matches(value))
        {
            var (name, property) = (reference.Groups["resource"].Value, reference.Groups["property"].Value);
            if (property == "connectionString")
            {
                foreach (var target in Targets(ConnectionString(name)))
                    yield return target;
            }
            else if (property.Split('.') is ["bindings", var binding, "host" or "port" or "url"])
            {
                yield return Binding(name, binding);
            }
        }
    }

    private IReadOnlyList<ValuePart> ResolveReference(Match reference)
    {
        var (name, property) = (reference.Groups["resource"].Value, reference.Groups["property"].Value);
        if (property == "connectionString")
            return Resolve(ConnectionString(name));
        if (property == "value" && parameters.TryGetValue(name, out var parameter))
            return [new ValuePart(null, parameter)];
        if (property.Split('.') is not ["bindings", var bindingName, var what])
            throw new DistributedApplicationException($"The manifest refers to {reference.Value}, which is not rendered for Kubernetes.");
        var (_, binding) = Binding(name, bindingName);
        var port = binding.Port.ToString(CultureInfo.InvariantCulture);
        var text = what switch
        {
            "host" => name,
            // The Service listens where the container does.
            "port" or "targetPort" => port,
            "url" => $"{binding.Scheme}://{name}:{port}",
            "scheme" => binding.Scheme,
            _ => throw new DistributedApplicationException(
                $"The manifest refers to {reference.Value}, which is not rendered for Kubernetes."
            ),
        };
        return [new ValuePart(text, null)];
    }

    private string ConnectionString(string resource) =>
        connectionStrings.TryGetValue(resource, out var found)
            ? found
            : throw new DistributedApplicationException($"The manifest has no connection string of '{resource}'.");

    private (ManifestResource Resource, ManifestBinding Binding) Binding(string resource, string name)
    {
        var found = resources.Find(one => one.Name == resource);
        return found?.Bindings.FirstOrDefault(one => one.Name == name) is { } binding
            ? (found, binding)
            : throw new DistributedApplicationException($"The manifest refers to '{resource}', port '{name}', which it does not have.");
    }

    private static ManifestResource Read(string name, JsonObject resource) =>
        new(
            name,
            (string?)resource["image"],
            (string?)resource["path"] is { } path ? Path.GetFileNameWithoutExtension(path) : null,
            (string?)resource["entrypoint"],
            [.. (resource["args"]?.AsArray() ?? []).Select(argument => (string)argument!)],
            [.. (resource["env"]?.AsObject() ?? []).Select(variable => (variable.Key, (string)variable.Value!))],
            [.. (resource["bindings"]?.AsObject() ?? []).Select(binding => ReadBinding(name, binding.Key, binding.Value!.AsObject()))],
            [.. (resource["volumes"]?.AsArray() ?? []).Select(volume => (string)volume!["target"]!)]
        );

    private static ManifestBinding ReadBinding(string resource, string name, JsonObject binding) =>
        new(
            name,
            (string)binding["scheme"]!,
            (int?)binding["targetPort"]
                ?? throw new DistributedApplicationException($"Port '{name}' of '{resource}' has no number in the container."),
            (bool?)binding["external"] ?? false
        );

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<property>[\w.-]+)\}")]
    private static partial Regex Reference();
}
