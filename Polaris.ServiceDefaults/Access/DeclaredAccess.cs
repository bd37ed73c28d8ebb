using System.Text.Json;
using GraphQL;
using GraphQL.Types;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.ServiceDefaults.Access;

/// <summary>
/// Reads every entry point of a service from its own metadata. An entry point that declares neither a scope nor anonymous access stops the
/// service at startup. With <see cref="FolderSetting"/> set, the list is written there as <c>&lt;service&gt;.json</c>, the source of
/// docs/authorization.md and of the tenant isolation tests.
/// </summary>
internal sealed class DeclaredAccess(
    EndpointDataSource endpoints,
    IServiceProvider services,
    ServiceIdentity self,
    IConfiguration configuration
) : IHostedLifecycleService
{
    public const string FolderSetting = "Polaris:DescribeAccessTo";

    // gRPC maps routes of its own that answer calls of unimplemented methods.
    private const string Unimplemented = "unimplementedMethod";

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var surfaces = Read();
        if (configuration[FolderSetting] is not { Length: > 0 } folder)
            return;
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{self.Name}.json");
        // Written to a temporary file and moved: another process may read or write the same file.
        var fresh = $"{file}.{Environment.ProcessId}";
        await File.WriteAllTextAsync(fresh, JsonSerializer.Serialize(surfaces), cancellationToken);
        File.Move(fresh, file, overwrite: true);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <exception cref="InvalidOperationException">A route does not declare its access.</exception>
    private IReadOnlyList<Surface> Read() =>
        [
            .. endpoints
                .Endpoints.OfType<RouteEndpoint>()
                .SelectMany(OfEndpoint)
                .Concat(OfSchema())
                .Distinct()
                .OrderBy(surface => surface.Kind, StringComparer.Ordinal)
                .ThenBy(surface => surface.Name, StringComparer.Ordinal),
        ];

    private IEnumerable<Surface> OfEndpoint(RouteEndpoint endpoint)
    {
        var allows = Allows(endpoint);
        if (endpoint.RoutePattern.RawText?.Contains(Unimplemented, StringComparison.Ordinal) == true)
            return [];
        if (endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is { } grpc)
            return [new Surface(self.Name, Surface.Grpc, grpc.Method.FullName.TrimStart('/'), allows)];
        var path = "/" + endpoint.RoutePattern.RawText?.TrimStart('/');
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods;
        return (methods is { Count: > 0 } ? methods : ["*"]).Select(method => new Surface(
            self.Name,
            Surface.Http,
            $"{method} {path}",
            allows
        ));
    }

    private static string Allows(RouteEndpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return Surface.Anyone;
        var policies = endpoint
            .Metadata.GetOrderedMetadata<IAuthorizeData>()
            .Select(data => data.Policy)
            .OfType<string>()
            .Distinct()
            .ToArray();
        return policies.Length > 0
            ? string.Join(" and ", policies)
            : throw new InvalidOperationException(
                $"{endpoint.DisplayName} declares no scope: add RequireAuthorization(Scopes.X) or AllowAnonymous()."
            );
    }

    private IEnumerable<Surface> OfSchema()
    {
        if (services.GetService<ISchema>() is not { } schema)
            return [];
        schema.Initialize();
        return new[] { schema.Query, schema.Mutation, schema.Subscription }
            .OfType<IObjectGraphType>()
            .SelectMany(root =>
                root.Fields.Where(field => !field.Name.StartsWith('_'))
                    .Select(field => new Surface(
                        self.Name,
                        Surface.GraphQL,
                        $"{root.Name}.{field.Name}",
                        field.GetMetadata<string>(RequireScopeAttribute.MetadataKey) is var scope and not RequireScopeAttribute.Anyone
                            ? scope
                            : Surface.Anyone,
                        field.GetMetadata<IReadOnlyList<string>?>(RequireRoleAttribute.MetadataKey) is { } roles
                            ? string.Join(" or ", roles)
                            : null
                    ))
            );
    }
}
