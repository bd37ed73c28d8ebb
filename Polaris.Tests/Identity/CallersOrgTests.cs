using System.Net.Http.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>A call that a service makes for a request names the request's org.</summary>
public sealed class CallersOrgTests
{
    [Fact]
    public async Task Every_call_made_for_a_request_names_the_request_s_org()
    {
        var org = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        using var wire = new Wire();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([
            new("Polaris:PublicUrl", "http://localhost"),
            new("Polaris:DescribeAccessTo", ""),
            new(PolarisAuthentication.ClientSecretSetting, "secret"),
            new("services:identity:http:0", "http://127.0.0.1:9"),
        ]);
        builder.AddServiceDefaults("plans");
        builder.Services.AddHttpClient("identity").ConfigurePrimaryHttpMessageHandler(() => wire);
        builder
            .Services.AddPolarisGrpcClient<Polaris.Identity.V1.Identity.IdentityClient>("identity")
            .ConfigurePrimaryHttpMessageHandler(() => wire);
        await using var app = builder.Build();
        await using var scope = app.Services.CreateAsyncScope();
        var identity = scope.ServiceProvider.GetRequiredService<Polaris.Identity.V1.Identity.IdentityClient>();

        // Background work names the org in its messages, see TenantMetadata.
        await Assert.ThrowsAsync<RpcException>(async () => await identity.GetOrgAsync(new GetOrgRequest()));
        Assert.Equal([("Bearer of plans", null)], wire.Calls.Distinct());

        wire.Calls.Clear();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        app.Services.GetRequiredService<IHttpContextAccessor>().HttpContext = new DefaultHttpContext
        {
            RequestServices = scope.ServiceProvider,
        };
        await Assert.ThrowsAsync<RpcException>(async () => await identity.GetOrgAsync(new GetOrgRequest()));
        Assert.Equal([("Bearer of plans", org.ToString())], wire.Calls.Distinct());
    }

    /// <summary>Gives a service its token, and hears what it calls with.</summary>
    private sealed class Wire : HttpMessageHandler
    {
        public List<(string? Authorization, string? Org)> Calls { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.AbsolutePath == "/connect/token")
                return Task.FromResult(
                    new HttpResponseMessage { Content = JsonContent.Create(new { access_token = "of plans", expires_in = 300 }) }
                );
            string? Of(string name) => request.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
            Calls.Add((Of("Authorization"), Of("x-polaris-org")));
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.NotFound));
        }
    }
}
