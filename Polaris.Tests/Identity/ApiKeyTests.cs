using System.Globalization;
using System.Net;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>The life cycle of an API key.</summary>
public sealed class ApiKeyTests(PolarisApp polaris) : PlatformTests
{
    private const string Rotate =
        "mutation($id: ID!, $overlap: Int) { rotateApiKey(id: $id, overlap: $overlap) { secret key { id prefix rotatedAt } } }";

    /// <summary>The promised second, plus slack for two processes on a busy machine.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1.5);

    [Fact]
    public async Task A_revoked_key_is_refused_everywhere_within_a_second()
    {
        using var owner = await polaris.SignUpAsync();
        using var key = await owner.WithKeyAsync(["ingest", "read"]);
        Assert.Equal([true, true, true, true], await WorksAsync(key));
        var id = await OidcTests.KeyIdAsync(owner, key.ApiKey);
        Assert.Equal([true, true, true, true], await WorksAsync(key));
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        var revoked = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(revoked) < Soon)
            await Task.Delay(20);
        Assert.Equal([false, false, false, false], await WorksAsync(key));
        Assert.Equal(
            "revoked_credentials",
            (await key.IngestAsync(new { idempotency_key = "k", type = "call" })).Body.GetProperty("code").GetString()
        );
    }

    [Fact]
    public async Task A_rotated_key_has_a_new_secret_and_its_old_one_works_until_the_overlap_ends()
    {
        using var owner = await polaris.SignUpAsync();
        using var old = await owner.WithKeyAsync(["ingest", "read"]);
        var id = await OidcTests.KeyIdAsync(owner, old.ApiKey);
        var rotated = (await owner.QueryAsync(Rotate, new { id, overlap = 15 })).GetProperty("rotateApiKey");
        using var fresh = new Tenant(polaris.Gateway, owner.OrgId.ToString(), rotated.GetProperty("secret").GetString()!);
        Assert.Equal(id, rotated.GetProperty("key").GetProperty("id").GetString());
        // Still recognisable as the same key, should it leak.
        Assert.Equal(old.ApiKey[..11], fresh.ApiKey[..11]);
        Assert.NotEqual(old.ApiKey, fresh.ApiKey);
        Assert.True((await WorksAsync(fresh))[0]);
        Assert.True((await WorksAsync(old))[0]);
        await polaris.UntilAsync("the end of the overlap", async () => !(await WorksAsync(old))[0]);
        Assert.True((await WorksAsync(fresh))[0]);

        // Immediately; and a second rotation does not extend the first one's secret.
        await owner.QueryAsync(Rotate, new { id, overlap = 0 });
        await polaris.UntilAsync("refusal without overlap", async () => !(await WorksAsync(fresh))[0]);
        Assert.Equal("out_of_range", (await owner.RefusalAsync(Rotate, new { id, overlap = -1 })).Rule);
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        Assert.Equal("key_not_valid", (await owner.RefusalAsync(Rotate, new { id })).Rule);
        Assert.Equal(
            "NOT_FOUND",
            (await owner.RefusalAsync(Rotate, new { id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()) })).Code
        );
    }

    [Fact]
    public async Task Of_two_rotations_at_once_one_secret_is_left()
    {
        using var owner = await polaris.SignUpAsync();
        using var old = await owner.WithKeyAsync(["read"]);
        var id = await OidcTests.KeyIdAsync(owner, old.ApiKey);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => owner.QueryAsync(Rotate, new { id, overlap = 60 })));
        Assert.Equal(
            1L,
            await polaris.ScalarAsync<long>(
                "identitydb",
                "SELECT count(*) FROM api_key_lookup WHERE org_id = $1 AND key_id = $2 AND valid_until IS NULL",
                owner.OrgId,
                Guid.Parse(id!)
            )
        );
        Assert.Equal(
            6L,
            await polaris.ScalarAsync<long>(
                "identitydb",
                "SELECT count(*) FROM api_key_lookup WHERE org_id = $1 AND key_id = $2 AND valid_until <= now() + interval '60 seconds'",
                owner.OrgId,
                Guid.Parse(id!)
            )
        );
    }

    [Fact]
    public async Task A_key_stops_at_its_expiry_and_says_when_it_was_last_used()
    {
        using var owner = await polaris.SignUpAsync();
        const string create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret key { id expiresAt } } }";
        string In(double seconds) => TimeProvider.System.GetUtcNow().AddSeconds(seconds).ToString("O", CultureInfo.InvariantCulture);
        Assert.Equal(
            "in_the_past",
            (
                await owner.RefusalAsync(
                    create,
                    new
                    {
                        input = new
                        {
                            name = "late",
                            scopes = new[] { "read" },
                            expiresAt = In(-1),
                        },
                    }
                )
            ).Rule
        );
        var created = (
            await owner.QueryAsync(
                create,
                new
                {
                    input = new
                    {
                        name = "short",
                        scopes = new[] { "read" },
                        expiresAt = In(8),
                    },
                }
            )
        ).GetProperty("createApiKey");
        using var key = new Tenant(polaris.Gateway, owner.OrgId.ToString(), created.GetProperty("secret").GetString()!);
        Assert.True((await WorksAsync(key))[0]);
        await polaris.UntilAsync("expiry", async () => !(await WorksAsync(key))[0]);
        var id = created.GetProperty("key").GetProperty("id").GetString();
        await polaris.UntilAsync(
            "the time of last use",
            async () =>
                (await owner.QueryAsync("{ apiKeys { id lastUsedAt } }"))
                    .GetProperty("apiKeys")
                    .EnumerateArray()
                    .Single(one => one.GetProperty("id").GetString() == id)
                    .GetProperty("lastUsedAt")
                    .ValueKind == System.Text.Json.JsonValueKind.String
        );
    }

    /// <summary>Calls Identity, Billing, Plans and Ingestion with the key.</summary>
    private static async Task<IReadOnlyList<bool>> WorksAsync(Tenant key)
    {
        var works = new List<bool>();
        foreach (var query in new[] { "{ org { id } }", "{ customers { totalCount } }", "{ meters { key } }" })
            works.Add((await key.SendQueryAsync(query)).Status() == 200);
        using var response = await key.Http.GetAsync("/events/never-existed");
        works.Add(response.StatusCode != HttpStatusCode.Unauthorized);
        return [.. works];
    }
}
