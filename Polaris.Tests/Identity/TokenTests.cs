using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using Polaris.Identity.Features.Tokens;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Which tokens are valid, and that no others are.</summary>
public sealed class TokenTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_token_that_is_expired_unsigned_wrongly_signed_or_meant_for_others_opens_nothing()
    {
        var account = await Account.SignUpAsync(polaris);
        var key = await SigningKeyAsync();
        var session = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await polaris.ScalarAsync<object>(
            "identitydb",
            "INSERT INTO sessions (id, user_id, created_at, expires_at, address) VALUES ($1, $2, now(), now() + interval '1 hour', '')",
            session,
            account.UserId
        );
        var good = Claims(account, session);
        // A token from the same factory is valid, so each refusal below is caused by its one difference.
        Assert.Equal([200, 202], await AnswersAsync(Sign(good, key)));

        using var other = RSA.Create(2048);
        var past = TimeProvider.System.GetUtcNow().AddMinutes(-2).ToUnixTimeSeconds();
        foreach (
            var bad in new[]
            {
                Sign(
                    new(good)
                    {
                        ["exp"] = past,
                        ["iat"] = past - 60,
                        ["nbf"] = past - 60,
                    },
                    key
                ),
                Sign(new(good) { ["nbf"] = past + 3600, ["exp"] = past + 7200 }, key),
                Sign(new(good) { ["aud"] = "somebody-else" }, key),
                // Signed by Identity, and made from nothing that gives access.
                Sign(new(good.Where(claim => claim.Key != "origin")), key),
                Sign(new(good) { ["origin"] = $"session:{account.UserId}:{account.UserId}" }, key),
                Sign(new(good) { ["origin"] = $"session:{session}:{session}" }, key),
                Sign(new(good) { ["origin"] = "whatever" }, key),
                Sign(new(good) { ["org"] = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString() }, key),
                Sign(new(good) { ["iss"] = "https://evil.example/" }, key),
                Sign(good, new RsaSecurityKey(other) { KeyId = key.KeyId }),
                Sign(good, new RsaSecurityKey(other) { KeyId = "unknown" }),
                Unsigned(good),
                Sign(good, key)[..^4] + "AAAA",
                SignedWithPublicKey(good, key),
                (await account.TrySignInAsync()).IdentityToken,
            }
        )
        {
            Assert.Equal([401, 401], await AnswersAsync(bad));
        }
    }

    [Fact]
    public async Task A_customer_token_names_its_customer_for_a_short_time_and_opens_nothing_else()
    {
        using var tenant = await polaris.SignUpAsync();
        var created = (
            await tenant.QueryAsync("mutation { createCustomerToken(customer: \"acme\", expiresIn: 60) { token expiresAt } }")
        ).GetProperty("createCustomerToken");
        var token = new JsonWebToken(created.GetProperty("token").GetString());
        Assert.Equal(
            ("acme", tenant.OrgId.ToString(), "customer"),
            (token.GetClaim("customer").Value, token.GetClaim("org").Value, token.GetClaim("scope").Value)
        );
        Assert.Equal(TimeSpan.FromSeconds(60), token.ValidTo - token.ValidFrom);

        // Valid but not permitted: 403 instead of the 401 of an invalid token.
        Assert.Equal([403, 403], await AnswersAsync(token.EncodedToken));
        using var customer = new Tenant(polaris.Gateway, tenant.OrgId.ToString(), token.EncodedToken);
        foreach (
            var query in new[]
            {
                "{ org { name } }",
                "{ apiKeys { id } }",
                "{ meters { key } }",
                "{ customers { totalCount } }",
                "mutation { createCustomerToken(customer: \"other\") { token } }",
            }
        )
            Assert.Equal("FORBIDDEN", (await customer.RefusalAsync(query)).Code);

        foreach (var seconds in new[] { 0, 9, 3601 })
            Assert.Equal(
                "out_of_range",
                (
                    await tenant.RefusalAsync(
                        "mutation($s: Int) { createCustomerToken(customer: \"acme\", expiresIn: $s) { token } }",
                        new { s = seconds }
                    )
                ).Rule
            );
        using var reader = await tenant.WithKeyAsync(["read", "ingest"]);
        Assert.Equal("FORBIDDEN", (await reader.RefusalAsync("mutation { createCustomerToken(customer: \"acme\") { token } }")).Code);
        // A customer key that looks like a person's id does not identify a person.
        var user = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
        var asUser = (await tenant.QueryAsync("mutation($c: String!) { createCustomerToken(customer: $c) { token } }", new { c = user }))
            .GetProperty("createCustomerToken")
            .GetProperty("token")
            .GetString();
        Assert.NotEqual(user, new JsonWebToken(asUser).Subject);
    }

    /// <summary>The status of a query and of an event: 200 and 202, 401 or 403.</summary>
    private async Task<IReadOnlyList<int>> AnswersAsync(string token)
    {
        using var tenant = new Tenant(polaris.Gateway, Guid.Empty.ToString(), token);
        return
        [
            (await tenant.SendQueryAsync("{ me { org { id } } }")).Status(),
            (
                await tenant.IngestAsync(new { idempotency_key = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), type = "call" })
            ).Status,
        ];
    }

    private Dictionary<string, object> Claims(Account account, Guid session)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return new()
        {
            ["iss"] = polaris.Gateway.ToString().TrimEnd('/') + "/",
            ["aud"] = "polaris",
            ["sub"] = account.UserId.ToString(),
            ["org"] = account.OrgId.ToString(),
            ["scope"] = "read ingest",
            ["origin"] = $"session:{session}:{account.UserId}",
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + 300,
        };
    }

    private static string Sign(Dictionary<string, object> claims, SecurityKey key, string algorithm = SecurityAlgorithms.RsaSha256) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            JsonSerializer.Serialize(claims),
            new SigningCredentials(key, algorithm),
            new Dictionary<string, object> { ["typ"] = "at+jwt" }
        );

    private static string Unsigned(Dictionary<string, object> claims) =>
        $"{Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"at+jwt\"}")}.{Base64UrlEncoder.Encode(JsonSerializer.Serialize(claims))}.";

    /// <summary>The algorithm confusion attack: a symmetric signature with the public key as its secret.</summary>
    private static string SignedWithPublicKey(Dictionary<string, object> claims, RsaSecurityKey key) =>
        Sign(
            claims,
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key.Rsa.ExportSubjectPublicKeyInfoPem())) { KeyId = key.KeyId },
            SecurityAlgorithms.HmacSha256
        );

    private async Task<RsaSecurityKey> SigningKeyAsync()
    {
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(System.IO.Path.Combine(polaris.State, "secrets.json")));
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new(InstallationSecret.Setting, secrets.RootElement.GetProperty("installation-secret").GetString())])
            .Build();
        var builder = new NpgsqlDataSourceBuilder(await polaris.App.GetConnectionStringAsync("identitydb"));
        builder.UseNodaTime();
        await using var database = builder.Build();
        return (
            await new SigningKeyStore(database, configuration, Options.Create(new SigningKeyOptions()), TimeProvider.System).ReadAsync(
                CancellationToken.None
            )
        )[0].Key;
    }
}
