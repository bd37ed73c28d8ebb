using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Duende.IdentityModel.Client;
using Grpc.Core;
using Grpc.Net.Client;
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

/// <summary>What services ask Identity, and that a call for one org cannot become one for another.</summary>
public sealed class ServiceCallTests(PolarisApp polaris)
{
    [Fact]
    public async Task A_service_learns_of_keys_orgs_and_people_one_by_one_or_many_at_once()
    {
        var (one, other) = (await Account.SignUpAsync(polaris), await Account.SignUpAsync(polaris));
        using var channel = GrpcChannel.ForAddress(polaris.App.GetEndpoint("identity", "grpc"));
        var identity = new Polaris.Identity.V1.Identity.IdentityClient(channel);
        var service = await HeadersAsync(null);

        var verdicts = await identity.ValidateApiKeysAsync(new ValidateApiKeysRequest { ApiKeys = { one.ApiKey, "pk_00000000_nobody", other.ApiKey, "no key" } }, service);
        Assert.Equal([ApiKeyVerdict.Valid, ApiKeyVerdict.Unknown, ApiKeyVerdict.Valid, ApiKeyVerdict.Unknown], verdicts.Verdicts.Select(verdict => verdict.Verdict));
        Assert.Equal([one.OrgId.ToString(), "", other.OrgId.ToString(), ""], verdicts.Verdicts.Select(verdict => verdict.OrgId));
        var orgs = await identity.GetOrgsAsync(new GetOrgsRequest { OrgIds = { one.OrgId.ToString(), other.OrgId.ToString(), one.UserId.ToString() } }, service);
        Assert.Equal(new[] { one.OrgId.ToString(), other.OrgId.ToString() }.Order(), orgs.Orgs.Select(org => org.Id).Order());

        var user = await identity.GetUserAsync(new GetUserRequest { OrgId = one.OrgId.ToString(), UserId = one.UserId.ToString() }, service);
        Assert.Equal((one.Email, "owner"), (user.Email, user.Role));
        // Somebody else's member answers like nobody.
        var stranger = await Assert.ThrowsAsync<RpcException>(async () => await identity.GetUserAsync(new GetUserRequest { OrgId = one.OrgId.ToString(), UserId = other.UserId.ToString() }, service));
        Assert.Equal(StatusCode.NotFound, stranger.StatusCode);
        var users = await identity.GetUsersAsync(new GetUsersRequest { OrgId = one.OrgId.ToString(), UserIds = { one.UserId.ToString(), other.UserId.ToString() } }, service);
        Assert.Equal(one.UserId.ToString(), Assert.Single(users.Users).Id);
        foreach (var call in new Func<Task>[]
        {
            async () => await identity.ValidateApiKeysAsync(new ValidateApiKeysRequest(), service), async () => await identity.GetOrgsAsync(new GetOrgsRequest { OrgIds = { "x" } }, service),
            async () => await identity.GetUsersAsync(new GetUsersRequest { OrgId = "x", UserIds = { "y" } }, service),
        })
        {
            Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
        }
    }

    [Fact]
    public async Task The_caller_s_org_travels_with_a_call_and_a_message_of_another_org_fails()
    {
        var (one, other) = (await Account.SignUpAsync(polaris), await Account.SignUpAsync(polaris));
        using var channel = GrpcChannel.ForAddress(polaris.App.GetEndpoint("identity", "grpc"));
        var identity = new Polaris.Identity.V1.Identity.IdentityClient(channel);
        var ofOne = await HeadersAsync(one.OrgId);
        Assert.Equal(one.OrgId.ToString(), (await identity.GetOrgAsync(new GetOrgRequest { OrgId = one.OrgId.ToString() }, ofOne)).Id);
        await Assert.ThrowsAsync<RpcException>(async () => await identity.GetOrgAsync(new GetOrgRequest { OrgId = other.OrgId.ToString() }, ofOne));
        // Nor does it help to ask for many.
        await Assert.ThrowsAsync<RpcException>(async () => await identity.GetOrgsAsync(new GetOrgsRequest { OrgIds = { other.OrgId.ToString() } }, ofOne));
        Assert.Equal(other.OrgId.ToString(), (await identity.GetOrgAsync(new GetOrgRequest { OrgId = other.OrgId.ToString() }, await HeadersAsync(null))).Id);
    }

    [Fact]
    public async Task Every_call_made_for_a_request_names_the_request_s_org()
    {
        var org = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        using var wire = new Wire();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Polaris:PublicUrl", "http://localhost"), new("Polaris:DescribeAccessTo", ""), new(ServiceSecrets.Setting, "secret"), new("services:identity:http:0", "http://127.0.0.1:9")]);
        builder.AddServiceDefaults("plans");
        builder.Services.AddHttpClient("identity").ConfigurePrimaryHttpMessageHandler(() => wire);
        builder.Services.AddPolarisGrpcClient<Polaris.Identity.V1.Identity.IdentityClient>("identity").ConfigurePrimaryHttpMessageHandler(() => wire);
        await using var app = builder.Build();
        await using var scope = app.Services.CreateAsyncScope();
        var identity = scope.ServiceProvider.GetRequiredService<Polaris.Identity.V1.Identity.IdentityClient>();

        // Background work names the org in its messages, see TenantMetadata.
        await Assert.ThrowsAsync<RpcException>(async () => await identity.GetOrgAsync(new GetOrgRequest()));
        Assert.Equal([("Bearer of plans", null)], wire.Calls.Distinct());

        wire.Calls.Clear();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        app.Services.GetRequiredService<IHttpContextAccessor>().HttpContext = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
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
                return Task.FromResult(new HttpResponseMessage { Content = JsonContent.Create(new { access_token = "of plans", expires_in = 300 }) });
            string? Of(string name) => request.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
            Calls.Add((Of("Authorization"), Of("x-polaris-org")));
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.NotFound));
        }
    }

    private async Task<Metadata> HeadersAsync(Guid? org)
    {
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        using var http = new HttpClient();
        using var request = new ClientCredentialsTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = "service:plans",
            ClientSecret = ServiceSecrets.OfClient(secrets.RootElement.GetProperty("service-secret").GetString()!, "plans"),
            Scope = "polaris.internal",
        };
        var headers = new Metadata { { "Authorization", "Bearer " + (await http.RequestClientCredentialsTokenAsync(request)).AccessToken } };
        if (org is { } id) headers.Add("x-polaris-org", id.ToString());
        return headers;
    }
}
