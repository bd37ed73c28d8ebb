using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>A service says of everything whom it admits, or does not start.</summary>
public sealed class UndeclaredAccessTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_route_that_declares_nothing_ends_its_service_at_the_start(bool declared)
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", Args = ["--urls", "http://127.0.0.1:0"] }
        );
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("Polaris:PublicUrl", "http://localhost"), new("Polaris:DescribeAccessTo", "")]);
        builder.AddServiceDefaults("sample");
        await using var app = builder.Build();
        app.UsePolarisAuthentication();
        var route = app.MapGet("/sample", () => "");
        if (declared)
            route.RequireAuthorization(Scopes.Read);
        app.MapDefaultEndpoints();
        if (declared)
            await app.StartAsync();
        else
            Assert.Contains(
                "/sample declares no scope",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync())).Message,
                StringComparison.Ordinal
            );
    }
}
