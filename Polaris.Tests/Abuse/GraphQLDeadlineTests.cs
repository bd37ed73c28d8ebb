using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>How long, and how many at once, requests of one caller are worked on.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class GraphQLDeadlineTests(PolarisApp polaris) : PlatformTests
{
    private const string Rename = "mutation { renamePlan(key: \"p\", name: \"late\") { name } }";

    [Fact]
    public async Task What_is_not_answered_by_the_deadline_is_given_up_by_everyone_who_works_on_it()
    {
        var short_ = ("GraphQL__Deadline", "00:00:03");
        var starts = await Task.WhenAll(polaris.StartReplicaAsync("gateway", short_), polaris.StartReplicaAsync("plans", short_));
        await using var gateway = starts[0];
        await using var plans = starts[1];
        using var tenant = await TenantWithPlanAsync();
        await using var lockedBy = await LockPlanAsync(tenant);
        foreach (var url in (Uri[])[gateway.Url, plans.Url])
        {
            using var response = await PostAsync(url, tenant.ApiKey, JsonContent.Create(new { query = Rename }));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
            var extensions = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors")[0].GetProperty("extensions");
            Assert.Equal("UNAVAILABLE", extensions.GetProperty("code").GetString());
            Assert.Equal("deadline_exceeded", extensions.GetProperty("rule").GetString());
            await polaris.UntilAsync("the end of the work", async () => await WaitingForAsync(lockedBy) == 0);
        }

        // A body that does not come, either.
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, gateway.Url.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
        );
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 503 Service Unavailable", await reader.ReadLineAsync());
    }

    [Fact]
    public async Task Nobody_works_on_for_a_client_who_has_left()
    {
        using var tenant = await TenantWithPlanAsync();
        await using var lockedBy = await LockPlanAsync(tenant);
        using var leave = new CancellationTokenSource();
        var request = PostAsync(polaris.Gateway, tenant.ApiKey, JsonContent.Create(new { query = Rename }), leave.Token);
        await polaris.UntilAsync("the wait for the lock", async () => await WaitingForAsync(lockedBy) == 1);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await polaris.UntilAsync("the end of the work", async () => await WaitingForAsync(lockedBy) == 0);
    }

    [Fact]
    public async Task A_caller_and_an_org_have_so_many_requests_at_once_and_their_neighbours_have_their_own()
    {
        await using var gateway = await polaris.StartReplicaAsync(
            "gateway",
            ("GraphQL__MaxConcurrentPerCaller", "1"),
            ("GraphQL__MaxConcurrentPerOrg", "2"),
            ("GraphQL__MaxQueuedPerCaller", "0")
        );
        using var first = await polaris.SignUpAsync();
        using var second = await first.WithKeyAsync(["read"]);
        using var third = await first.WithKeyAsync(["read"]);
        using var neighbour = await polaris.SignUpAsync();
        await polaris.UntilAsync("the schema", async () => await StatusAsync(gateway.Url, neighbour.ApiKey) == 200);

        var (slow, pending) = await HoldAsync("the first caller's limit", first.ApiKey, first.ApiKey);
        Assert.Equal(200, await StatusAsync(gateway.Url, second.ApiKey));

        var (alsoSlow, alsoPending) = await HoldAsync("the org's limit", second.ApiKey, third.ApiKey);
        var (anonymous, anonymousPending) = await HoldAsync("the address's limit", null, null);
        using (var refused = await PostAsync(gateway.Url, null, Query()))
        {
            Assert.NotNull(refused.Headers.RetryAfter);
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("too_many_requests", problem.GetProperty("code").GetString());
        }

        Assert.Equal(200, await StatusAsync(gateway.Url, neighbour.ApiKey));
        foreach (var (body, request) in new[] { (slow, pending), (alsoSlow, alsoPending), (anonymous, anonymousPending) })
        {
            body.Finish();
            using var response = await request;
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await polaris.UntilAsync("a place", async () => await StatusAsync(gateway.Url, first.ApiKey) == 200);

        // A request that keeps its place, once another is refused for it. The two may arrive in either order, and the one that came second
        // is refused.
        async Task<(UnfinishedContent Body, Task<HttpResponseMessage> Request)> HoldAsync(string limit, string? key, string? other)
        {
            var body = new UnfinishedContent();
            var request = PostAsync(gateway.Url, key, body);
            await polaris.UntilAsync(
                limit,
                async () =>
                {
                    var isRefused = await StatusAsync(gateway.Url, other) == 429;
                    if (!request.IsCompleted)
                        return isRefused;
                    try
                    {
                        (await request).Dispose();
                    }
                    catch (HttpRequestException)
                    {
                        // Refused, and its connection closed before its body was sent.
                    }

                    body.Dispose();
                    body = new UnfinishedContent();
                    request = PostAsync(gateway.Url, key, body);
                    return false;
                }
            );
            return (body, request);
        }
    }

    private async Task<Tenant> TenantWithPlanAsync()
    {
        var tenant = await polaris.SignUpAsync();
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: { key: "p", name: "P", currency: "EUR", interval: MONTH, charges: [
              { key: "c", price: { model: FLAT, amount: "1" } }] }) { id } }
            """
        );
        return tenant;
    }

    /// <summary>Holds the tenant's plan until disposed of.</summary>
    private async Task<NpgsqlConnection> LockPlanAsync(Tenant tenant)
    {
        var connection = await polaris.OpenDatabaseAsync("plansdb");
        await using var command = new NpgsqlCommand("BEGIN", connection);
        await command.ExecuteNonQueryAsync();
        command.CommandText = "SELECT key FROM plans WHERE org_id = $1 FOR UPDATE";
        command.Parameters.AddWithValue(tenant.OrgId);
        Assert.Equal("p", await command.ExecuteScalarAsync());
        return connection;
    }

    private async Task<long> WaitingForAsync(NpgsqlConnection holder) =>
        await polaris.ScalarAsync<long>(
            "plansdb",
            "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))",
            holder.ProcessID
        );

    private static JsonContent Query() => JsonContent.Create(new { query = "{ __typename }" });

    private static async Task<int> StatusAsync(Uri url, string? apiKey)
    {
        using var response = await PostAsync(url, apiKey, Query());
        return (int)response.StatusCode;
    }

    private static async Task<HttpResponseMessage> PostAsync(Uri url, string? apiKey, HttpContent body, CancellationToken ct = default)
    {
        // A connection for each, since an unfinished body keeps its own.
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url, "/graphql")) { Content = body };
        if (apiKey is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        return await http.SendAsync(request, ct);
    }

    /// <summary>A body that goes on without end, fast enough for the server's lowest rate, until it is told to finish.</summary>
    private sealed class UnfinishedContent : HttpContent
    {
        private static readonly byte[] Blanks = Encoding.UTF8.GetBytes(new string(' ', 100));
        private readonly TaskCompletionSource finish = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public UnfinishedContent() => Headers.ContentType = new MediaTypeHeaderValue("application/json");

        public void Finish() => finish.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("{"u8.ToArray());
            while (!finish.Task.IsCompleted)
            {
                await stream.WriteAsync(Blanks);
                await stream.FlushAsync();
                await Task.WhenAny(finish.Task, Task.Delay(100));
            }

            await finish.Task;
            await stream.WriteAsync("\"query\":\"{__typename}\"}"u8.ToArray());
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            finish.TrySetCanceled();
            base.Dispose(disposing);
        }
    }
}
