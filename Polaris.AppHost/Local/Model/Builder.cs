using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>A project of the solution; the build writes one class for each, as Aspire's does.</summary>
public interface IProjectMetadata
{
    /// <summary>The full path of its project file.</summary>
    string ProjectPath { get; }

    /// <summary>The assembly its build makes. Only the stand-in asks: Aspire runs the project file.</summary>
    string AssemblyPath => throw new NotSupportedException();
}

public interface IDistributedApplicationBuilder
{
    IConfiguration Configuration { get; }

    DistributedApplication Build();
}

/// <summary>What went wrong, for the person at the terminal: no stack trace is shown.</summary>
public sealed class DistributedApplicationException(string message, Exception? inner = null) : Exception(message, inner);

internal sealed class LocalApplicationBuilder : IDistributedApplicationBuilder
{
    public LocalApplicationBuilder(string[] args)
    {
        Arguments = LocalArguments.Parse(args);
        Configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
    }

    public LocalArguments Arguments { get; }

    public IConfiguration Configuration { get; }

    public List<Resource> Resources { get; } = [];

    public DistributedApplication Build() => new(this);

    public ResourceBuilder<T> Add<T>(T resource)
        where T : Resource
    {
        if (Resources.Any(existing => existing.Name == resource.Name))
            throw new DistributedApplicationException($"There are two resources named '{resource.Name}'.");
        Resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }
}

internal sealed class ResourceBuilder<T>(LocalApplicationBuilder application, T resource) : IResourceBuilder<T>
    where T : IResource
{
    public T Resource { get; } = resource;

    public IDistributedApplicationBuilder ApplicationBuilder => application;
}

/// <summary>What a text of the model is when it is just text.</summary>
internal sealed class LiteralValue(string text) : IValueProvider
{
    public string ValueExpression => text;

    public string GetValue() => text;
}

public static class ResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false)
    {
        var application = (LocalApplicationBuilder)builder;
        var parameter = new ParameterResource(name, secret) { Value = builder.Configuration[$"Parameters:{name}"] };
        return application.Add(parameter);
    }

    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder, string name, IResourceBuilder<ParameterResource>? password = null)
    {
        var application = (LocalApplicationBuilder)builder;
        password ??= builder.AddParameter($"{name}-password", secret: true);
        return application.Add(new PostgresServerResource(name, password.Resource) { External = builder.Configuration.GetConnectionString(name) });
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
    {
        var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
        builder.Resource.Databases.Add(database);
        return ((LocalApplicationBuilder)builder.ApplicationBuilder).Add(database);
    }

    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder, string? name = null)
    {
        builder.Resource.VolumeName = name ?? $"{builder.Resource.Name}-data";
        return builder;
    }

    public static IResourceBuilder<KafkaServerResource> AddKafka(this IDistributedApplicationBuilder builder, string name) =>
        ((LocalApplicationBuilder)builder).Add(new KafkaServerResource(name) { External = builder.Configuration.GetConnectionString(name) });

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() =>
        ((LocalApplicationBuilder)builder).Add(new ProjectResource(name, new TProject()));

    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null)
        where T : IResourceWithEndpoints
    {
        var resource = Of(builder);
        // In a container each endpoint has a port of its own: 8080 upwards.
        resource.Endpoints.Add(new EndpointReference(resource, name ?? "http", "http", port, targetPort ?? 8080 + resource.Endpoints.Count, env));
        return builder;
    }

    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in Of(builder).Endpoints) endpoint.External = true;
        return builder;
    }

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints =>
        Of(builder).Endpoints.FirstOrDefault(endpoint => endpoint.EndpointName == name)
        ?? throw new DistributedApplicationException($"The resource '{builder.Resource.Name}' has no endpoint '{name}'.");

    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
    {
        if (statusCode is not (null or 200)) throw new DistributedApplicationException("The stand-in only checks for status 200.");
        Of(builder).HealthCheck = (path ?? "/", endpointName ?? "http");
        return builder;
    }

    public static IResourceBuilder<T> WithReference<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null)
        where T : IResourceWithEnvironment
    {
        Of(builder).Environment.Add(($"ConnectionStrings__{connectionName ?? source.Resource.Name}", source.Resource));
        return builder;
    }

    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, IResourceBuilder<ProjectResource> source)
        where T : IResourceWithEnvironment
    {
        foreach (var endpoint in source.Resource.Endpoints) builder.WithReference(endpoint);
        return builder;
    }

    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, EndpointReference endpoint)
        where T : IResourceWithEnvironment
    {
        Of(builder).Environment.Add(($"services__{endpoint.Resource.Name}__{endpoint.EndpointName}__0", endpoint));
        return builder;
    }

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment => With(builder, name, new LiteralValue(value ?? ""));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, EndpointReference endpoint)
        where T : IResourceWithEnvironment => With(builder, name, endpoint);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment => With(builder, name, parameter.Resource);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithEnvironment => With(builder, name, value);

    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithEnvironment
    {
        Of(builder).Arguments.AddRange(args);
        return builder;
    }

    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResource => Wait(builder, dependency, WaitKind.Healthy, 0);

    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResource => Wait(builder, dependency, WaitKind.Started, 0);

    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0)
        where T : IResource => Wait(builder, dependency, WaitKind.Completed, exitCode);

    internal static string NewSecret() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32);

    private static IResourceBuilder<T> With<T>(IResourceBuilder<T> builder, string name, IValueProvider value)
        where T : IResource
    {
        Of(builder).Environment.Add((name, value));
        return builder;
    }

    private static IResourceBuilder<T> Wait<T>(IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitKind kind, int exitCode)
        where T : IResource
    {
        Of(builder).Waits.Add(new WaitCondition((Resource)dependency.Resource, kind, exitCode));
        return builder;
    }

    private static Resource Of<T>(IResourceBuilder<T> builder)
        where T : IResource => (Resource)(IResource)builder.Resource;
}
