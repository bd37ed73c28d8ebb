using Aspire.Hosting.Testing;
using Duende.IdentityModel.Client;
using Microsoft.IdentityModel.JsonWebTokens;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>Rotation of signing keys under traffic. The keys belong to the whole platform, so these tests run alone.</summary>
[Collection(nameof(PromiseTests))]
public sealed class SigningKeyTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>Calls Identity, Plans and Billing.</summary>
    private const string Everywhere = "{ me { role } meters { key } customers { totalCount } }";

    [Fact]
    public async Task A_key_of_one_replica_signs_at_the_other_after_it_was_published_and_what_the_last_one_signed_stays_valid()
    {
        await polaris.UntilHealthyAsync();
        var account = await Account.SignUpAsync(polaris);
        using var owner = account.WithKey();
        var client = account.Client();
        var login = await client.LoginAsync();
        Assert.False(login.IsError, login.Error);
        var first = Kid(login.AccessToken);
        Assert.Equal(first, await SignedByAsync(owner));
        using var earlier = new Tenant(polaris.Gateway, account.OrgId.ToString(), login.AccessToken);
        await polaris.UntilAsync("services to know the first key", async () => (await earlier.SendQueryAsync(Everywhere)).Status() == 200);

        await using (
            var replica = polaris.App.StartReplica(
                "identity",
                ("SigningKeys__RotateEvery", "00:00:20"),
                ("SigningKeys__PublishBefore", "00:00:05")
            )
        )
        {
            // The signing process was not notified: it finds the other process's key by itself, publishes it, and signs with it when it is
            // active.
            var published = new HashSet<string>();
            await polaris.UntilAsync(
                "signing with the next key",
                async () =>
                {
                    var before = published.ToHashSet();
                    published = await KidsAsync();
                    var kid = await SignedByAsync(owner);
                    if (kid == first)
                        return false;
                    Assert.Contains(kid, before);
                    return true;
                }
            );
            Assert.Contains(first, published);
        }

        Assert.Equal(200, (await earlier.SendQueryAsync(Everywhere)).Status());
        var renewed = await client.RefreshTokenAsync(login.RefreshToken);
        Assert.False(renewed.IsError, renewed.Error);
        Assert.NotEqual(first, Kid(renewed.AccessToken));
        using var later = new Tenant(polaris.Gateway, account.OrgId.ToString(), renewed.AccessToken);
        await polaris.UntilAsync("services to learn the key", async () => (await later.SendQueryAsync(Everywhere)).Status() == 200);
    }

    [Fact]
    public async Task A_leaked_key_is_dropped_with_all_it_signed_and_the_services_go_on()
    {
        await polaris.UntilHealthyAsync();
        var account = await Account.SignUpAsync(polaris);
        using var owner = account.WithKey();
        using var before = await account.SignInAsync();
        await owner.CreateMeterAsync("calls", "COUNT");

        var admin = new Account(polaris.Gateway, PolarisApp.OperatorEmail, PolarisApp.OperatorPassword, Guid.Empty, Guid.Empty, "");
        // No role in an org permits this.
        Assert.Equal("FORBIDDEN", (await before.RefusalAsync("mutation { rotateSigningKey { id } }")).Code);
        Assert.Equal("FORBIDDEN", (await owner.RefusalAsync("{ orgs { nodes { id } } }")).Code);
        Assert.DoesNotContain(
            "platform",
            (await account.TrySignInAsync("openid read platform")).TokenResponse.Scope ?? "",
            StringComparison.Ordinal
        );
        using (var platform = await admin.SignInAsync("openid platform read admin"))
        {
            // A platform admin sees which orgs exist, and no data in them.
            Assert.True(
                (await platform.QueryAsync("{ orgs(first: 5) { nodes { id name } } }"))
                    .GetProperty("orgs")
                    .GetProperty("nodes")
                    .GetArrayLength() > 0
            );
            Assert.Equal("UNAUTHENTICATED", (await platform.RefusalAsync("{ apiKeys { id } }")).Code);
            var keys = (await platform.QueryAsync("mutation { rotateSigningKey(dropOthers: true) { id signing } }")).GetProperty(
                "rotateSigningKey"
            );
            Assert.Equal(keys[0].GetProperty("id").GetString(), Assert.Single(await KidsAsync()));
        }

        using var after = await account.SignInAsync();
        await polaris.UntilAsync("services to know the new key", async () => (await after.SendQueryAsync(Everywhere)).Status() == 200);
        await polaris.UntilAsync(
            "refusal of what the dropped key signed",
            async () =>
                (await before.SendQueryAsync("{ me { role } }")).Status() == 401
                && (await before.SendQueryAsync("{ customers { totalCount } }")).Status() == 401
        );
        // The services' own tokens are invalid too: they get new ones while a call waits, and the pipeline works.
        Assert.Equal(200, (await owner.SendQueryAsync(Everywhere)).Status());
        await polaris.UntilAsync(
            "an event",
            async () => (await owner.IngestAsync(new { idempotency_key = "after", type = "call" })).Status == 202
        );
        await polaris.UntilAsync("counting", async () => await owner.UsageAsync("calls") == 1);
        using var platformAgain = await admin.SignInAsync("openid platform");
        var entry = (await platformAgain.QueryAsync("{ platformAuditLog(first: 1) { nodes { action detail } } }"))
            .GetProperty("platformAuditLog")
            .GetProperty("nodes")[0];
        Assert.Equal(
            ("signing_key.rotated", "others dropped"),
            (entry.GetProperty("action").GetString(), entry.GetProperty("detail").GetString())
        );
    }

    private static string Kid(string token) => new JsonWebToken(token).Kid;

    private static async Task<string> SignedByAsync(Tenant owner) =>
        Kid(
            (await owner.QueryAsync("mutation { createCustomerToken(customer: \"c\") { token } }"))
                .GetProperty("createCustomerToken")
                .GetProperty("token")
                .GetString()!
        );

    private async Task<HashSet<string>> KidsAsync()
    {
        using var http = new HttpClient();
        var answer = await http.GetJsonWebKeySetAsync(new Uri(polaris.Gateway, "/.well-known/jwks").ToString());
        Assert.False(answer.IsError, answer.Error);
        return [.. answer.KeySet!.Keys.Select(key => key.Kid!)];
    }
}
