using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>Usage as it changes, by a subscription at the gateway.</summary>
public sealed class UsageChangedTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Usage_is_told_at_once_and_again_whenever_it_has_changed()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.CreateMeterAsync("others", "COUNT");
        await polaris.UntilAsync("a meter that can be asked", async () => await tenant.UsageAsync("calls") == 0);
        await using var all = await LiveEvents.OpenAsync(tenant, Subscription());
        await using var ofOne = await LiveEvents.OpenAsync(tenant, Subscription("customer: \"one\""));
        Assert.Equal("text/event-stream", all.MediaType);
        Assert.Equal((0, 0), (await QuantityAsync(all), await QuantityAsync(ofOne)));
        await SendAsync(tenant, "1", "one");
        Assert.Equal((1, 1), (await QuantityAsync(all), await QuantityAsync(ofOne)));
        await SendAsync(tenant, "2", "two");
        Assert.Equal(2, await QuantityAsync(all));
        // Whoever comes later begins with what there is; nothing was told of the other customer in between.
        await SendAsync(tenant, "3", "one");
        Assert.Equal((3, 2), (await QuantityAsync(all), await QuantityAsync(ofOne)));
        await using var late = await LiveEvents.OpenAsync(tenant, Subscription());
        Assert.Equal(3, await QuantityAsync(late));
    }

    [Fact]
    public async Task Who_may_not_read_the_usage_is_told_so_and_nothing_else()
    {
        using var owner = await polaris.SignUpAsync();
        await owner.CreateMeterAsync("calls", "COUNT");
        using var stranger = await polaris.SignUpAsync();
        using var sender = await owner.WithKeyAsync(["ingest"]);
        var ofOwner = Subscription($"orgId: \"{owner.OrgId}\"");
        await RefusedAsync("NOT_FOUND", await LiveEvents.OpenAsync(stranger, ofOwner));
        await RefusedAsync("NOT_FOUND", await LiveEvents.OpenAsync(stranger, Subscription()));
        await RefusedAsync("FORBIDDEN", await LiveEvents.OpenAsync(sender, Subscription()));
        using var anyone = new HttpClient();
        await RefusedAsync(
            "UNAUTHENTICATED",
            await LiveEvents.OpenAsync(anyone, new Uri(polaris.Gateway, "/graphql"), null, Subscription())
        );
        await using var wrong = await LiveEvents.OpenAsync(anyone, new Uri(polaris.Gateway, "/graphql"), "pk_wrong", Subscription());
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.Status);

        // A customer's token has the portal, as with queries.
        var customer = await owner.QueryAsync("mutation { createCustomerToken(customer: \"one\", expiresIn: 60) { token } }");
        var token = customer.GetProperty("createCustomerToken").GetProperty("token").GetString();
        await RefusedAsync(
            "FORBIDDEN",
            await LiveEvents.OpenAsync(anyone, new Uri(polaris.Gateway, "/graphql"), token, Subscription("customer: \"one\""))
        );
        Assert.Equal(("INVALID_INPUT", "event_stream_required", null), await owner.RefusalAsync(Subscription()));
    }

    [Fact]
    public async Task A_subscription_ends_when_its_key_is_revoked()
    {
        using var owner = await polaris.SignUpAsync();
        await owner.CreateMeterAsync("calls", "COUNT");
        await polaris.UntilAsync("a meter that can be asked", async () => await owner.UsageAsync("calls") == 0);
        using var reader = await owner.WithKeyAsync(["read"]);
        await using var kept = await LiveEvents.OpenAsync(owner, Subscription());
        await using var ended = await LiveEvents.OpenAsync(reader, Subscription());
        Assert.Equal((0, 0), (await QuantityAsync(kept), await QuantityAsync(ended)));
        var keys = (await owner.QueryAsync("{ apiKeys { id name } }")).GetProperty("apiKeys").EnumerateArray();
        var id = keys.Single(key => key.GetProperty("name").GetString() == "test").GetProperty("id").GetString();
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", new { id });
        var last = (await ended.NextAsync())!.Value;
        Assert.Equal(JsonValueKind.Null, last.GetProperty("data").ValueKind);
        Assert.Equal("revoked_credentials", last.GetProperty("errors")[0].GetProperty("extensions").GetProperty("rule").GetString());
        Assert.Null(await ended.NextAsync());
        await SendAsync(owner, "1", "one");
        Assert.Equal(1, await QuantityAsync(kept));
    }

    [Fact]
    public async Task A_caller_has_so_many_subscriptions_and_no_more_and_its_requests_are_answered_beside_them()
    {
        var limits = new GraphQLLimits();
        using var owner = await polaris.SignUpAsync();
        await owner.CreateMeterAsync("calls", "COUNT");
        await polaris.UntilAsync("a meter that can be asked", async () => await owner.UsageAsync("calls") == 0);
        using var other = await owner.WithKeyAsync(["read"]);
        var open = await Task.WhenAll(
            Enumerable.Range(0, limits.MaxSubscriptionsPerCaller).Select(_ => LiveEvents.OpenAsync(owner, Subscription()))
        );
        Assert.All(open, one => Assert.Equal(HttpStatusCode.OK, one.Status));
        await using (var further = await LiveEvents.OpenAsync(owner, Subscription()))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, further.Status);
            Assert.Equal("too_many_subscriptions", (await further.NextAsync())!.Value.GetProperty("code").GetString());
        }

        // All places of requests are free: as many as there are subscriptions.
        Assert.Equal(0, await owner.UsageAsync("calls"));
        await using var ofOther = await LiveEvents.OpenAsync(other, Subscription());
        Assert.Equal(0, await QuantityAsync(ofOther));
        await open[0].DisposeAsync();
        await polaris.UntilAsync(
            "a place of one that has left",
            async () =>
            {
                await using var again = await LiveEvents.OpenAsync(owner, Subscription());
                return again.Status == HttpStatusCode.OK;
            }
        );
        foreach (var one in open[1..])
            await one.DisposeAsync();
    }

    private static string Subscription(string more = "") =>
        $"subscription {{ usageChanged(meter: \"calls\", from: \"{Start:yyyy-MM-dd}T00:00:00Z\", "
        + $"to: \"{Start.AddDays(3):yyyy-MM-dd}T00:00:00Z\", {more}) {{ meter quantity eventCount }} }}";

    private static DateTimeOffset Start => TimeProvider.System.GetUtcNow().AddDays(-1);

    private static async Task SendAsync(Tenant tenant, string key, string customer)
    {
        var at = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var (status, body) = await tenant.IngestAsync(
            new
            {
                idempotency_key = key,
                type = "call",
                customer,
                timestamp = at,
            }
        );
        Assert.True(status == 202, body.ToString());
    }

    private static async Task<long> QuantityAsync(LiveEvents events)
    {
        var answer = (await events.NextAsync())!.Value;
        Assert.False(answer.TryGetProperty("errors", out _), answer.ToString());
        var usage = answer.GetProperty("data").GetProperty("usageChanged");
        Assert.Equal("calls", usage.GetProperty("meter").GetString());
        return long.Parse(usage.GetProperty("quantity").GetString()!, CultureInfo.InvariantCulture);
    }

    private static async Task RefusedAsync(string code, LiveEvents events)
    {
        await using (events)
        {
            var answer = (await events.NextAsync())!.Value;
            Assert.Equal(code, answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("code").GetString());
            Assert.Equal(JsonValueKind.Null, answer.GetProperty("data").ValueKind);
            Assert.Null(await events.NextAsync());
        }
    }
}
