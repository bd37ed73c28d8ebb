using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting.Publishing;

/// <summary>Aspire's <c>manifest.json</c>, which deployment tools read.</summary>
internal static class ManifestWriter
{
    public const string PostgresImage = "docker.io/library/postgres:18.3";
    public const string KafkaImage = "docker.io/apache/kafka:4.1.0";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(IReadOnlyList<Resource> resources, string path)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(directory);
        var listed = new JsonObject();
        foreach (var resource in resources) listed[resource.Name] = Of(resource, directory);
        var manifest = new JsonObject { ["$schema"] = "https://json.schemastore.org/aspire-8.0.json", ["resources"] = listed };
        File.WriteAllText(path, manifest.ToJsonString(Format) + "\n");
    }

    private static JsonObject Of(Resource resource, string directory) => resource switch
    {
        ParameterResource parameter => Parameter(parameter),
        PostgresServerResource postgres => new JsonObject
        {
            ["type"] = "container.v0",
            ["connectionString"] = postgres.ConnectionStringExpression.ValueExpression,
            ["image"] = PostgresImage,
            ["volumes"] = new JsonArray(new JsonObject { ["name"] = postgres.VolumeName ?? "data", ["target"] = "/var/lib/postgresql", ["readOnly"] = false }),
            ["env"] = new JsonObject { ["POSTGRES_USER"] = "postgres", ["POSTGRES_PASSWORD"] = postgres.Password.ValueExpression },
            ["bindings"] = Bindings(postgres),
        },
        PostgresDatabaseResource database => new JsonObject { ["type"] = "value.v0", ["connectionString"] = database.ConnectionStringExpression.ValueExpression },
        KafkaServerResource kafka => new JsonObject
        {
            ["type"] = "container.v0",
            ["connectionString"] = kafka.ConnectionStringExpression.ValueExpression,
            ["image"] = KafkaImage,
            ["bindings"] = Bindings(kafka),
        },
        ProjectResource project => Project(project, directory),
        JavaScriptAppResource app => new JsonObject
        {
            ["type"] = "container.v1",
            ["build"] = new JsonObject { ["context"] = Relative(directory, app.Directory), ["dockerfile"] = Relative(directory, Path.Combine(app.Directory, "Dockerfile")) },
            ["env"] = Environment(app),
            ["bindings"] = Bindings(app),
        },
        _ => throw new DistributedApplicationException($"The manifest has no form for {resource.GetType().Name}."),
    };

    private static JsonObject Parameter(ParameterResource parameter)
    {
        var input = new JsonObject { ["type"] = "string" };
        if (parameter.Secret)
        {
            input["secret"] = true;
            input["default"] = new JsonObject { ["generate"] = new JsonObject { ["minLength"] = 22, ["special"] = false } };
        }

        return new JsonObject { ["type"] = "parameter.v0", ["value"] = $"{{{parameter.Name}.inputs.value}}", ["inputs"] = new JsonObject { ["value"] = input } };
    }

    private static JsonObject Project(ProjectResource project, string directory)
    {
        var listed = new JsonObject { ["type"] = "project.v0", ["path"] = Relative(directory, project.Metadata.ProjectPath) };
        if (project.Arguments.Count > 0) listed["args"] = new JsonArray([.. project.Arguments.Select(argument => JsonValue.Create(argument))]);
        listed["env"] = Environment(project);
        if (project.Endpoints.Count > 0) listed["bindings"] = Bindings(project);
        return listed;
    }

    private static JsonObject Environment(Resource resource)
    {
        var environment = new JsonObject();
        foreach (var endpoint in resource.Endpoints)
            environment[endpoint.PortVariable ?? "HTTP_PORTS"] = $"{{{resource.Name}.bindings.{endpoint.EndpointName}.targetPort}}";
        foreach (var (name, value) in resource.Environment) environment[name] = value.ValueExpression;
        return environment;
    }

    private static JsonObject Bindings(Resource resource)
    {
        var bindings = new JsonObject();
        foreach (var endpoint in resource.Endpoints)
        {
            var transport = endpoint.Scheme == "tcp" ? "tcp" : endpoint.EndpointName == "grpc" ? "http2" : "http";
            var binding = new JsonObject { ["scheme"] = endpoint.Scheme, ["protocol"] = "tcp", ["transport"] = transport, ["targetPort"] = endpoint.ContainerPort };
            if (endpoint.External) binding["external"] = true;
            bindings[endpoint.EndpointName] = binding;
        }

        return bindings;
    }

    private static string Relative(string from, string path) => Path.GetRelativePath(from, path).Replace('\\', '/');
}
