using System.Diagnostics;
using Polaris.Client;
using Xunit;

namespace Polaris.Tests.Clients;

/// <summary>The .NET client and its example against the platform.</summary>
public sealed class ClientExampleTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task The_example_sends_a_thousand_events_and_each_is_counted_once()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT", eventType: "api_call");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Polaris.Client.Example.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["POLARIS_URL"] = polaris.Gateway.ToString(), ["POLARIS_API_KEY"] = tenant.ApiKey },
        };
        using var example = Process.Start(start)!;
        var (output, errors) = (example.StandardOutput.ReadToEndAsync(), example.StandardError.ReadToEndAsync());
        await example.WaitForExitAsync();
        Assert.True(example.ExitCode == 0, await errors);
        Assert.Contains("\"api_call\"", await output, StringComparison.Ordinal);
        await polaris.UntilAsync("every event is counted", async () => await tenant.UsageAsync("calls", "acme") == 1000);
    }

    [Fact]
    public async Task What_Polaris_refuses_comes_back_with_field_and_rule()
    {
        using var tenant = await polaris.SignUpAsync();
        await using var client = new PolarisClient(new() { Url = polaris.Gateway, ApiKey = tenant.ApiKey });
        var receipt = await client.SendAsync(new() { Type = "call", IdempotencyKey = "once" });
        Assert.False(receipt.Duplicate);
        var conflict = await Assert.ThrowsAsync<UsageEventException>(() =>
            client.SendAsync(new() { Type = "other", IdempotencyKey = "once" })
        );
        Assert.Equal("conflict", conflict.Code);
        var rejected = await Assert.ThrowsAsync<UsageEventException>(() => client.SendAsync(new() { Type = "" }));
        Assert.Equal("type", rejected.Field);
        await using var stranger = new PolarisClient(new() { Url = polaris.Gateway, ApiKey = "pk_wrong" });
        var refused = await Assert.ThrowsAsync<UsageEventException>(() => stranger.SendAsync(new() { Type = "call" }));
        Assert.Equal("invalid_credentials", refused.Code);
    }
}
