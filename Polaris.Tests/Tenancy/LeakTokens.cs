using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using Polaris.Identity.Features.Tokens;

namespace Polaris.Tests.Tenancy;

/// <summary>Access tokens like Identity's, signed with its key, and invalid ones.</summary>
internal sealed class LeakTokens(RsaSecurityKey key, string issuer, string identityDatabase) : IDisposable
{
    public const string Service = "polaris.internal";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private readonly RSA stranger = RSA.Create(2048);
    private readonly ConcurrentDictionary<string, string> people = [];

    public static async Task<LeakTokens> OfAsync(LeakPlatform platform)
    {
        var source = new NpgsqlDataSourceBuilder(await platform.ConnectionStringAsync("identitydb"));
        source.UseNodaTime();
        await using var database = source.Build();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new(InstallationSecret.Setting, platform.Secret("installation-secret"))])
            .Build();
        var keys = await new SigningKeyStore(
            database,
            configuration,
            Options.Create(new SigningKeyOptions()),
            TimeProvider.System
        ).ReadAsync(default);
        return new LeakTokens(keys[0].Key, platform.Gateway.ToString(), await platform.ConnectionStringAsync("identitydb"));
    }

    /// <summary>A token of a person whose session and role are in the database; for a service, its own token.</summary>
    public string Of(string scope, Known? org, string? customer = null, string role = "owner") =>
        Sign(
            new SigningCredentials(key, SecurityAlgorithms.RsaSha256),
            scope,
            org,
            customer,
            Lifetime,
            "polaris",
            issuer,
            role,
            scope == Service || org is null ? null : PersonOf(org, role, operates: scope is "platform" or "platform.read")
        );

    /// <summary>A token of the owner in a session of its own, which may be ended.</summary>
    public string OfNewSession(string scope, Known org)
    {
        var session = Guid.CreateVersion7();
        Run(
            "INSERT INTO sessions (id, user_id, created_at, expires_at, address) VALUES ($1, $2, now(), now() + interval '1 day', '')",
            session,
            Guid.Parse(org.User)
        );
        return Sign(
            new SigningCredentials(key, SecurityAlgorithms.RsaSha256),
            scope,
            org,
            customer: null,
            Lifetime,
            "polaris",
            issuer,
            "owner",
            org.User,
            session.ToString()
        );
    }

    /// <summary>Tokens like a valid one, each invalid in one way.</summary>
    public IEnumerable<(string Name, string Token)> Bad(string scope, Known? org, string? customer = null)
    {
        var good = new SigningCredentials(key, SecurityAlgorithms.RsaSha256);
        yield return ("expired", Sign(good, scope, org, customer, -Lifetime, "polaris", issuer));
        yield return ("for another audience", Sign(good, scope, org, customer, Lifetime, "somebody-else", issuer));
        yield return ("of another issuer", Sign(good, scope, org, customer, Lifetime, "polaris", "https://issuer.example/"));
        yield return (
            "signed with another key",
            Sign(
                new SigningCredentials(new RsaSecurityKey(stranger) { KeyId = key.KeyId }, SecurityAlgorithms.RsaSha256),
                scope,
                org,
                customer,
                Lifetime,
                "polaris",
                issuer
            )
        );
        // The public key as an HMAC secret: an attack on verifiers that let the token choose the algorithm.
        yield return (
            "signed with the public key",
            Sign(
                new SigningCredentials(
                    new SymmetricSecurityKey(key.Rsa.ExportSubjectPublicKeyInfo()) { KeyId = key.KeyId },
                    SecurityAlgorithms.HmacSha256
                ),
                scope,
                org,
                customer,
                Lifetime,
                "polaris",
                issuer
            )
        );
        var parts = Of(scope, org, customer).Split('.');
        yield return ("unsigned", $"{Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"at+jwt\"}")}.{parts[1]}.");
        yield return ("without its signature", $"{parts[0]}.{parts[1]}.");
        yield return (
            "with more rights than were signed",
            $"{parts[0]}."
                + Base64UrlEncoder.Encode(
                    Encoding
                        .UTF8.GetString(Base64UrlEncoder.DecodeBytes(parts[1]))
                        .Replace("\"scope\":\"", "\"scope\":\"read admin ingest ", StringComparison.Ordinal)
                )
                + $".{parts[2]}"
        );
        yield return ("no token at all", "nonsense");
        yield return ("a key that never was", Known.Missing().SpareSecret);
    }

    public void Dispose() => stranger.Dispose();

    /// <summary>The org's owner, or a member of another role, with an open session whose id is the person's.</summary>
    private string PersonOf(Known org, string role, bool operates)
    {
        if (role == "owner" && !operates)
            return people.GetOrAdd(
                org.User,
                user =>
                {
                    Run(
                        "INSERT INTO sessions (id, user_id, created_at, expires_at, address) "
                            + "VALUES ($1, $1, now(), now() + interval '1 day', '')",
                        Guid.Parse(user)
                    );
                    return user;
                }
            );
        return people.GetOrAdd(
            $"{org.Org} {role} {operates}",
            _ =>
            {
                var user = Guid.CreateVersion7();
                Run(
                    """
                    INSERT INTO users (id, user_name, is_platform_admin, email_confirmed, phone_number_confirmed, two_factor_enabled,
                      lockout_enabled, access_failed_count, last_totp_step) VALUES ($1, $2, $3, false, false, false, false, 0, 0)
                    """,
                    user,
                    user.ToString(),
                    operates
                );
                Run(
                    "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, $3, now())",
                    Guid.Parse(org.Org),
                    user,
                    // A second owner would let the first one leave.
                    operates ? "viewer" : role
                );
                Run(
                    "INSERT INTO sessions (id, user_id, created_at, expires_at, address) "
                        + "VALUES ($1, $1, now(), now() + interval '1 day', '')",
                    user
                );
                return user.ToString();
            }
        );
    }

    private void Run(string sql, params object[] values)
    {
        using var connection = new NpgsqlConnection(identityDatabase);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        command.ExecuteNonQuery();
    }

    private static string Sign(
        SigningCredentials credentials,
        string scope,
        Known? org,
        string? customer,
        TimeSpan lifetime,
        string audience,
        string issuer,
        string role = "owner",
        string? person = null,
        string? session = null
    )
    {
        var now = TimeProvider.System.GetUtcNow();
        var from = lifetime < TimeSpan.Zero ? now + lifetime + lifetime : now.AddSeconds(-5);
        var claims = new Dictionary<string, object>
        {
            ["sub"] = scope == Service ? "service:test" : person ?? Guid.CreateVersion7().ToString(),
            ["role"] = role,
            ["scope"] = scope,
            ["iss"] = issuer,
            ["aud"] = audience,
            ["iat"] = from.ToUnixTimeSeconds(),
            ["nbf"] = from.ToUnixTimeSeconds(),
            ["exp"] = (now + lifetime).ToUnixTimeSeconds(),
        };
        if (person is not null)
            claims["origin"] = $"session:{session ?? person}:{person}";
        if (org is not null)
            claims["org"] = org.Org;
        if (customer is not null)
            claims["customer"] = customer;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            JsonSerializer.Serialize(claims),
            credentials,
            new Dictionary<string, object> { ["typ"] = "at+jwt" }
        );
    }
}
