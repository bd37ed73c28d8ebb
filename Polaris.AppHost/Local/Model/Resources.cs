using System.Runtime.CompilerServices;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something the application is made of. The names and shapes here are Aspire's; what runs them is ours (docs/adr/0001).</summary>
public interface IResource
{
    string Name { get; }
}

public interface IResourceWithEnvironment : IResource;

public interface IResourceWithEndpoints : IResource;

public interface IResourceWithConnectionString : IResource, IValueProvider
{
    ReferenceExpression ConnectionStringExpression { get; }
}

/// <summary>A value known only when the application runs.</summary>
public interface IValueProvider
{
    /// <summary>The value at run time.</summary>
    string GetValue();

    /// <summary>The placeholder in a manifest, such as <c>{postgres.connectionString}</c>.</summary>
    string ValueExpression { get; }
}

public interface IResourceBuilder<out T>
    where T : IResource
{
    T Resource { get; }

    IDistributedApplicationBuilder ApplicationBuilder { get; }
}

/// <summary>What the stand-in keeps for each resource.</summary>
public abstract class Resource(string name) : IResource
{
    public string Name { get; } = name;

    internal List<EndpointReference> Endpoints { get; } = [];

    internal List<(string Name, IValueProvider Value)> Environment { get; } = [];

    internal List<string> Arguments { get; } = [];

    internal List<WaitCondition> Waits { get; } = [];

    internal (string Path, string Endpoint)? HealthCheck { get; set; }
}

internal enum WaitKind
{
    Started,
    Healthy,
    Completed,
}

internal sealed record WaitCondition(Resource On, WaitKind Kind, int ExitCode = 0);

/// <summary>A C# project, run as a process. One without endpoints does its work and ends.</summary>
public sealed class ProjectResource : Resource, IResourceWithEnvironment, IResourceWithEndpoints
{
    internal ProjectResource(string name, IProjectMetadata metadata)
        : base(name) => Metadata = metadata;

    internal IProjectMetadata Metadata { get; }

    internal bool IsOneShot => Endpoints.Count == 0;
}

/// <summary>A web front end whose development server npm runs.</summary>
public sealed class JavaScriptAppResource : Resource, IResourceWithEnvironment, IResourceWithEndpoints
{
    internal JavaScriptAppResource(string name, string directory, string script)
        : base(name) => (Directory, Script) = (directory, script);

    internal string Directory { get; }

    internal string Script { get; }
}

public sealed class ParameterResource : Resource, IValueProvider
{
    internal ParameterResource(string name, bool secret)
        : base(name) => Secret = secret;

    public bool Secret { get; }

    internal string? Value { get; set; }

    public string ValueExpression => $"{{{Name}.value}}";

    public string GetValue() => Value ?? throw new DistributedApplicationException($"Parameters:{Name} has no value.");
}

public sealed class PostgresServerResource : Resource, IResourceWithConnectionString, IResourceWithEndpoints
{
    internal PostgresServerResource(string name, ParameterResource password)
        : base(name)
    {
        Password = password;
        Endpoint = new EndpointReference(this, "tcp", "tcp", 15432, 5432, null);
        Endpoints.Add(Endpoint);
    }

    internal ParameterResource Password { get; }

    internal EndpointReference Endpoint { get; }

    internal string? VolumeName { get; set; }

    internal List<PostgresDatabaseResource> Databases { get; } = [];

    /// <summary>Set when the user brought a server: <c>ConnectionStrings__postgres</c>.</summary>
    internal string? External { get; set; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
        $"Host={Endpoint.Property("host")};Port={Endpoint.Property("port")};Username=postgres;Password={Password}");

    public string ValueExpression => $"{{{Name}.connectionString}}";

    public string GetValue() => External ?? ConnectionStringExpression.GetValue();
}

public sealed class PostgresDatabaseResource : Resource, IResourceWithConnectionString
{
    internal PostgresDatabaseResource(string name, string databaseName, PostgresServerResource parent)
        : base(name) => (DatabaseName, Parent) = (databaseName, parent);

    public string DatabaseName { get; }

    public PostgresServerResource Parent { get; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Parent};Database={DatabaseName}");

    public string ValueExpression => $"{{{Name}.connectionString}}";

    public string GetValue() => ConnectionStringExpression.GetValue();
}

public sealed class KafkaServerResource : Resource, IResourceWithConnectionString, IResourceWithEndpoints
{
    internal KafkaServerResource(string name)
        : base(name)
    {
        Endpoint = new EndpointReference(this, "tcp", "tcp", 19092, 9092, null);
        Endpoints.Add(Endpoint);
    }

    internal EndpointReference Endpoint { get; }

    internal string? External { get; set; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Endpoint.Property("host")}:{Endpoint.Property("port")}");

    public string ValueExpression => $"{{{Name}.connectionString}}";

    public string GetValue() => External ?? ConnectionStringExpression.GetValue();
}

/// <summary>An address of a resource. Its port is chosen when the application starts: the preferred one, or a free one.</summary>
public sealed class EndpointReference : IValueProvider
{
    internal EndpointReference(Resource resource, string name, string scheme, int? preferredPort, int containerPort, string? portVariable)
    {
        (Resource, EndpointName, Scheme, PreferredPort, ContainerPort, PortVariable) = (resource, name, scheme, preferredPort, containerPort, portVariable);
    }

    public string EndpointName { get; }

    internal Resource Resource { get; }

    internal string Scheme { get; }

    internal int? PreferredPort { get; }

    /// <summary>The port inside a container.</summary>
    internal int ContainerPort { get; }

    /// <summary>The environment variable that tells the process its port; null for ASP.NET Core's own.</summary>
    internal string? PortVariable { get; }

    internal bool External { get; set; }

    internal int? AllocatedPort { get; set; }

    public int Port => AllocatedPort ?? throw new DistributedApplicationException($"The endpoint {Resource.Name}/{EndpointName} has no port yet.");

    // 'localhost' and not an address: browsers treat it as a secure origin, which sign-in needs.
    public string Url => $"{Scheme}://localhost:{Port}";

    public string ValueExpression => $"{{{Resource.Name}.bindings.{EndpointName}.url}}";

    public string GetValue() => Url;

    internal IValueProvider Property(string property) => new EndpointProperty(this, property);

    private sealed class EndpointProperty(EndpointReference endpoint, string property) : IValueProvider
    {
        public string ValueExpression => $"{{{endpoint.Resource.Name}.bindings.{endpoint.EndpointName}.{property}}}";

        public string GetValue() => property == "host" ? "localhost" : endpoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>Text with values in it that are known when the application runs: <c>ReferenceExpression.Create($"{database};Username=x")</c>.</summary>
public sealed class ReferenceExpression : IValueProvider
{
    private readonly IReadOnlyList<object> parts;

    private ReferenceExpression(IReadOnlyList<object> parts) => this.parts = parts;

    public string ValueExpression => string.Concat(parts.Select(part => part is IValueProvider value ? value.ValueExpression : (string)part));

    public string GetValue() => string.Concat(parts.Select(part => part is IValueProvider value ? value.GetValue() : (string)part));

    internal IEnumerable<IValueProvider> Values => parts.OfType<IValueProvider>();

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    /// <summary>Collects the pieces of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler
    {
        private readonly List<object> parts = [];

        public ExpressionInterpolatedStringHandler(int literalLength, int formattedCount) => parts.Capacity = formattedCount * 2 + literalLength % 2;

        internal IReadOnlyList<object> Parts => parts;

        public void AppendLiteral(string value) => parts.Add(value);

        public void AppendFormatted(string? value) => parts.Add(value ?? "");

        public void AppendFormatted<T>(T value)
            where T : IValueProvider => parts.Add(value);

        public void AppendFormatted<T>(IResourceBuilder<T> value)
            where T : IResource, IValueProvider => parts.Add(value.Resource);
    }
}
