using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using YamlDotNet.Serialization;

namespace Aspire.Hosting.Publishing;

using Map = Dictionary<string, object?>;

/// <summary>
/// Kubernetes manifests in Aspirate's layout: a folder for each resource with a kustomization of its own. Beyond Aspirate: probes, limits, an
/// Ingress, migrations as Jobs, and secrets kept out of ConfigMaps: they come from <c>secrets.env</c>, which is never checked in.
/// </summary>
internal static partial class KustomizeWriter
{
    private const string Namespace = "polaris";
    private const string SecretName = "polaris-secrets";
    private static readonly ISerializer Yaml = new SerializerBuilder().WithIndentedSequences().WithQuotingNecessaryStrings().WithNewLine("\n").DisableAliases().Build();

    public static void Write(IReadOnlyList<Resource> resources, string directory)
    {
        if (Directory.Exists(directory)) foreach (var folder in Directory.GetDirectories(directory)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(directory);
        var deployed = resources.Where(resource => resource is PostgresServerResource or KafkaServerResource or ProjectResource or JavaScriptAppResource && !IsDevelopmentOnly(resource)).ToArray();
        foreach (var resource in deployed) WriteResource(Path.Combine(directory, resource.Name), resource);
        WriteFile(directory, "namespace.yaml", new Map { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new Map { ["name"] = Namespace } });
        WriteFile(directory, "ingress.yaml", Ingress(deployed.SelectMany(resource => resource.Endpoints).ToArray()));
        WriteFile(directory, "kustomization.yaml", new Map
        {
            ["apiVersion"] = "kustomize.config.k8s.io/v1beta1",
            ["kind"] = "Kustomization",
            ["namespace"] = Namespace,
            ["generatorOptions"] = new Map { ["disableNameSuffixHash"] = true },
            ["resources"] = deployed.Select(resource => resource.Name).Prepend("ingress.yaml").Prepend("namespace.yaml").ToArray(),
            ["secretGenerator"] = new[] { new Map { ["name"] = SecretName, ["envs"] = new[] { "secrets.env" } } },
        });
        var parameters = resources.OfType<ParameterResource>().Where(parameter => parameter.Secret).Select(parameter => parameter.Name);
        File.WriteAllText(Path.Combine(directory, "secrets.env.example"), "# Copy to secrets.env (never checked in) and give each a random value.\n" + string.Concat(parameters.Select(name => $"{name}=\n")));
    }

    /// <summary>The demo tenant's maker has no place in a cluster; the dashboard's development server neither, but its built pages do.</summary>
    private static bool IsDevelopmentOnly(Resource resource) => resource.Name == "demo";

    private static void WriteResource(string folder, Resource resource)
    {
        Directory.CreateDirectory(folder);
        var files = new List<string> { "workload.yaml" };
        WriteFile(folder, "workload.yaml", Workload(resource));
        if (resource.Endpoints.Count > 0)
        {
            files.Add("service.yaml");
            WriteFile(folder, "service.yaml", new Map
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Service",
                ["metadata"] = Metadata(resource),
                ["spec"] = new Map
                {
                    ["selector"] = Labels(resource),
                    ["ports"] = resource.Endpoints.Select(endpoint => new Map { ["name"] = endpoint.EndpointName, ["port"] = endpoint.ContainerPort, ["targetPort"] = endpoint.EndpointName }).ToArray(),
                },
            });
        }

        WriteFile(folder, "kustomization.yaml", new Map { ["apiVersion"] = "kustomize.config.k8s.io/v1beta1", ["kind"] = "Kustomization", ["resources"] = files });
    }

    private static Map Workload(Resource resource)
    {
        var pod = new Map { ["containers"] = new[] { Container(resource) } };
        if (resource is ProjectResource { IsOneShot: true })
        {
            pod["restartPolicy"] = "OnFailure";
            return Kind("batch/v1", "Job", resource, new Map { ["backoffLimit"] = 20, ["template"] = Template(resource, pod) });
        }

        if (resource is not PostgresServerResource and not KafkaServerResource)
        {
            // A request in flight gets to its end after SIGTERM.
            pod["terminationGracePeriodSeconds"] = 30;
            return Kind("apps/v1", "Deployment", resource, new Map { ["replicas"] = 1, ["selector"] = Selector(resource), ["template"] = Template(resource, pod) });
        }

        return Kind("apps/v1", "StatefulSet", resource, new Map
        {
            ["serviceName"] = resource.Name,
            ["replicas"] = 1,
            ["selector"] = Selector(resource),
            ["template"] = Template(resource, pod),
            ["volumeClaimTemplates"] = new[]
            {
                new Map
                {
                    ["metadata"] = new Map { ["name"] = "data" },
                    ["spec"] = new Map { ["accessModes"] = new[] { "ReadWriteOnce" }, ["resources"] = new Map { ["requests"] = new Map { ["storage"] = "10Gi" } } },
                },
            },
        });
    }

    private static Map Container(Resource resource)
    {
        var container = new Map { ["name"] = resource.Name, ["image"] = Image(resource), ["imagePullPolicy"] = "IfNotPresent" };
        if (resource.Arguments.Count > 0) container["args"] = resource.Arguments;
        if (resource.Endpoints.Count > 0)
            container["ports"] = resource.Endpoints.Select(endpoint => new Map { ["name"] = endpoint.EndpointName, ["containerPort"] = endpoint.ContainerPort }).ToArray();
        container["env"] = Environment(resource).ToArray();
        container["resources"] = new Map
        {
            ["requests"] = new Map { ["cpu"] = "100m", ["memory"] = "128Mi" },
            ["limits"] = new Map { ["memory"] = resource is ProjectResource or JavaScriptAppResource ? "512Mi" : "1Gi" },
        };
        if (resource is ProjectResource { IsOneShot: false })
        {
            container["startupProbe"] = Probe("/alive", periodSeconds: 2, failureThreshold: 60);
            container["livenessProbe"] = Probe("/alive", periodSeconds: 10, failureThreshold: 3);
            container["readinessProbe"] = Probe("/health", periodSeconds: 5, failureThreshold: 2);
        }
        else if (resource.Endpoints.Count > 0)
        {
            container["readinessProbe"] = new Map { ["tcpSocket"] = new Map { ["port"] = resource.Endpoints[0].EndpointName }, ["periodSeconds"] = 5 };
        }

        if (resource is PostgresServerResource) container["volumeMounts"] = new[] { new Map { ["name"] = "data", ["mountPath"] = "/var/lib/postgresql" } };
        if (resource is KafkaServerResource) container["volumeMounts"] = new[] { new Map { ["name"] = "data", ["mountPath"] = "/var/lib/kafka/data" } };
        return container;
    }

    private static string Image(Resource resource) => resource switch
    {
        PostgresServerResource => ManifestWriter.PostgresImage,
        KafkaServerResource => ManifestWriter.KafkaImage,
        // A project's migrations run from the project's own image.
        ProjectResource project => $"polaris/{Path.GetFileNameWithoutExtension(project.Metadata.ProjectPath)[8..].ToLower(CultureInfo.InvariantCulture)}:0.1.0",
        _ => $"polaris/{resource.Name}:0.1.0",
    };

    private static IEnumerable<Map> Environment(Resource resource)
    {
        // Secrets first: a variable may only refer to those before it.
        var values = resource.Environment.Select(variable => (variable.Name, Text: variable.Value.ValueExpression)).ToList();
        if (resource is PostgresServerResource postgres) values.Add(("POSTGRES_PASSWORD", postgres.Password.ValueExpression));
        values = [.. values.Select(value => (value.Name, Expand(resource, value.Text)))];
        foreach (var secret in values.SelectMany(value => SecretReference().Matches(value.Text)).Select(match => match.Groups["name"].Value).Distinct().Order(StringComparer.Ordinal))
        {
            yield return new Map
            {
                ["name"] = Variable(secret),
                ["valueFrom"] = new Map { ["secretKeyRef"] = new Map { ["name"] = SecretName, ["key"] = secret } },
            };
        }

        foreach (var endpoint in resource.Endpoints.Where(_ => resource is ProjectResource or JavaScriptAppResource))
            yield return Plain(endpoint.PortVariable ?? "HTTP_PORTS", endpoint.ContainerPort.ToString(CultureInfo.InvariantCulture));
        // A variable that is nothing but its secret stands above already, under the same name.
        foreach (var (name, text) in values.Where(value => SecretReference().Replace(value.Text, match => Variable(match.Groups["name"].Value)) != value.Name)) yield return Plain(name, SecretReference().Replace(text, match => $"$({Variable(match.Groups["name"].Value)})"));
    }

    /// <summary>Addresses become Service names; what is left in braces is a secret.</summary>
    private static string Expand(Resource resource, string expression)
    {
        for (var round = 0; round < 5; round++)
        {
            expression = Reference().Replace(expression, match => Resolve(match.Groups["resource"].Value, match.Groups["property"].Value) ?? match.Value);
        }

        return expression;

        string? Resolve(string name, string property)
        {
            var target = References(resource).FirstOrDefault(one => one.Name == name);
            if (property == "connectionString" && target is IResourceWithConnectionString source) return source.ConnectionStringExpression.ValueExpression;
            if (property.Split('.') is not ["bindings", var endpointName, var what]) return null;
            var endpoint = target?.Endpoints.First(one => one.EndpointName == endpointName);
            return endpoint is null ? null : what switch { "host" => name, "port" => $"{endpoint.ContainerPort}", "url" => $"{endpoint.Scheme}://{name}:{endpoint.ContainerPort}", _ => null };
        }
    }

    private static IEnumerable<Resource> References(Resource resource) => resource.Environment.SelectMany(variable => Of(variable.Value));

    private static IEnumerable<Resource> Of(IValueProvider value) => value switch
    {
        PostgresDatabaseResource database => [database, database.Parent],
        Resource resource => [resource],
        EndpointReference endpoint => [endpoint.Resource],
        ReferenceExpression expression => expression.Values.SelectMany(Of),
        _ => [],
    };

    /// <summary>All of one host goes to what is external, but events go where they are stored, without a hop (docs/adr/0009).</summary>
    private static Map Ingress(IReadOnlyCollection<EndpointReference> endpoints) => new()
    {
        ["apiVersion"] = "networking.k8s.io/v1",
        ["kind"] = "Ingress",
        ["metadata"] = new Map { ["name"] = "polaris" },
        ["spec"] = new Map
        {
            ["rules"] = new[]
            {
                new Map
                {
                    ["http"] = new Map
                    {
                        ["paths"] = new[]
                        {
                            IngressPath("/ingest", "Exact", endpoints.First(endpoint => endpoint is { Resource.Name: "ingestion", EndpointName: "http" })),
                            IngressPath("/", "Prefix", endpoints.First(endpoint => endpoint.External)),
                        },
                    },
                },
            },
        },
    };

    private static Map IngressPath(string path, string type, EndpointReference endpoint) => new()
    {
        ["path"] = path,
        ["pathType"] = type,
        ["backend"] = new Map { ["service"] = new Map { ["name"] = endpoint.Resource.Name, ["port"] = new Map { ["name"] = endpoint.EndpointName } } },
    };

    private static Map Kind(string version, string kind, Resource resource, Map spec) => new() { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = Metadata(resource), ["spec"] = spec };

    private static Map Template(Resource resource, Map pod) => new() { ["metadata"] = new Map { ["labels"] = Labels(resource) }, ["spec"] = pod };

    private static Map Selector(Resource resource) => new() { ["matchLabels"] = Labels(resource) };

    private static Map Metadata(Resource resource) => new() { ["name"] = resource.Name, ["labels"] = Labels(resource) };

    private static Map Labels(Resource resource) => new() { ["app"] = resource.Name };

    private static Map Plain(string name, string value) => new() { ["name"] = name, ["value"] = value };

    private static Map Probe(string path, int periodSeconds, int failureThreshold) =>
        new() { ["httpGet"] = new Map { ["path"] = path, ["port"] = "http" }, ["periodSeconds"] = periodSeconds, ["failureThreshold"] = failureThreshold };

    private static string Variable(string secret) => secret.Replace('-', '_').ToUpperInvariant();

    private static void WriteFile(string folder, string name, Map content) => File.WriteAllText(Path.Combine(folder, name), Yaml.Serialize(content));

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<property>[\w.]+)\}")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\{(?<name>[\w-]+)\.value\}")]
    private static partial Regex SecretReference();
}
