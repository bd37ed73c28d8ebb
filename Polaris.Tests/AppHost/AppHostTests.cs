using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Npgsql;
using Polaris.AppHost.Hosting;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>The AppHost: its options, its processes, and that none of them outlives it.</summary>
[Collection(nameof(OwnPlatform))]
public sealed class AppHostTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_service_logs_in_as_a_role_of_its_own_and_only_migrations_as_the_owner()
    {
        var owner = await polaris.App.GetConnectionStringAsync("billingdb");
        Assert.Equal("postgres", new NpgsqlConnectionStringBuilder(owner).Username);
        foreach (var service in new[] { "identity", "plans", "ingestion", "billing", "notifications" })
        {
            var environment = PlatformProcesses.EnvironmentOf(polaris.App.GetProcessId(service)!.Value);
            var login = new NpgsqlConnectionStringBuilder(environment["ConnectionStrings__database"]);
            Assert.Equal(("polaris_" + service, service + "db"), (login.Username, login.Database));
            Assert.DoesNotContain(
                environment.Values,
                value => value.Contains(new NpgsqlConnectionStringBuilder(owner).Password!, StringComparison.Ordinal)
            );
        }
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
        foreach (
            var name in new[] { "postgres", "kafka", "identity", "plans", "ingestion", "billing", "notifications", "gateway", "dashboard" }
        )
        {
            Assert.True(resources.GetProperty(name).GetProperty("pid").GetInt32() > 0);
            Assert.StartsWith(
                "http",
                resources.GetProperty(name).GetProperty("urls")[0].GetString()!.Replace("tcp", "http", StringComparison.Ordinal),
                StringComparison.Ordinal
            );
        }

        var demo = endpoints.RootElement.GetProperty("demo");
        using var tenant = new Tenant(polaris.Gateway, demo.GetProperty("orgId").GetString()!, demo.GetProperty("apiKey").GetString()!);
        var data = await tenant.QueryAsync(
            "{ org { name } meters { key } plans { key } customers { totalCount } invoices { totalCount } "
                + "recentEvents(limit: 5) { idempotencyKey } }"
        );
        Assert.Equal("Northwind Cloud", data.GetProperty("org").GetProperty("name").GetString());
        Assert.All(
            new[] { data.GetProperty("meters"), data.GetProperty("plans"), data.GetProperty("recentEvents") },
            list => Assert.True(list.GetArrayLength() > 0)
        );
        Assert.Equal(8, data.GetProperty("invoices").GetProperty("totalCount").GetInt32());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(System.IO.Path.Combine(polaris.State, "endpoints.json"))
            );
    }

    [Fact]
    public async Task The_dashboard_is_served_through_the_gateway()
    {
        using var http = polaris.App.CreateHttpClient("gateway", "public");
        Assert.Contains("<title>Polaris</title>", await http.GetStringAsync("/"), StringComparison.Ordinal);
        Assert.Contains("Sign in to Polaris", await http.GetStringAsync("/account/login"), StringComparison.Ordinal);
        using var discovery = JsonDocument.Parse(await http.GetStringAsync("/.well-known/openid-configuration"));
        Assert.Equal(polaris.Gateway.ToString(), discovery.RootElement.GetProperty("issuer").GetString());
        Assert.StartsWith(
            polaris.Gateway.ToString(),
            discovery.RootElement.GetProperty("token_endpoint").GetString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_killed_apphost_leaves_nothing_running_and_the_next_one_goes_on_from_its_data()
    {
        var state = System.IO.Path.Combine(
            System.IO.Path.GetTempPath(),
            $"polaris-killed-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}"
        );
        var first = Start(state);
        var pids = await ReadyAsync(state, first);
        first.Kill();
        await first.WaitForExitAsync();
        await polaris.UntilAsync("the end of all its processes", () => Task.FromResult(pids.All(pid => !IsRunning(pid))));

        // The file that the killed AppHost left must not be mistaken for the next one's.
        File.Delete(System.IO.Path.Combine(state, "endpoints.json"));
        var second = Start(state);
        pids = await ReadyAsync(state, second);
        second.StandardInput.Close();
        using (var stop = Process.Start("kill", ["-INT", $"{second.Id}"]))
            await stop.WaitForExitAsync();
        await second.WaitForExitAsync();
        Assert.Equal(0, second.ExitCode);
        Assert.All(pids, pid => Assert.False(IsRunning(pid)));
        Directory.Delete(state, recursive: true);
    }

    /// <summary>The output of the AppHosts started here, for failure messages.</summary>
    private readonly ConcurrentQueue<string> said = new();

    private readonly List<Process> started = [];

    /// <summary>A failed test leaves no AppHost behind, which would be in the way of all others.</summary>
    public override async ValueTask DisposeAsync()
    {
        foreach (var process in started)
        {
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        await base.DisposeAsync();
    }

    private static readonly string AppHostAssembly =
        BuiltProject.ExecutableOf(Path.Combine(Switches.RepositoryRoot, "Polaris.AppHost", "Polaris.AppHost.csproj")) + ".dll";

    private Process Start(string state)
    {
        // A process started in the background by a shell ignores SIGINT and passes that on to its children.
        var start = new ProcessStartInfo(
            "env",
            ["--default-signal=INT", "dotnet", AppHostAssembly, "--no-demo", "--no-telemetry", "--random-ports", "--state-dir", state]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        started.Add(process);
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "(the end of its output)");
        process.BeginOutputReadLine();
        return process;
    }

    private async Task<int[]> ReadyAsync(string state, Process process)
    {
        int[] pids = [];
        await polaris.UntilAsync(
            "the start of another AppHost",
            async () =>
            {
                Assert.False(process.HasExited, string.Join('\n', said));
                var file = System.IO.Path.Combine(state, "endpoints.json");
                if (!File.Exists(file))
                    return false;
                using var endpoints = JsonDocument.Parse(await File.ReadAllTextAsync(file));
                pids =
                [
                    .. endpoints
                        .RootElement.GetProperty("resources")
                        .EnumerateObject()
                        .Select(resource => resource.Value.GetProperty("pid"))
                        .Where(pid => pid.ValueKind == JsonValueKind.Number)
                        .Select(pid => pid.GetInt32()),
                ];
                return endpoints.RootElement.GetProperty("ready").GetBoolean();
            },
            () => string.Join('\n', said)
        );
        // PostgreSQL, the broker, the mailbox, six services and the dashboard of Aspire.
        Assert.Equal(10, pids.Length);
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
