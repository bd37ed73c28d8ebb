using System.Text.Json;
using Grpc.AspNetCore.Server;
using GraphQL;
using GraphQL.Types;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.ServiceDefaults.Access;

/// <summary>
/// Reads from a running service's own metadata every way into it. One that declares neither a scope nor that it is for anyone ends the
/// service at its start: what nobody thought about is refused. With <see cref="FolderSetting"/> set, the list is written there as
/// <c>&lt;service&gt;.json</c>; docs/authorization.md and the leak suite are made from it.
/// </summary>
internal sealed class DeclaredAccess(EndpointDataSource endpoints, IServiceProvider services, ServiceIdentity self, IConfiguration configuration) : IHostedLifecycleService
{
    public const string FolderSetting = "Polaris:DescribeAccessTo";

    // gRPC answers for methods that do not exist at routes of its own.
    private const string Unimplemented = "unimplementedMethod";

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var surfaces = Read();
        if (configuration[FolderSetting] is not { Length: > 0 } folder) return;
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{self.Name}.json");
        // In one step: another process may read it, or write the same.
        var fresh = $"{file}.{Environment.ProcessId}";
        await File.WriteAllTextAsync(fresh, JsonSerializer.Serialize(surfaces), cancellationToken);
        File.Move(fresh, file, overwrite: true);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <exception cref="InvalidOperationException">A route declares nothing.</exception>
    private IReadOnlyList<Surface> Read() =>
        [.. endpoints.Endpoints.OfType<RouteEndpoint>().SelectMany(OfEndpoint).Concat(OfSchema()).Distinct().OrderBy(one => one.Kind, StringComparer.Ordinal).ThenBy(one => one.Name, StringComparer.Ordinal)];

    private IEnumerable<Surface> OfEndpoint(RouteEndpoint endpoint)
    {
        var admits = Admits(endpoint);
        if (endpoint.RoutePattern.RawText?.Contains(Unimplemented, StringComparison.Ordinal) == true) return [];
        if (endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is { } grpc) return [new Surface(self.Name, Surface.Grpc, grpc.Method.FullName.TrimStart('/'), admits)];
        var path = "/" + endpoint.RoutePattern.RawText?.TrimStart('/');
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods;
        return (methods is { Count: > 0 } ? methods : ["*"]).Select(method => new Surface(self.Name, Surface.Http, $"{method} {path}", admits));
    }

    private static string Admits(RouteEndpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null) return Surface.Anyone;
        var policies = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy).OfType<string>().Distinct().ToArray();
        return policies.Length > 0
            ? string.Join(" and ", policies)
            : throw new InvalidOperationException($"{endpoint.DisplayName} declares no scope: add RequireAuthorization(Scopes.X) or AllowAnonymous().");
    }

    private IEnumerable<Surface> OfSchema()
    {
        if (services.GetService<ISchema>() is not { } schema) return [];
        schema.Initialize();
        return new[] { schema.Query, schema.Mutation }.OfType<IObjectGraphType>().SelectMany(root => root.Fields.Where(field => !field.Name.StartsWith('_')).Select(field => new Surface(
            self.Name, Surface.GraphQL, $"{root.Name}.{field.Name}",
            field.GetMetadata<string>(RequireScopeAttribute.MetadataKey) is var scope and not RequireScopeAttribute.Anyone ? scope : Surface.Anyone,
            field.GetMetadata<IReadOnlyList<string>?>(RequireRoleAttribute.MetadataKey) is { } roles ? string.Join(" or ", roles) : null)));
    }
}
