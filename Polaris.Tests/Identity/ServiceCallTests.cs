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

/// <summary>Lookups of other services, and that a call for one org cannot become one for another.</summary>
public sealed class ServiceCallTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_service_learns_of_keys_orgs_and_people_one_by_one_or_many_at_once()
    {
        var (one, other) = (await Account.SignUpAsync(polaris), await Account.SignUpAsync(polaris));
        using var channel = GrpcChannel.ForAddress(polaris.App.GetEndpoint("identity", "grpc"));
        var identity = new Polaris.Identity.V1.Identity.IdentityClient(channel);
        var service = await HeadersAsync(null);

        var verdicts = await identity.ValidateApiKeysAsync(
            new ValidateApiKeysRequest { ApiKeys = { one.ApiKey, "pk_00000000_nobody", other.ApiKey, "no key" } },
            service
        );
        Assert.Equal(
            [ApiKeyVerdict.Valid, ApiKeyVerdict.Unknown, ApiKeyVerdict.Valid, ApiKeyVerdict.Unknown],
            verdicts.Verdicts.Select(verdict => verdict.Verdict)
        );
        Assert.Equal([one.OrgId.ToString(), "", other.OrgId.ToString(), ""], verdicts.Verdicts.Select(verdict => verdict.OrgId));
        var orgs = await identity.GetOrgsAsync(
            new GetOrgsRequest { OrgIds = { one.OrgId.ToString(), other.OrgId.ToString(), one.UserId.ToString() } },
            service
        );
        Assert.Equal(new[] { one.OrgId.ToString(), other.OrgId.ToString() }.Order(), orgs.Orgs.Select(org => org.Id).Order());

        var user = await identity.GetUserAsync(
            new GetUserRequest { OrgId = one.OrgId.ToString(), UserId = one.UserId.ToString() },
            service
        );
        Assert.Equal((one.Email, "owner"), (user.Email, user.Role));
        // A member of another org is answered like a missing one.
        var stranger = await Assert.ThrowsAsync<RpcException>(async () =>
            await identity.GetUserAsync(new GetUserRequest { OrgId = one.OrgId.ToString(), UserId = other.UserId.ToString() }, service)
        );
        Assert.Equal(StatusCode.NotFound, stranger.StatusCode);
        var users = await identity.GetUsersAsync(
            new GetUsersRequest { OrgId = one.OrgId.ToString(), UserIds = { one.UserId.ToString(), other.UserId.ToString() } },
            service
        );
        Assert.Equal(one.UserId.ToString(), Assert.Single(users.Users).Id);
        foreach (
            var call in new Func<Task>[]
            {
                async () => await identity.ValidateApiKeysAsync(new ValidateApiKeysRequest(), service),
                async () => await identity.GetOrgsAsync(new GetOrgsRequest { OrgIds = { "x" } }, service),
                async () => await identity.GetUsersAsync(new GetUsersRequest { OrgId = "x", UserIds = { "y" } }, service),
            }
        )
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
        await Assert.ThrowsAsync<RpcException>(async () =>
            await identity.GetOrgAsync(new GetOrgRequest { OrgId = other.OrgId.ToString() }, ofOne)
        );
        // The same holds for batch requests.
        await Assert.ThrowsAsync<RpcException>(async () =>
            await identity.GetOrgsAsync(new GetOrgsRequest { OrgIds = { other.OrgId.ToString() } }, ofOne)
        );
        Assert.Equal(
            other.OrgId.ToString(),
            (await identity.GetOrgAsync(new GetOrgRequest { OrgId = other.OrgId.ToString() }, await HeadersAsync(null))).Id
        );
    }

    private async Task<Metadata> HeadersAsync(Guid? org)
    {
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        using var http = new HttpClient();
        using var request = new ClientCredentialsTokenRequest
        {
            Address = new Uri(polaris.Gateway, "/connect/token").ToString(),
            ClientId = "service:plans",
            ClientSecret = secrets.RootElement.GetProperty("plans-client-secret").GetString()!,
            Scope = "polaris.internal",
        };
        var headers = new Metadata
        {
            { "Authorization", "Bearer " + (await http.RequestClientCredentialsTokenAsync(request)).AccessToken },
        };
        if (org is { } id)
            headers.Add("x-polaris-org", id.ToString());
        return headers;
    }
}
