using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>Tenant isolation: by the token, by the queries, and by the database alone.</summary>
public sealed class IsolationTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task What_belongs_to_another_org_answers_exactly_like_what_is_missing()
    {
        using var one = await polaris.SignUpAsync();
        using var other = await polaris.SignUpAsync();
        await one.CreateMeterAsync("secret_meter", "COUNT");
        await one.QueryAsync("mutation { createCustomers(input: [{key: \"secret-customer\"}]) { id } }");
        await one.IngestAsync(new { idempotency_key = "secret-event", type = "call" });
        var key = (await one.QueryAsync("{ apiKeys { id } }")).GetProperty("apiKeys")[0].GetProperty("id").GetString();
        await polaris.UntilAsync("counting", async () => await one.UsageAsync("secret_meter") == 1);

        foreach (
            var query in new[]
            {
                "{ meter(key: \"KEY\") { id } }",
                "{ customer(key: \"KEY\") { id } }",
                "{ event(idempotencyKey: \"KEY\") { batchId } }",
                "{ plan(key: \"KEY\") { id } }",
                "{ usage(meter: \"KEY\", from: \"2026-01-01T00:00:00Z\", to: \"2026-01-02T00:00:00Z\") { quantity } }",
            }
        )
        {
            foreach (var secret in new[] { "secret_meter", "secret-customer", "secret-event" })
                Assert.Equal(
                    Without(await other.SendQueryAsync(query.Replace("KEY", "never-existed", StringComparison.Ordinal))),
                    Without(await other.SendQueryAsync(query.Replace("KEY", secret, StringComparison.Ordinal)))
                );
        }

        const string revoke = "mutation($id: ID!) { revokeApiKey(id: $id) { id } }";
        Assert.Equal(
            Without(await other.SendQueryAsync(revoke, new { id = "0192e4a0-0000-7000-8000-000000000001" })),
            Without(await other.SendQueryAsync(revoke, new { id = key }))
        );
        Assert.Equal(0, (await other.QueryAsync("{ recentEvents { batchId } }")).GetProperty("recentEvents").GetArrayLength());
        Assert.Equal(HttpStatusCode.NotFound, (await other.Http.GetAsync("/events/secret-event")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await one.Http.GetAsync("/events/secret-event")).StatusCode);
    }

    [Fact]
    public async Task Grpc_is_for_services_with_a_token_only()
    {
        using var tenant = await polaris.SignUpAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await CallAsync(null));
        Assert.Equal(HttpStatusCode.Unauthorized, await CallAsync("Bearer nonsense"));
        Assert.Equal(HttpStatusCode.Forbidden, await CallAsync($"Bearer {tenant.ApiKey}"));

        async Task<HttpStatusCode> CallAsync(string? authorization)
        {
            using var http = new HttpClient();
            using var request = new HttpRequestMessage(
                HttpMethod.Post,
                new Uri(polaris.App.GetEndpoint("billing", "grpc"), "/polaris.billing.v1.Billing/GetInvoices")
            )
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { { "Content-Type", "application/grpc" } } },
            };
            if (authorization is not null)
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var response = await http.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_service_with_the_wrong_secret_gets_no_token()
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = "service:billing",
                ["client_secret"] = "guessed",
                ["scope"] = "polaris.internal",
            }
        );
        using var response = await http.PostAsync("/connect/token", form);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task The_database_shows_a_service_nothing_until_it_names_an_org()
    {
        using var tenant = await polaris.SignUpAsync();
        using var other = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("m", "COUNT");
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        var role = $";Username=polaris_plans;Password={secrets.RootElement.GetProperty("plans-database-password").GetString()}";
        await using var connection = await polaris.OpenDatabaseAsync("plansdb", role);
        Assert.Equal(0L, await CountAsync(connection, null));
        Assert.Equal(1L, await CountAsync(connection, tenant.OrgId));
        Assert.Equal(0L, await CountAsync(connection, other.OrgId));
        // A pooled connection carries nothing over: the setting ended with its transaction.
        Assert.Equal(0L, await CountAsync(connection, null));

        await using var transaction = await connection.BeginTransactionAsync();
        await SetAsync(connection, other.OrgId);
        await using var steal = new NpgsqlCommand("UPDATE meters SET org_id = $1", connection);
        steal.Parameters.AddWithValue(other.OrgId);
        Assert.Equal(0, await steal.ExecuteNonQueryAsync());
        await using var plant = new NpgsqlCommand(
            "INSERT INTO plans (org_id, id, key, name, currency, interval, created_at) VALUES ($1, $1, 'x', 'x', 'USD', 'Month', now())",
            connection
        );
        plant.Parameters.AddWithValue(tenant.OrgId);
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            (await Assert.ThrowsAsync<PostgresException>(plant.ExecuteNonQueryAsync)).SqlState
        );
    }

    private static string Without(JsonElement answer) =>
        answer
            .ToString()
            .Replace("never-existed", "?", StringComparison.Ordinal)
            .Replace("secret_meter", "?", StringComparison.Ordinal)
            .Replace("secret-customer", "?", StringComparison.Ordinal)
            .Replace("secret-event", "?", StringComparison.Ordinal);

    private static async Task<long> CountAsync(NpgsqlConnection connection, Guid? org)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        if (org is { } one)
            await SetAsync(connection, one);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM meters", connection);
        var rows = (long)(await count.ExecuteScalarAsync())!;
        await transaction.CommitAsync();
        return rows;
    }

    private static async Task SetAsync(NpgsqlConnection connection, Guid org)
    {
        await using var set = new NpgsqlCommand("SELECT set_config('polaris.org_id', $1, true)", connection);
        set.Parameters.AddWithValue(org.ToString());
        await set.ExecuteNonQueryAsync();
    }
}
