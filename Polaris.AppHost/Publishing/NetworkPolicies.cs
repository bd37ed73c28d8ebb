using k8s.Models;

namespace Polaris.AppHost.Publishing;

/// <summary>
/// Who may connect to whom: nobody, except along the references of the model, from the Ingress controller to what is public, to the
/// cluster's DNS, and from what delivers webhooks and mail to the internet.
/// </summary>
internal static class NetworkPolicies
{
    /// <summary>Where the common Ingress controllers run: ingress-nginx, Traefik, and Traefik as k3s and k3d bring it.</summary>
    private static readonly string[] IngressControllerNamespaces = ["ingress-nginx", "kube-system", "traefik"];

    /// <summary>Resources that call addresses which customers give: the internet, and nothing private that the nodes can reach.</summary>
    private static readonly string[] CallTheInternet = ["notifications"];

    private static readonly V1IPBlock[] Internet =
    [
        new()
        {
            Cidr = "0.0.0.0/0",
            Except = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
        },
        new() { Cidr = "::/0", Except = ["::1/128", "fc00::/7", "fe80::/10"] },
    ];

    public static V1NetworkPolicy DenyByDefault() =>
        new()
        {
            Metadata = new() { Name = "deny-by-default" },
            Spec = new() { PodSelector = new(), PolicyTypes = ["Ingress", "Egress"] },
        };

    public static V1NetworkPolicy AllowDns() =>
        new()
        {
            Metadata = new() { Name = "allow-dns" },
            Spec = new()
            {
                PodSelector = new(),
                PolicyTypes = ["Egress"],
                Egress =
                [
                    new()
                    {
                        To = [new() { NamespaceSelector = InNamespaces("kube-system") }],
                        Ports = [new() { Protocol = "UDP", Port = 53 }, new() { Protocol = "TCP", Port = 53 }],
                    },
                ],
            },
        };

    public static V1NetworkPolicy Of(Manifest manifest, ManifestResource resource)
    {
        var ingress = manifest
            .Resources.Select(source => (source.Name, Ports: PortsTo(manifest, source, resource)))
            .Where(arrow => arrow.Ports.Length > 0)
            .Select(arrow => new V1NetworkPolicyIngressRule { FromProperty = [Pods(arrow.Name)], Ports = arrow.Ports })
            .ToList();
        var published = resource.Bindings.Where(binding => Routes.IsPublic(resource, binding)).Select(Port).ToArray();
        if (published.Length > 0)
            ingress.Add(
                new() { FromProperty = [new() { NamespaceSelector = InNamespaces(IngressControllerNamespaces) }], Ports = published }
            );
        var egress = manifest
            .Resources.Select(target => (target.Name, Ports: PortsTo(manifest, resource, target)))
            .Where(arrow => arrow.Ports.Length > 0)
            .Select(arrow => new V1NetworkPolicyEgressRule { To = [Pods(arrow.Name)], Ports = arrow.Ports })
            .ToList();
        if (CallTheInternet.Contains(resource.Name))
            egress.Add(new() { To = [.. Internet.Select(block => new V1NetworkPolicyPeer { IpBlock = block })] });
        return new()
        {
            Metadata = Workloads.Metadata(resource),
            Spec = new()
            {
                PodSelector = new() { MatchLabels = Workloads.Labels(resource) },
                PolicyTypes = ["Ingress", "Egress"],
                Ingress = ingress.Count > 0 ? ingress : null,
                Egress = egress.Count > 0 ? egress : null,
            },
        };
    }

    private static V1NetworkPolicyPort[] PortsTo(Manifest manifest, ManifestResource source, ManifestResource target) =>
        [
            .. source
                .Environment.Select(variable => variable.Value)
                .Concat(source.Arguments)
                .SelectMany(manifest.Targets)
                .Where(arrow => arrow.Resource == target)
                .Select(arrow => arrow.Binding)
                .Distinct()
                .OrderBy(binding => binding.Port)
                .Select(Port),
        ];

    private static V1NetworkPolicyPort Port(ManifestBinding binding) => new() { Protocol = "TCP", Port = binding.Port };

    private static V1NetworkPolicyPeer Pods(string resource) =>
        new() { PodSelector = new() { MatchLabels = new Dictionary<string, string> { [Workloads.Label] = resource } } };

    private static V1LabelSelector InNamespaces(params string[] names) =>
        new()
        {
            MatchExpressions =
            [
                new()
                {
                    Key = "kubernetes.io/metadata.name",
                    OperatorProperty = "In",
                    Values = names,
                },
            ],
        };
}
