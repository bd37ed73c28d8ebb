using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>The stand-in that runs everything: its model, its processes, and that none of them stays behind.</summary>
public sealed class AppHostTests(PolarisApp polaris)
{
    [Fact]
    public void A_reference_expression_is_text_at_run_time_and_a_placeholder_in_a_manifest()
    {
        var builder = DistributedApplication.CreateBuilder([]);
        var secret = builder.AddParameter("word", secret: true);
        secret.Resource.Value = "s3cret";
        var database = builder.AddPostgres("pg").AddDatabase("thingsdb");
        var expression = ReferenceExpression.Create($"{database};Username=me;Password={secret}");
        Assert.Equal("{thingsdb.connectionString};Username=me;Password={word.value}", expression.ValueExpression);
        database.Resource.Parent.Endpoint.AllocatedPort = 5432;
        database.Resource.Parent.Password.Value = "pw";
        Assert.Equal("Host=localhost;Port=5432;Username=postgres;Password=pw;Database=thingsdb;Username=me;Password=s3cret", expression.GetValue());
        Assert.Equal("me", new Npgsql.NpgsqlConnectionStringBuilder(expression.GetValue()).Username);
    }

    [Fact]
    public void Two_resources_cannot_have_one_name()
    {
        var builder = DistributedApplication.CreateBuilder([]);
        builder.AddKafka("one");
        Assert.Throws<DistributedApplicationException>(() => builder.AddPostgres("one"));
    }

    [Fact]
    public void A_taken_port_is_replaced_by_a_free_one_and_that_is_said()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var builder = DistributedApplication.CreateBuilder([]);
        var endpoint = builder.AddProject<Projects.Polaris_Gateway>("web").WithHttpEndpoint(port: port, name: "http").GetEndpoint("http");
        var said = new List<string>();
        Ports.Allocate([endpoint], random: false, said.Add);
        Assert.NotEqual(port, endpoint.Port);
        Assert.Contains($"port {port} is taken: web listens on {endpoint.Port}", said);
    }

    [Fact]
    public void A_second_apphost_on_the_same_folder_is_refused()
    {
        var refusal = Assert.Throws<DistributedApplicationException>(() => StateDirectory.Open(polaris.State, reset: false));
        Assert.Contains("Another AppHost is running", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoints_json_names_every_resource_and_the_demo_tenant()
    {
        using var endpoints = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "endpoints.json")));
        Assert.True(endpoints.RootElement.GetProperty("ready").GetBoolean());
        var resources = endpoints.RootElement.GetProperty("resources");
        foreach (var name in new[] { "postgres", "kafka", "identity", "plans", "ingestion", "billing", "notifications", "gateway", "dashboard" })
        {
            Assert.True(resources.GetProperty(name).GetProperty("pid").GetInt32() > 0);
            Assert.StartsWith("http", resources.GetProperty(name).GetProperty("urls")[0].GetString()!.Replace("tcp", "http", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        var demo = endpoints.RootElement.GetProperty("demo");
        using var tenant = new Tenant(polaris.Gateway, demo.GetProperty("orgId").GetString()!, demo.GetProperty("apiKey").GetString()!);
        var data = await tenant.QueryAsync("{ org { name } meters { key } plans { key } customers { totalCount } invoices { totalCount } recentEvents(limit: 5) { idempotencyKey } }");
        Assert.Equal("Northwind Cloud", data.GetProperty("org").GetProperty("name").GetString());
        Assert.All(new[] { data.GetProperty("meters"), data.GetProperty("plans"), data.GetProperty("recentEvents") }, list => Assert.True(list.GetArrayLength() > 0));
        Assert.Equal(8, data.GetProperty("invoices").GetProperty("totalCount").GetInt32());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(System.IO.Path.Combine(polaris.State, "endpoints.json")));
    }

    [Fact]
    public async Task The_dashboard_is_served_through_the_gateway()
    {
        using var http = polaris.App.CreateHttpClient("gateway");
        Assert.Contains("<title>Polaris</title>", await http.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Contains("Sign in to Polaris", await http.GetStringAsync("/account/login"), StringComparison.Ordinal);
        using var discovery = JsonDocument.Parse(await http.GetStringAsync("/.well-known/openid-configuration"));
        Assert.Equal(polaris.Gateway.ToString(), discovery.RootElement.GetProperty("issuer").GetString());
        Assert.StartsWith(polaris.Gateway.ToString(), discovery.RootElement.GetProperty("token_endpoint").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_killed_apphost_leaves_nothing_running_and_the_next_one_goes_on_from_its_data()
    {
        var state = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"polaris-killed-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        using var first = Start(state);
        var pids = await ReadyAsync(state, first);
        first.Kill();
        await first.WaitForExitAsync();
        await polaris.UntilAsync("the end of all its processes", () => Task.FromResult(pids.All(pid => !IsRunning(pid))));

        // What the killed one left behind must not be taken for the next one's word.
        File.Delete(System.IO.Path.Combine(state, "endpoints.json"));
        using var second = Start(state);
        pids = await ReadyAsync(state, second);
        second.StandardInput.Close();
        using (var stop = Process.Start("kill", ["-INT", $"{second.Id}"])) await stop.WaitForExitAsync();
        await second.WaitForExitAsync();
        Assert.Equal(0, second.ExitCode);
        Assert.All(pids, pid => Assert.False(IsRunning(pid)));
        Directory.Delete(state, recursive: true);
    }

    /// <summary>What the AppHosts started here have said, for a failure's message.</summary>
    private readonly ConcurrentQueue<string> said = new();

    private Process Start(string state)
    {
        // Whoever runs the tests in the background has them inherit an ignored SIGINT, which would reach nobody.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", new Projects.Polaris_AppHost().AssemblyPath, "--no-demo", "--random-ports", "--state-dir", state]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "(the end of its output)");
        process.BeginOutputReadLine();
        return process;
    }

    private async Task<int[]> ReadyAsync(string state, Process process)
    {
        int[] pids = [];
        await polaris.UntilAsync("the start of another AppHost", async () =>
        {
            Assert.False(process.HasExited, string.Join('\n', said));
            var file = System.IO.Path.Combine(state, "endpoints.json");
            if (!File.Exists(file)) return false;
            using var endpoints = JsonDocument.Parse(await File.ReadAllTextAsync(file));
            pids = [.. endpoints.RootElement.GetProperty("resources").EnumerateObject().Select(resource => resource.Value.GetProperty("pid")).Where(pid => pid.ValueKind == JsonValueKind.Number).Select(pid => pid.GetInt32())];
            return endpoints.RootElement.GetProperty("ready").GetBoolean();
        }, () => string.Join('\n', said));
        Assert.Equal(9, pids.Length);
        return pids;
    }

    private static bool IsRunning(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
