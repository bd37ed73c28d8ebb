using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Polaris.ServiceDefaults;

/// <summary>
/// What only Polaris itself may reach: subgraphs, gRPC, health and metrics. A service that outsiders reach, through the gateway's proxy or
/// the Ingress, has a port of its own for them (<c>PUBLIC_PORT</c>), where internal endpoints answer 404. Without that setting, nothing of
/// the service is public, and its one HTTP port serves everything.
/// </summary>
public static class InternalEndpoints
{
    public const string PublicPort = "PUBLIC_PORT";

    public static TBuilder InternalOnly<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(Internal.Instance);

    /// <summary>The port for outsiders, if the service has one. It decides, not the request's host, which the client chooses.</summary>
    public static int? PublicPortOf(IConfiguration configuration) =>
        configuration[PublicPort] is { Length: > 0 } port ? int.Parse(port, CultureInfo.InvariantCulture) : null;

    internal static void UseInternalEndpoints(this WebApplication app)
    {
        if (PublicPortOf(app.Configuration) is not { } port)
            return;
        app.Use(
            (context, next) =>
            {
                if (context.Connection.LocalPort == port && context.GetEndpoint()?.Metadata.GetMetadata<Internal>() is not null)
                {
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                    return Task.CompletedTask;
                }

                return next(context);
            }
        );
    }

    private sealed class Internal
    {
        public static readonly Internal Instance = new();
    }
}
