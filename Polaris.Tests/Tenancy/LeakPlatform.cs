using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>The platform under attack: the one that all tests share, or one of its own.</summary>
internal sealed class LeakPlatform(DistributedApplication app, string state)
{
    /// <summary>The services with data, in the order of their dependencies.</summary>
    public static readonly string[] Services = ["identity", "plans", "ingestion", "billing", "notifications"];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(180);
    private readonly Dictionary<string, Replica> replicas = [];

    public Uri Gateway => app.GetEndpoint("gateway", "public");

    /// <summary>A service's HTTP address: that of its replacement, if there is one.</summary>
    public Uri Http(string service) => replicas.TryGetValue(service, out var replica) ? replica.Url : app.GetEndpoint(service, "http");

    public Uri Grpc(string service) => replicas.TryGetValue(service, out var replica) ? replica.GrpcUrl! : app.GetEndpoint(service, "grpc");

    public async Task<string> ConnectionStringAsync(string database) => await app.GetConnectionStringAsync(database) + ";Pooling=false";

    public async Task<NpgsqlConnection> OpenDatabaseAsync(string database)
    {
        var connection = new NpgsqlConnection(await ConnectionStringAsync(database));
        await connection.OpenAsync();
        return connection;
    }

    public string Secret(string name)
    {
        using var secrets = JsonDocument.Parse(File.ReadAllText(Path.Combine(state, "secrets.json")));
        return secrets.RootElement.GetProperty(name).GetString()!;
    }

    public async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            if (TimeProvider.System.GetElapsedTime(began) > Timeout)
                Assert.Fail($"{what} did not happen within {Timeout.TotalSeconds} s.\n{app.RecentOutput()}");
            await Task.Delay(50);
        }
    }

    /// <summary>Starts each service a second time with this environment variable; further calls go to these.</summary>
    public async Task<IAsyncDisposable> ReplaceServicesAsync(string variable, string value)
    {
        var started = Services.ToDictionary(service => service, service => app.StartReplica(service, (variable, value)));
        foreach (var (service, replica) in started)
        {
            using var http = new HttpClient { BaseAddress = replica.Url };
            await UntilAsync(
                $"the start of a second {service}",
                async () =>
                {
                    Assert.False(replica.HasExited, $"The second {service} exited at startup.\n{app.RecentOutput()}");
                    try
                    {
                        return (await http.GetAsync("/health")).IsSuccessStatusCode;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                }
            );
            replicas.Add(service, replica);
        }

        return new Replacement(replicas);
    }

    private sealed class Replacement(Dictionary<string, Replica> replicas) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            var all = replicas.Values.ToArray();
            replicas.Clear();
            await Task.WhenAll(all.Select(replica => replica.DisposeAsync().AsTask()));
        }
    }
}
