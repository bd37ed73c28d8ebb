using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Polaris.AppHost.Hosting;
using Polaris.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(PolarisApp))]

namespace Polaris.Tests;

/// <summary>
/// The whole platform, started once for all tests when the first one needs it (<see cref="PlatformTests"/>): real processes, a real
/// PostgreSQL, an org of its own for each test.
/// </summary>
public sealed class PolarisApp : IAsyncDisposable
{
    public const string OperatorEmail = "operator@polaris.example";

    public static readonly string OperatorPassword = "Op " + RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 24);

    /// <summary>Names the folder where each service writes whom it admits to what, see DeclaredAccess.</summary>
    internal const string AccessFolderVariable = "Polaris__DescribeAccessTo";

    /// <summary>Short intervals, so that tests wait for seconds, and the platform admin.</summary>
    private static readonly (string Name, string Value)[] Settings =
    [
        // Tests use hundreds of orgs within minutes; at its usual pace reconciliation would be minutes behind.
        ("Billing__ReconcilePercent", "25"),
        // Not below the 10 s within which Ingestion ends a transaction: a batch may appear that long after its receipt.
        ("Billing__LostBatchAge", "00:00:12"),
        ("Billing__LostBatchInterval", "00:00:01"),
        // After this the relay gives a record up and tries again.
        ("Aspire__Confluent__Kafka__Producer__Config__message.timeout.ms", "3000"),
        // Replicas notice another's signing key within a second.
        ("SigningKeys__PollInterval", "00:00:01"),
        // All tests come from one address, and some of them try many keys.
        ("KeyGuesses__PerAddress", "1000000"),
        // Deliveries are tried again, and endpoints asked again, within seconds.
        ("Notifications__FirstRetryAfter", "00:00:00.200"),
        ("Notifications__LongestRetryAfter", "00:00:02"),
        ("Notifications__RequestTimeout", "00:00:03"),
        ("Notifications__FirstBreak", "00:00:00.500"),
        ("Notifications__LongestBreak", "00:00:02"),
        ("Notifications__MissAfter", "00:00:02"),
        ("Platform__AdminEmail", OperatorEmail),
        ("Platform__AdminPassword", OperatorPassword),
    ];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan AskedOften = TimeSpan.FromSeconds(2);
    private readonly string state = Path.Combine(
        Path.GetTempPath(),
        $"polaris-tests-{RandomNumberGenerator.GetHexString(8, lowercase: true)}"
    );

    private readonly Lazy<Task> start;
    private DistributedApplication? app;

    public PolarisApp() =>
        start = new(() => Task.Run(async () => app = await StartAsync(state, [], (AccessFolderVariable, Path.Combine(state, "access")))));

    public DistributedApplication App =>
        app ?? throw new InvalidOperationException("The platform does not run. Is the test among PlatformTests?");

    public Uri Gateway => App.GetEndpoint("gateway", "public");

    public string State => state;

    /// <summary>Starts the platform once. A failed start is not repeated: it fails every test that needs the platform.</summary>
    public Task StartedAsync() => start.Value;

    /// <summary>Starts a platform; whoever asks ends it.</summary>
    /// <param name="state">Its state folder.</param>
    /// <param name="switches">Switches of the AppHost, in addition to those of all tests.</param>
    /// <param name="environment">Settings of its processes, in addition to those of all tests.</param>
    /// <exception cref="InvalidOperationException">It did not start; with what its processes said.</exception>
    public static async Task<DistributedApplication> StartAsync(
        string state,
        string[] switches,
        params (string Name, string Value)[] environment
    )
    {
        Directory.CreateDirectory(state);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Polaris_AppHost>([
            "--random-ports",
            "--no-telemetry",
            "--state-dir",
            state,
            .. switches,
        ]);
        foreach (var project in builder.Resources.OfType<ProjectResource>().Select(builder.CreateResourceBuilder))
        foreach (var (name, value) in Settings.Concat(environment))
            project.WithEnvironment(name, value);
        var app = await builder.BuildAsync();
        app.CollectOutput();
        try
        {
            await app.StartAsync();
            await app.Services.GetRequiredService<Startup>().Ready;
            return app;
        }
        catch (Exception exception)
        {
            var output = app.RecentOutput();
            await app.DisposeAsync();
            throw new InvalidOperationException($"The platform did not start: {exception.Message}\n{output}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
            await app.DisposeAsync();
        if (Directory.Exists(state))
            Directory.Delete(state, recursive: true);
    }

    /// <summary>A new org with its first API key.</summary>
    public Task<Tenant> SignUpAsync() => Tenant.SignUpAsync(Gateway);

    /// <summary>A connection as the databases' owner, for looking behind the interfaces.</summary>
    public async Task<NpgsqlConnection> OpenDatabaseAsync(string name, string more = "")
    {
        var connection = new NpgsqlConnection(await App.GetConnectionStringAsync(name) + ";Pooling=false" + more);
        await connection.OpenAsync();
        return connection;
    }

    public async Task<T?> ScalarAsync<T>(string database, string sql, params object[] values)
    {
        await using var connection = await OpenDatabaseAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        return (T?)await command.ExecuteScalarAsync();
    }

    /// <summary>One more process of a service, see <see cref="PlatformProcesses.StartReplica"/>, once it is healthy.</summary>
    public async Task<Replica> StartReplicaAsync(string service, params (string Name, string Value)[] environment)
    {
        var replica = App.StartReplica(service, environment);
        using var http = new HttpClient { BaseAddress = replica.Url };
        await UntilAsync(
            "the start of a replica",
            async () =>
            {
                Assert.False(replica.HasExited, $"The replica ended.\n{replica.RecentOutput}");
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
        return replica;
    }

    /// <summary>After something was broken: until every service says that it is healthy again.</summary>
    public async Task UntilHealthyAsync()
    {
        await StartedAsync();
        await UntilAsync(
            "health of all services",
            async () =>
            {
                foreach (var service in new[] { "identity", "plans", "ingestion", "billing", "notifications", "gateway" })
                {
                    using var http = App.CreateHttpClient(service, "http");
                    try
                    {
                        if (!(await http.GetAsync("/health")).IsSuccessStatusCode)
                            return false;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                }

                return true;
            }
        );
    }

    /// <summary>Sets an org's test clock and waits until Ingestion follows it, so that events without a timestamp get its time.</summary>
    public async Task SetClockAsync(Tenant tenant, string now)
    {
        await tenant.QueryAsync("mutation($now: DateTime) { setClock(now: $now) { now } }", new { now });
        object probe = new
        {
            idempotency_key = $"clock {now}",
            type = "clock",
            timestamp = now,
        };
        await UntilAsync("Ingestion's following a test clock", async () => (await tenant.IngestAsync(probe)).Body.Counted("rejected") == 0);
    }

    /// <summary>Waits a bounded time for a condition; a failure shows the services' last output, or <paramref name="output"/>.</summary>
    public async Task UntilAsync(string what, Func<Task<bool>> holds, Func<string>? output = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            var waited = TimeProvider.System.GetElapsedTime(began);
            if (waited > Timeout)
                Assert.Fail($"{what} did not happen within {Timeout.TotalSeconds} s.\n{output?.Invoke() ?? App.RecentOutput()}");
            // What takes long is asked for less often: a question costs the platform time that it needs for the answer.
            await Task.Delay(waited < AskedOften ? 50 : 250);
        }
    }
}

internal static class IngestAnswers
{
    /// <summary>The number of events under <paramref name="outcome"/> in an answer of <c>/ingest</c>; another fails the test.</summary>
    public static int Counted(this JsonElement answer, string outcome)
    {
        Assert.True(answer.TryGetProperty(outcome, out var count), $"Not an answer that counts events: {answer}");
        return count.GetInt32();
    }
}

/// <summary>An org seen through the gateway with one of its API keys.</summary>
public sealed class Tenant(Uri gateway, string orgId, string apiKey) : IDisposable
{
    public HttpClient Http { get; } =
        new()
        {
            BaseAddress = gateway,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", apiKey) },
            Timeout = TimeSpan.FromSeconds(30),
        };

    public Guid OrgId { get; } = Guid.Parse(orgId);

    public string ApiKey { get; } = apiKey;

    public static async Task<Tenant> SignUpAsync(Uri gateway, string orgName = "Test")
    {
        using var anyone = new HttpClient { BaseAddress = gateway };
        var email = $"{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";
        using var response = await anyone.PostAsJsonAsync(
            "/graphql",
            new
            {
                query = "mutation($input: SignUpInput!) { signUp(input: $input) { org { id } apiKey { secret } } }",
                variables = new
                {
                    input = new
                    {
                        email,
                        password = "correct horse battery",
                        orgName,
                        sandbox = true,
                    },
                },
            }
        );
        var signUp = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("data").GetProperty("signUp");
        return new Tenant(
            gateway,
            signUp.GetProperty("org").GetProperty("id").GetString()!,
            signUp.GetProperty("apiKey").GetProperty("secret").GetString()!
        );
    }

    /// <summary>The same org with another key.</summary>
    public async Task<Tenant> WithKeyAsync(string[] scopes, bool backfill = false)
    {
        var data = await QueryAsync(
            "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }",
            new
            {
                input = new
                {
                    name = "test",
                    scopes,
                    backfill,
                },
            }
        );
        return new Tenant(Http.BaseAddress!, OrgId.ToString(), data.GetProperty("createApiKey").GetProperty("secret").GetString()!);
    }

    /// <summary>The whole answer, errors included.</summary>
    public async Task<JsonElement> SendQueryAsync(string query, object? variables = null)
    {
        using var response = await Http.PostAsJsonAsync("/graphql", new { query, variables });
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>The data; errors fail the test.</summary>
    public async Task<JsonElement> QueryAsync(string query, object? variables = null)
    {
        var answer = await SendQueryAsync(query, variables);
        Assert.False(answer.TryGetProperty("errors", out var errors), errors.ValueKind == JsonValueKind.Undefined ? "" : errors.ToString());
        return answer.TryGetProperty("data", out var data) ? data : throw new InvalidOperationException($"No answer of GraphQL: {answer}");
    }

    /// <summary>The first error's code, rule and path.</summary>
    public async Task<(string? Code, string? Rule, string? Path)> RefusalAsync(string query, object? variables = null)
    {
        var answer = await SendQueryAsync(query, variables);
        var extensions = answer.GetProperty("errors")[0].GetProperty("extensions");
        string? Of(string name) => extensions.TryGetProperty(name, out var value) ? value.GetString() : null;
        return (Of("code"), Of("rule"), Of("path"));
    }

    public async Task<(int Status, JsonElement Body)> IngestAsync(object body, string query = "")
    {
        using var response = await Http.PostAsJsonAsync("/ingest" + query, body);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>
    /// Sends events as a client does, until they are accepted: again after a 503, which a database that a busy machine makes slow may
    /// cause.
    /// </summary>
    public async Task AcceptedAsync(object body)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (status, answer) = await IngestAsync(body);
            if (status == 202)
                return;
            Assert.True(status == 503 && TimeProvider.System.GetElapsedTime(began) < Http.Timeout, $"{status}: {answer}");
            await Task.Delay(250);
        }
    }

    public async Task<(int Status, JsonElement Body)> IngestTextAsync(string body, string contentType = "application/json")
    {
        using var content = new StringContent(body, Encoding.UTF8, contentType);
        using var response = await Http.PostAsync("/ingest", content);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    public async Task<JsonElement> EventAsync(string key) => await Http.GetFromJsonAsync<JsonElement>($"/events/{key}");

    public async Task CreateMeterAsync(string key, string aggregation, string? property = null, string eventType = "call") =>
        await QueryAsync(
            "mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }",
            new
            {
                input = new
                {
                    key,
                    eventType,
                    aggregation,
                    property,
                },
            }
        );

    /// <summary>A customer's (or, without one, the org's) quantity of a meter over the last and next day.</summary>
    public async Task<decimal> UsageAsync(string meter, string? customer = null, string? from = null, string? to = null)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var answer = await SendQueryAsync(
            "query($meter: String!, $from: DateTime!, $to: DateTime!, $customer: String) "
                + "{ usage(meter: $meter, from: $from, to: $to, customer: $customer) { quantity } }",
            new
            {
                meter,
                from = from ?? Day(today.AddDays(-1)),
                to = to ?? Day(today.AddDays(2)),
                customer,
            }
        );
        // A meter that still counts earlier events, or a service on its way up, has no answer yet.
        if (
            !answer.TryGetProperty("data", out var data)
            || data.ValueKind != JsonValueKind.Object
            || data.GetProperty("usage").ValueKind != JsonValueKind.Object
        )
            return -1;
        return decimal.Parse(data.GetProperty("usage").GetProperty("quantity").GetString()!, CultureInfo.InvariantCulture);
    }

    public void Dispose() => Http.Dispose();

    private static string Day(DateTime day) => day.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
