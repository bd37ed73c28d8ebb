using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Polaris.AppHost.Hosting;
using Polaris.ServiceDefaults.Contracts;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>The Kubernetes manifests say what Aspire's model says, hold no value of a secret, and a real API server takes them.</summary>
public sealed partial class PublishingTests(PublishedManifests published) : IClassFixture<PublishedManifests>
{
    private static readonly string[] Services = ["identity", "plans", "ingestion", "billing", "notifications"];

    [Fact]
    public void The_checked_in_manifests_are_what_the_AppHost_renders()
    {
        string[] Names(string folder) =>
            [
                .. Directory
                    .GetFiles(folder, "*", SearchOption.AllDirectories)
                    .Select(file => Path.GetRelativePath(folder, file))
                    // A deployment's own.
                    .Where(file => Path.GetExtension(file) != ".env")
                    .Order(StringComparer.Ordinal),
            ];
        Assert.Equal(Names(published.Output), Names(PublishedManifests.CheckedIn));
        foreach (var name in Names(published.Output))
            Assert.Equal(
                File.ReadAllText(Path.Combine(published.Output, name)),
                File.ReadAllText(Path.Combine(PublishedManifests.CheckedIn, name))
            );
    }

    [Fact]
    public void Every_project_and_container_of_the_model_is_run_and_nothing_else()
    {
        Assert.Equal(published.Model.Keys.Order(), published.Pods().Select(pod => pod.Name).Order());
        string[] Names<T>()
            where T : IKubernetesObject<V1ObjectMeta> => [.. published.All<T>().Select(one => one.Object.Metadata.Name).Order()];
        Assert.Equal(["kafka", "postgres"], Names<V1StatefulSet>());
        Assert.Equal([.. Services.Select(service => service + "-migrations").Append("kafka-topics").Order()], Names<V1Job>());
    }

    [Fact]
    public void Pods_may_connect_along_the_references_of_the_model_and_no_further()
    {
        var arrows = published
            .Model.SelectMany(source => source.Value.Arrows.Select(arrow => (Source: source.Key, arrow.Target, arrow.Port)))
            .ToHashSet();
        Assert.Contains(("billing", "plans", 8081), arrows);
        Assert.DoesNotContain(arrows, arrow => arrow is ("billing", "notifications", _));

        var policies = published.All<V1NetworkPolicy>().Select(one => one.Object).ToDictionary(policy => policy.Metadata.Name);
        var deny = policies["deny-by-default"].Spec;
        Assert.Null(deny.PodSelector.MatchLabels);
        Assert.Equal(["Ingress", "Egress"], deny.PolicyTypes);
        Assert.Equal((null, null), (deny.Ingress, deny.Egress));
        var dns = Assert.Single(policies["allow-dns"].Spec.Egress);
        Assert.Equal(["kube-system"], Namespaces(Assert.Single(dns.To)));
        Assert.All(dns.Ports, port => Assert.Equal("53", port.Port.Value));
        Assert.Null(policies["allow-dns"].Spec.Ingress);

        var perResource = policies.Values.Where(policy => published.Model.ContainsKey(policy.Metadata.Name)).ToArray();
        Assert.Equal(policies.Count - 2, perResource.Length);
        Assert.All(perResource, policy => Assert.Equal(policy.Metadata.Name, policy.Spec.PodSelector.MatchLabels["app"]));
        var received = new List<(string, string, int)>();
        var sent = new List<(string, string, int)>();
        var fromOutside = new List<(string, int, string)>();
        var internet = new List<string>();
        foreach (var policy in perResource)
        {
            var name = policy.Metadata.Name;
            foreach (var rule in policy.Spec.Ingress ?? [])
            {
                var from = Assert.Single(rule.FromProperty);
                if (from.PodSelector is { } pods)
                    received.AddRange(rule.Ports.Select(port => (pods.MatchLabels["app"], name, Number(port))));
                else
                    fromOutside.AddRange(rule.Ports.Select(port => (name, Number(port), string.Join(',', Namespaces(from)))));
            }

            foreach (var rule in policy.Spec.Egress ?? [])
            {
                if (rule.To.All(to => to.IpBlock is not null))
                    internet.Add(name);
                else
                    sent.AddRange(rule.Ports.Select(port => (name, Assert.Single(rule.To).PodSelector.MatchLabels["app"], Number(port))));
            }
        }

        Assert.Equal(arrows.Order(), received.Order());
        Assert.Equal(arrows.Order(), sent.Order());
        const string Controllers = "ingress-nginx,kube-system,traefik";
        Assert.Equal([("gateway", 8082, Controllers), ("ingestion", 8082, Controllers)], fromOutside.Order());
        Assert.Equal(["notifications"], internet);
    }

    [Fact]
    public void The_Ingress_sends_events_to_ingestion_and_all_else_to_the_gateway()
    {
        var paths = Assert.Single(Assert.Single(published.All<V1Ingress>()).Object.Spec.Rules).Http.Paths;
        Assert.Equal(
            [("/ingest", "Exact", "ingestion", "public"), ("/", "Prefix", "gateway", "public")],
            paths.Select(path => (path.Path, path.PathType, path.Backend.Service.Name, path.Backend.Service.Port.Name))
        );
    }

    [Fact]
    public void A_pod_gets_the_secrets_that_its_own_settings_name_and_no_other()
    {
        foreach (var (name, pod) in published.Pods())
        {
            var wanted = published.Model[name].Secrets.Order(StringComparer.Ordinal).ToArray();
            var used = Containers(pod)
                .SelectMany(container => container.Env ?? [])
                .Select(variable => variable.ValueFrom?.SecretKeyRef)
                .OfType<V1SecretKeySelector>()
                .ToArray();
            Assert.Equal(wanted, used.Select(secret => secret.Key).Distinct().Order(StringComparer.Ordinal));
            Assert.All(used, secret => Assert.Equal(name + "-secrets", secret.Name));
            Assert.All(Containers(pod), container => Assert.Null(container.EnvFrom));
            Assert.All(pod.Volumes ?? [], volume => Assert.NotNull(volume.EmptyDir));

            // The Secret that is generated for it holds just these.
            var example = Path.Combine(published.Output, name, "secrets.env.example");
            var offered = File.Exists(example) ? File.ReadLines(example).Where(line => line.EndsWith('=')).Select(line => line[..^1]) : [];
            Assert.Equal(wanted, offered);
            var kustomization = File.ReadAllText(Path.Combine(published.Output, name, "kustomization.yaml"));
            Assert.Equal(wanted.Length > 0, kustomization.Contains($"name: {name}-secrets", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Only_migrations_have_the_owner_s_password_and_only_Identity_the_installation_s_secret()
    {
        string[] Holders(string secret) =>
            [.. published.Pods().Where(pod => Containers(pod.Pod).Any(one => Uses(one, secret))).Select(pod => pod.Name).Order()];
        Assert.Equal([.. Services.Select(service => service + "-migrations").Append("postgres").Order()], Holders("postgres-password"));
        Assert.Equal(["identity"], Holders("installation-secret"));
        foreach (var service in Services)
        {
            Assert.Equal([service, service + "-migrations"], Holders(service + "-database-password"));
            if (service != "identity")
                Assert.Equal([.. new[] { service, "identity" }.Order()], Holders(service + "-client-secret"));
        }

        Assert.Equal(["gateway", "identity"], Holders("gateway-client-secret"));
    }

    [Fact]
    public void A_service_waits_for_its_migrations_as_its_own_role()
    {
        var waiting = published.Pods().Where(pod => pod.Pod.InitContainers is { Count: > 0 }).ToArray();
        Assert.Equal(Services.Order(), waiting.Select(pod => pod.Name).Order());
        foreach (var (name, pod) in waiting)
        {
            var (wait, main) = (Assert.Single(pod.InitContainers), Assert.Single(pod.Containers));
            Assert.Equal((main.Image, "migrate --wait"), (wait.Image, string.Join(' ', wait.Args)));
            string? Database(V1Container container) => container.Env.Single(one => one.Name == "ConnectionStrings__database").Value;
            Assert.Equal(Database(main), Database(wait));
            Assert.Contains($"Username=polaris_{name};", Database(wait), StringComparison.Ordinal);
            Assert.False(Uses(wait, name + "-client-secret"));
        }
    }

    [Fact]
    public void Ports_of_Services_containers_settings_and_the_model_are_the_same()
    {
        var services = published.All<V1Service>().ToDictionary(one => one.Object.Metadata.Name, one => one.Object.Spec);
        foreach (var (name, pod) in published.Pods())
        {
            var container = Assert.Single(pod.Containers);
            var ports = (container.Ports ?? []).ToDictionary(port => port.Name, port => port.ContainerPort);
            Assert.Equal(published.Ports[name], ports.Values.Order());
            Assert.Equal(ports.Count > 0, services.ContainsKey(name));
            if (ports.Count == 0)
                continue;
            Assert.Equal(name, services[name].Selector["app"]);
            Assert.Equal(
                ports.Select(port => (port.Key, port.Value, port.Key)).Order(),
                services[name].Ports.Select(port => (port.Name, port.Port, port.TargetPort.Value)).Order()
            );
            foreach (
                var (variable, port) in new[] { ("HTTP_PORTS", "http"), ("GRPC_PORT", "grpc"), ("PUBLIC_PORT", "public"), ("PORT", "http") }
            )
            {
                if (container.Env?.SingleOrDefault(one => one.Name == variable) is { } told)
                    Assert.Equal(ports[port].ToString(CultureInfo.InvariantCulture), told.Value);
            }
        }

        var addresses = published
            .Pods()
            .SelectMany(pod => Containers(pod.Pod))
            .SelectMany(container => container.Env ?? [])
            .SelectMany(variable => Address().Matches(variable.Value ?? ""))
            .Select(match => (Host: match.Groups["host"].Value, Port: int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture)))
            .Where(address => address.Host is not ("" or "localhost"))
            .ToArray();
        Assert.Contains(("kafka", 9092), addresses);
        Assert.Contains(("postgres", 5432), addresses);
        Assert.Contains(("identity", 8081), addresses);
        Assert.All(addresses, address => Assert.Contains(services[address.Host].Ports, port => port.Port == address.Port));
    }

    [Fact]
    public void No_value_of_a_secret_and_no_path_of_the_machine_is_in_a_file()
    {
        string[] machine =
        [
            PublishedManifests.SecretValue,
            Switches.RepositoryRoot,
            Path.GetTempPath().TrimEnd('/') + "/polaris",
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + "/",
            ".csproj",
        ];
        foreach (var file in published.Files("*"))
        {
            var content = File.ReadAllText(file);
            Assert.All(machine, word => Assert.DoesNotContain(word, content, StringComparison.Ordinal));
            // The name that Aspire gives a volume holds a hash of the AppHost's path.
            Assert.DoesNotMatch("apphost-[0-9a-f]{6,}", content);
        }

        foreach (var variable in published.Pods().SelectMany(pod => Containers(pod.Pod)).SelectMany(container => container.Env ?? []))
        {
            if (SecretName().IsMatch(variable.Name))
                Assert.True(variable.ValueFrom?.SecretKeyRef is not null, $"{variable.Name} has a value in the manifests.");
            Assert.DoesNotMatch(@"Password=(?!\$\()", variable.Value ?? "");
        }
    }

    [Fact]
    public void The_public_URL_is_a_parameter()
    {
        var holders = published
            .Pods()
            .Where(pod => Assert.Single(pod.Pod.Containers).Env?.Any(one => one.Name == "Polaris__PublicUrl") == true)
            .ToArray();
        Assert.Equal([.. Services.Append("gateway").Order()], holders.Select(pod => pod.Name).Order());
        foreach (var (_, pod) in holders)
        {
            var from = pod.Containers[0].Env.Single(one => one.Name == "Polaris__PublicUrl").ValueFrom.ConfigMapKeyRef;
            Assert.Equal(("polaris-parameters", "public-url"), (from.Name, from.Key));
        }

        Assert.Contains("public-url=", File.ReadAllLines(Path.Combine(published.Output, "parameters.env.example")));
    }

    [Fact]
    public void A_pod_is_restricted_and_bounded()
    {
        var labels = Assert.Single(published.All<V1Namespace>()).Object.Metadata.Labels;
        Assert.Equal("restricted", labels["pod-security.kubernetes.io/enforce"]);
        foreach (var (name, pod) in published.Pods())
        {
            Assert.Equal((true, "RuntimeDefault"), (pod.SecurityContext.RunAsNonRoot, pod.SecurityContext.SeccompProfile.Type));
            Assert.True(pod.SecurityContext.RunAsUser > 0);
            Assert.Equal((false, false), (pod.AutomountServiceAccountToken, pod.EnableServiceLinks));
            foreach (var container in Containers(pod))
            {
                Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.Equal(!name.StartsWith("kafka", StringComparison.Ordinal), container.SecurityContext.ReadOnlyRootFilesystem);
                Assert.Contains("memory", container.Resources.Limits.Keys);
                Assert.Equal(["cpu", "memory"], container.Resources.Requests.Keys.Order());
            }
        }
    }

    [Fact]
    public void A_service_whose_database_is_away_stays_in_its_Service_so_that_it_can_answer_503()
    {
        foreach (var name in Services.Append("gateway"))
        {
            var container = Assert.Single(published.Pods().Single(pod => pod.Name == name).Pod.Containers);
            Assert.Equal(
                ("/health", "/alive", "/alive"),
                (container.StartupProbe.HttpGet.Path, container.ReadinessProbe.HttpGet.Path, container.LivenessProbe.HttpGet.Path)
            );
        }
    }

    [Fact]
    public void Ingestion_and_Billing_scale_Billing_no_further_than_its_partitions()
    {
        var scalers = published
            .All<V2HorizontalPodAutoscaler>()
            .Select(one => one.Object.Spec)
            .ToDictionary(spec => spec.ScaleTargetRef.Name);
        Assert.Equal(["billing", "ingestion"], scalers.Keys.Order());
        Assert.Equal(Topics.All.Single(topic => topic.Name == "polaris.usage.v1").Partitions, scalers["billing"].MaxReplicas);
        foreach (var name in scalers.Keys)
        {
            var deployment = Assert.Single(published.All<V1Deployment>(), one => one.Object.Metadata.Name == name).Object;
            // Else every apply would set the autoscaler's number back.
            Assert.Null(deployment.Spec.Replicas);
            var budget = Assert.Single(published.All<V1PodDisruptionBudget>(), one => one.Object.Metadata.Name == name).Object;
            Assert.Equal(deployment.Spec.Selector.MatchLabels, budget.Spec.Selector.MatchLabels);
            Assert.True(scalers[name].MinReplicas >= 2);
        }
    }

    [Fact]
    public void Kafka_is_reached_by_its_name_and_a_Job_creates_the_topics()
    {
        var broker = Assert.Single(published.Pods().Single(pod => pod.Name == "kafka").Pod.Containers);
        string Setting(string name) => broker.Env.Single(one => one.Name == name).Value;
        Assert.Equal("PLAINTEXT://kafka:9092", Setting("KAFKA_ADVERTISED_LISTENERS"));
        Assert.Equal("PLAINTEXT://:9092,CONTROLLER://:9093", Setting("KAFKA_LISTENERS"));
        Assert.Equal("false", Setting("KAFKA_AUTO_CREATE_TOPICS_ENABLE"));
        Assert.StartsWith(
            Assert.Single(broker.VolumeMounts, mount => mount.Name == "data").MountPath,
            Setting("KAFKA_LOG_DIRS"),
            StringComparison.Ordinal
        );

        var job = Assert.Single(published.Pods().Single(pod => pod.Name == "kafka-topics").Pod.Containers);
        Assert.Equal(broker.Image, job.Image);
        var created = Topic().Matches(job.Args[^1]).Select(match => (match.Groups["name"].Value, match.Groups["partitions"].Value));
        Assert.Equal(Topics.All.Select(topic => (topic.Name, topic.Partitions.ToString(CultureInfo.InvariantCulture))), created);
    }

    [Fact]
    public async Task Rendering_again_replaces_what_was_rendered_and_leaves_a_deployment_s_own_files()
    {
        var own = Path.Combine(published.Output, "billing", "secrets.env");
        var other = Path.Combine(published.Output, "notes.txt");
        var gone = Path.Combine(published.Output, "no-longer-there");
        await File.WriteAllTextAsync(own, "billing-client-secret=mine\n");
        await File.WriteAllTextAsync(other, "mine");
        Directory.CreateDirectory(gone);
        File.Copy(Path.Combine(published.Output, "billing", "service.yaml"), Path.Combine(gone, "service.yaml"));
        await published.RenderAsync();
        Assert.Equal(["billing-client-secret=mine"], await File.ReadAllLinesAsync(own));
        Assert.Equal("mine", await File.ReadAllTextAsync(other));
        Assert.False(Directory.Exists(gone));
        File.Delete(own);
        File.Delete(other);
    }

    [Fact]
    public async Task The_script_gives_a_parameter_one_value_wherever_it_stands_and_keeps_it()
    {
        var folder = await published.WithParametersAsync();
        Dictionary<string, string> Values(string resource) =>
            File.ReadLines(Path.Combine(folder, resource, "secrets.env"))
                .Select(line => line.Split('='))
                .ToDictionary(pair => pair[0], pair => pair[1]);
        foreach (var (name, references) in published.Model.Where(resource => resource.Value.Secrets.Count > 0))
            Assert.Equal(references.Secrets.Order(), Values(name).Keys.Order());
        var values = published
            .Model.Where(resource => resource.Value.Secrets.Count > 0)
            .SelectMany(resource => Values(resource.Key))
            .GroupBy(pair => pair.Key, pair => pair.Value)
            .ToDictionary(group => group.Key, group => Assert.Single(group.Distinct()));
        Assert.All(values.Values, value => Assert.Matches("^[0-9a-f]{64}$", value));
        Assert.Equal(values.Count, values.Values.Distinct().Count());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(folder, "billing", "secrets.env"))
            );

        // Another run changes no secret and takes over another URL.
        var before = Values("identity");
        File.Delete(Path.Combine(folder, "billing", "secrets.env"));
        Assert.Equal(0, (await PublishedManifests.GenerateAsync(folder, "public-url=https://other.example")).Code);
        Assert.Equal(before, Values("identity"));
        Assert.Equal(before["billing-client-secret"], Values("billing")["billing-client-secret"]);
        Assert.Equal(["public-url=https://other.example"], await File.ReadAllLinesAsync(Path.Combine(folder, "parameters.env")));

        Assert.Contains(
            "no parameter 'colour'",
            (await PublishedManifests.GenerateAsync(folder, "colour=red")).Error,
            StringComparison.Ordinal
        );
        File.Delete(Path.Combine(folder, "parameters.env"));
        var (code, _, error) = await PublishedManifests.GenerateAsync(folder);
        Assert.Equal(2, code);
        Assert.Contains("Give public-url a value", error, StringComparison.Ordinal);
    }

    /// <summary>Asks a real API server where the folder <c>shared/kube</c> with one lies beside the repository or further up.</summary>
    [Fact]
    public async Task A_real_API_server_accepts_every_object()
    {
        var folder = await published.WithParametersAsync();
        var expected = published.Objects.Count + published.Model.Count(resource => resource.Value.Secrets.Count > 0) + 1;
        if (FindUp(Path.Combine("shared", "kube", "up")) is not { } up)
        {
            TestContext.Current.AddWarning(
                "There is no shared/kube: no API server was asked, the manifests are only checked against the types."
            );
            AssertKustomizationsAreWhole(folder);
            return;
        }

        var home = Path.GetDirectoryName(up)!;
        var server = Directory.CreateTempSubdirectory("polaris-kube-");
        try
        {
            var kubeconfig = (await SucceedAsync(up, [server.FullName])).Trim();
            Task<string> KubectlAsync(params string[] arguments) =>
                SucceedAsync(Path.Combine(home, "kube"), ["kubectl", "--kubeconfig", kubeconfig, .. arguments]);
            // What is in a namespace is only looked at when that is there.
            await KubectlAsync("apply", "-f", Path.Combine(folder, "namespace.yaml"));
            var accepted = await KubectlAsync("apply", "--dry-run=server", "-k", folder);
            Assert.Equal(expected, accepted.Split('\n').Count(line => line.EndsWith("(server dry run)", StringComparison.Ordinal)));
        }
        finally
        {
            await PublishedManifests.RunAsync(Path.Combine(home, "down"), [server.FullName]);
            server.Delete(recursive: true);
        }
    }

    /// <summary>A warning is a failure as well: so the API server says that a pod would not be let in.</summary>
    private static async Task<string> SucceedAsync(string program, string[] arguments)
    {
        var (code, output, error) = await PublishedManifests.RunAsync(program, arguments);
        Assert.True(code == 0 && !error.Contains("Warning", StringComparison.Ordinal), output + error);
        return output;
    }

    private static void AssertKustomizationsAreWhole(string folder)
    {
        foreach (var file in Directory.GetFiles(folder, "kustomization.yaml", SearchOption.AllDirectories))
        {
            var here = Path.GetDirectoryName(file)!;
            var kustomization = KubernetesYaml.Deserialize<Dictionary<string, object>>(File.ReadAllText(file));
            var named = ((IEnumerable<object>)kustomization["resources"]).Select(one => (string)one).ToHashSet();
            var there = Directory
                .GetFiles(here, "*.yaml")
                .Select(one => Path.GetFileName(one)!)
                .Where(name => name != "kustomization.yaml");
            Assert.Equal(there.Concat(Directory.GetDirectories(here).Select(one => Path.GetFileName(one)!)).Order(), named.Order());
            foreach (Match generated in EnvFile().Matches(File.ReadAllText(file)))
                Assert.True(File.Exists(Path.Combine(here, generated.Groups["file"].Value)), $"{file}: {generated.Value}");
        }
    }

    private static string? FindUp(string path)
    {
        for (var folder = Directory.GetParent(Switches.RepositoryRoot); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, path)))
                return Path.Combine(folder.FullName, path);
        }

        return null;
    }

    private static IEnumerable<V1Container> Containers(V1PodSpec pod) => pod.Containers.Concat(pod.InitContainers ?? []);

    private static bool Uses(V1Container container, string secret) =>
        container.Env?.Any(variable => variable.ValueFrom?.SecretKeyRef?.Key == secret) == true;

    private static IEnumerable<string> Namespaces(V1NetworkPolicyPeer peer) =>
        Assert.Single(peer.NamespaceSelector.MatchExpressions).Values;

    private static int Number(V1NetworkPolicyPort port)
    {
        Assert.Equal("TCP", port.Protocol);
        return int.Parse(port.Port.Value, CultureInfo.InvariantCulture);
    }

    /// <summary>A host and port in a setting: of a URL, a broker or a connection string.</summary>
    [GeneratedRegex(@"(?:://|^|Host=)(?<host>[a-z-]*)(?::|;Port=)(?<port>\d+)")]
    private static partial Regex Address();

    [GeneratedRegex("(?i)password$|secret|serviceclients")]
    private static partial Regex SecretName();

    [GeneratedRegex(@"--topic (?<name>\S+) --partitions (?<partitions>\d+)")]
    private static partial Regex Topic();

    [GeneratedRegex(@"- (?<file>\w+\.env)$", RegexOptions.Multiline)]
    private static partial Regex EnvFile();
}
