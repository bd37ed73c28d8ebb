using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using Polaris.Identity.Features.Tokens;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Tests.Tenancy;

/// <summary>Access tokens as Identity makes them, signed with its own key, and such as it would never make.</summary>
internal sealed class LeakTokens(RsaSecurityKey key, string issuer) : IDisposable
{
    public const string Service = "polaris.internal";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private readonly RSA stranger = RSA.Create(2048);

    public static async Task<LeakTokens> OfAsync(LeakPlatform platform)
    {
        var source = new NpgsqlDataSourceBuilder(await platform.ConnectionStringAsync("identitydb"));
        source.UseNodaTime();
        await using var database = source.Build();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(ServiceSecrets.Setting, platform.Secret("service-secret"))]).Build();
        var keys = await new SigningKeyStore(database, configuration, Options.Create(new SigningKeyOptions()), TimeProvider.System).ReadAsync(default);
        return new LeakTokens(keys[0].Key, platform.Gateway.ToString());
    }

    public string Of(string scope, Known? org, string? customer = null, string role = "owner") =>
        Sign(new SigningCredentials(key, SecurityAlgorithms.RsaSha256), scope, org, customer, Lifetime, "polaris", issuer, role);

    /// <summary>Tokens that say what a good one says, each wrong in one way.</summary>
    public IEnumerable<(string Name, string Token)> Bad(string scope, Known? org, string? customer = null)
    {
        var good = new SigningCredentials(key, SecurityAlgorithms.RsaSha256);
        yield return ("expired", Sign(good, scope, org, customer, -Lifetime, "polaris", issuer));
        yield return ("for another audience", Sign(good, scope, org, customer, Lifetime, "somebody-else", issuer));
        yield return ("of another issuer", Sign(good, scope, org, customer, Lifetime, "polaris", "https://issuer.example/"));
        yield return ("signed with another key", Sign(new SigningCredentials(new RsaSecurityKey(stranger) { KeyId = key.KeyId }, SecurityAlgorithms.RsaSha256), scope, org, customer, Lifetime, "polaris", issuer));
        // The public key as an HMAC secret: what a verifier falls for that lets the token choose the algorithm.
        yield return ("signed with the public key", Sign(new SigningCredentials(new SymmetricSecurityKey(key.Rsa.ExportSubjectPublicKeyInfo()) { KeyId = key.KeyId }, SecurityAlgorithms.HmacSha256), scope, org, customer, Lifetime, "polaris", issuer));
        var parts = Of(scope, org, customer).Split('.');
        yield return ("unsigned", $"{Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"at+jwt\"}")}.{parts[1]}.");
        yield return ("without its signature", $"{parts[0]}.{parts[1]}.");
        yield return ("with more rights than were signed", $"{parts[0]}.{Base64UrlEncoder.Encode(Encoding.UTF8.GetString(Base64UrlEncoder.DecodeBytes(parts[1])).Replace("\"scope\":\"", "\"scope\":\"read admin ingest ", StringComparison.Ordinal))}.{parts[2]}");
        yield return ("no token at all", "nonsense");
        yield return ("a key that never was", Known.Missing().SpareSecret);
    }

    public void Dispose() => stranger.Dispose();

    private static string Sign(SigningCredentials credentials, string scope, Known? org, string? customer, TimeSpan lifetime, string audience, string issuer, string role = "owner")
    {
        var now = TimeProvider.System.GetUtcNow();
        var from = lifetime < TimeSpan.Zero ? now + lifetime + lifetime : now.AddSeconds(-5);
        var claims = new Dictionary<string, object>
        {
            ["sub"] = org?.User ?? Guid.CreateVersion7().ToString(),
            ["role"] = role,
            ["scope"] = scope,
            ["iss"] = issuer,
            ["aud"] = audience,
            ["iat"] = from.ToUnixTimeSeconds(),
            ["nbf"] = from.ToUnixTimeSeconds(),
            ["exp"] = (now + lifetime).ToUnixTimeSeconds(),
        };
        if (org is not null) claims["org"] = org.Org;
        if (customer is not null) claims["customer"] = customer;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(JsonSerializer.Serialize(claims), credentials, new Dictionary<string, object> { ["typ"] = "at+jwt" });
    }
}
