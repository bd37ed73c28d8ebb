using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>Webhooks at a receiver in a process of its own, signed, tried again, seen and sent again.</summary>
public sealed class WebhookTests(PolarisApp polaris) : PlatformTests
{
    private const string CustomerCreated = "customer.created";

    [Fact]
    public async Task An_event_is_posted_with_its_id_and_a_signature_of_the_endpoints_secret()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, secret) = await scene.EndpointAsync("one", "ok", [CustomerCreated]);
        await scene.CustomersAsync("acme");
        var receipt = Assert.Single(await scene.UntilReceivedAsync("one", 1));
        Assert.True(WebhookReceiver.IsSigned(receipt, secret));
        Assert.False(WebhookReceiver.IsSigned(receipt with { Body = receipt.Body + " " }, secret));
        var body = JsonDocument.Parse(receipt.Body).RootElement;
        Assert.Equal(receipt.Id, body.GetProperty("id").GetString());
        Assert.Equal((CustomerCreated, 1), (body.GetProperty("type").GetString(), body.GetProperty("version").GetInt32()));
        Assert.Equal("acme", WebhookScene.CustomerOf(receipt));
        Assert.InRange(
            DateTimeOffset.FromUnixTimeSeconds(long.Parse(receipt.Timestamp)),
            TimeProvider.System.GetUtcNow().AddMinutes(-5),
            TimeProvider.System.GetUtcNow().AddMinutes(1)
        );
        var delivery = await scene.UntilStatusAsync(id, "DELIVERED");
        Assert.Equal(receipt.Id, delivery.GetProperty("eventId").GetString());
        Assert.Equal("thanks", delivery.GetProperty("attempts")[0].GetProperty("response").GetString());
    }

    [Fact]
    public async Task A_rotated_secret_signs_beside_the_new_one_for_its_overlap()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, first) = await scene.EndpointAsync("rotated", "ok", [CustomerCreated]);
        var second = await RotateAsync(3_600);
        await scene.CustomersAsync("acme");
        var both = Assert.Single(await scene.UntilReceivedAsync("rotated", 1));
        Assert.True(WebhookReceiver.IsSigned(both, first) && WebhookReceiver.IsSigned(both, second));
        var third = await RotateAsync(0);
        await scene.CustomersAsync("globex");
        var one = (await scene.UntilReceivedAsync("rotated", 2))[^1];
        Assert.True(WebhookReceiver.IsSigned(one, third));
        Assert.False(WebhookReceiver.IsSigned(one, first) || WebhookReceiver.IsSigned(one, second));

        async Task<string> RotateAsync(int overlap) =>
            (
                await tenant.QueryAsync(
                    "mutation($id: ID!, $overlap: Int) { rotateWebhookSecret(id: $id, overlap: $overlap) { secret } }",
                    new { id, overlap }
                )
            )
                .GetProperty("rotateWebhookSecret")
                .GetProperty("secret")
                .GetString()!;
    }

    [Theory]
    [InlineData("fails-twice", 3, null)]
    [InlineData("hangs-once", 2, "No answer within 3 s.")]
    [InlineData("half-once", 2, null)]
    public async Task A_try_that_failed_is_repeated_with_the_same_id(string behaviour, int attempts, string? error)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, secret) = await scene.EndpointAsync("again", behaviour, [CustomerCreated]);
        await scene.CustomersAsync("acme");
        var delivery = await scene.UntilStatusAsync(id, "DELIVERED");
        // A busy machine may miss an answer that came, and try once more.
        var count = delivery.GetProperty("attemptCount").GetInt32();
        Assert.True(count >= attempts, $"{count} attempts");
        var receipts = await receiver.ReceiptsAsync("again");
        Assert.True(receipts.Count >= attempts, $"{receipts.Count} requests");
        Assert.Single(receipts.Select(receipt => receipt.Id).Distinct());
        Assert.All(receipts, receipt => Assert.True(WebhookReceiver.IsSigned(receipt, secret)));
        var last = delivery.GetProperty("attempts")[count - 1];
        Assert.Equal(1, last.GetProperty("number").GetInt32());
        if (error is not null)
            Assert.Equal(error, last.GetProperty("error").GetString());
        else
            Assert.NotNull(last.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_a_huge_answer_is_cut()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (redirects, _) = await scene.EndpointAsync("redirects", "redirects", [CustomerCreated]);
        var (huge, _) = await scene.EndpointAsync("huge", "huge", [CustomerCreated]);
        await scene.CustomersAsync("acme");
        var refused = await scene.UntilStatusAsync(redirects, "WAITING");
        Assert.Contains(
            "redirects are not followed",
            refused.GetProperty("attempts")[0].GetProperty("error").GetString(),
            StringComparison.Ordinal
        );
        Assert.Empty(await receiver.ReceiptsAsync("redirected"));
        var cut = await scene.UntilStatusAsync(huge, "DELIVERED");
        Assert.Equal(1_024, cut.GetProperty("attempts")[0].GetProperty("response").GetString()!.Length);
    }

    [Fact]
    public async Task An_endpoint_that_answers_410_is_disabled_and_others_are_told()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, _) = await scene.EndpointAsync("gone", "gone", [CustomerCreated]);
        var (_, secret) = await scene.EndpointAsync("told", "ok", ["webhook_endpoint.disabled"]);
        await scene.CustomersAsync("acme");
        var notice = Assert.Single(await scene.UntilReceivedAsync("told", 1));
        Assert.True(WebhookReceiver.IsSigned(notice, secret));
        var data = JsonDocument.Parse(notice.Body).RootElement.GetProperty("data");
        Assert.Equal((id, "gone"), (data.GetProperty("endpointId").GetString(), data.GetProperty("reason").GetString()));
        var endpoint = (
            await tenant.QueryAsync("query($id: ID!) { webhookEndpoint(id: $id) { status disabledReason } }", new { id })
        ).GetProperty("webhookEndpoint");
        Assert.Equal("DISABLED", endpoint.GetProperty("status").GetString());
        Assert.Equal("gone", endpoint.GetProperty("disabledReason").GetString());
        await scene.CustomersAsync("globex");
        await polaris.UntilAsync(
            "the second event",
            async () =>
                await polaris.ScalarAsync<long>(
                    "notificationsdb",
                    "SELECT count(*) FROM events WHERE org_id = $1 AND kind = 'customer.created'",
                    tenant.OrgId
                ) == 2
        );
        Assert.Single(await receiver.ReceiptsAsync("gone"));
    }

    [Fact]
    public async Task An_endpoint_that_fails_for_days_is_disabled_and_what_waits_is_sent_when_it_is_enabled()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, _) = await scene.EndpointAsync("days", "fails", [CustomerCreated]);
        await scene.CustomersAsync("acme");
        await polaris.UntilAsync(
            "its end",
            async () =>
            {
                // Once it has failed; an attempt that goes on meanwhile may write what it read before.
                await polaris.ScalarAsync<object>(
                    "notificationsdb",
                    "UPDATE queues SET failing_since = now() - interval '4 days' WHERE org_id = $1 AND failures > 0",
                    tenant.OrgId
                );
                return (await tenant.QueryAsync("query($id: ID!) { webhookEndpoint(id: $id) { disabledReason } }", new { id }))
                        .GetProperty("webhookEndpoint")
                        .GetProperty("disabledReason")
                        .GetString() == "failing";
            }
        );
        await tenant.QueryAsync(
            "mutation($id: ID!, $url: String!) { updateWebhookEndpoint(input: {id: $id, url: $url}) { id } "
                + "enableWebhookEndpoint(id: $id) { id } }",
            new { id, url = receiver.Url("days-after", "ok") }
        );
        await scene.UntilReceivedAsync("days-after", 1);
        await scene.UntilStatusAsync(id, "DELIVERED");
    }

    [Fact]
    public async Task In_order_an_event_waits_for_those_before_it()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        await scene.EndpointAsync("ordered", "fails-twice", [CustomerCreated], inOrder: true);
        string[] customers = [.. Enumerable.Range(0, 6).Select(i => $"c{i}")];
        foreach (var customer in customers)
            await scene.CustomersAsync(customer);
        await polaris.UntilAsync("all of them", async () => (await receiver.ReceiptsAsync("ordered")).Count == 3 * customers.Length);
        Assert.Equal(
            customers.SelectMany(customer => Enumerable.Repeat(customer, 3)),
            (await receiver.ReceiptsAsync("ordered")).Select(WebhookScene.CustomerOf)
        );
    }

    [Fact]
    public async Task A_delivery_a_range_and_a_test_can_be_sent_again_with_the_ids_that_they_had()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (id, _) = await scene.EndpointAsync("seen", "ok", [CustomerCreated]);
        await scene.CustomersAsync("acme", "globex");
        var ids = (await scene.UntilReceivedAsync("seen", 2)).Select(receipt => receipt.Id).ToHashSet();
        var delivery = await scene.UntilStatusAsync(id, "DELIVERED");
        await tenant.QueryAsync(
            "mutation($id: ID!) { resendDelivery(id: $id) { id } }",
            new { id = delivery.GetProperty("id").GetString() }
        );
        await polaris.UntilAsync("the delivery again", async () => (await receiver.ReceiptsAsync("seen")).Count == 3);
        Assert.Equal(ids, (await receiver.ReceiptsAsync("seen")).Select(receipt => receipt.Id).ToHashSet());

        // An endpoint that was not there when they happened gets them as well, once asked for.
        var (late, _) = await scene.EndpointAsync("late", "ok", [CustomerCreated]);
        Assert.Equal(2, await ResendAsync(late));
        Assert.Equal(ids, (await scene.UntilReceivedAsync("late", 2)).Select(receipt => receipt.Id).ToHashSet());
        await polaris.UntilAsync(
            "both delivered",
            async () => (await scene.DeliveriesAsync(late)).All(one => one.GetProperty("status").GetString() == "DELIVERED")
        );
        Assert.Equal(0, await ResendAsync(late));

        await tenant.QueryAsync("mutation($id: ID!) { testWebhookEndpoint(id: $id) { id } }", new { id = late });
        var test = (await scene.UntilReceivedAsync("late", 3))[^1];
        Assert.Equal("test", JsonDocument.Parse(test.Body).RootElement.GetProperty("type").GetString());

        async Task<int> ResendAsync(string endpoint) => (
                await tenant.QueryAsync(
                    "mutation($input: ResendEventsInput!) { resendEvents(input: $input) { count } }",
                    new
                    {
                        input = new
                        {
                            endpointId = endpoint,
                            from = "2020-01-01T00:00:00Z",
                            to = "2100-01-01T00:00:00Z",
                        },
                    }
                )
            ).GetProperty("resendEvents").GetProperty("count").GetInt32();
    }

    [Fact]
    public async Task A_receiver_that_hangs_or_restarts_delays_no_other()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        using var neighbour = await polaris.SignUpAsync();
        var (scene, other) = (new WebhookScene(polaris, tenant, receiver), new WebhookScene(polaris, neighbour, receiver));
        var (hanging, _) = await scene.EndpointAsync("hanging", "hangs", [CustomerCreated]);
        await scene.EndpointAsync("beside", "ok", [CustomerCreated]);
        await other.EndpointAsync("neighbour", "ok", [CustomerCreated]);
        string[] customers = [.. Enumerable.Range(0, 40).Select(i => $"c{i}")];
        await scene.CustomersAsync(customers);
        await other.CustomersAsync(customers);
        await scene.UntilReceivedAsync("beside", customers.Length);
        await other.UntilReceivedAsync("neighbour", customers.Length);
        Assert.All(await scene.DeliveriesAsync(hanging), one => Assert.Equal("WAITING", one.GetProperty("status").GetString()));

        receiver.Kill();
        await other.CustomersAsync("later");
        await receiver.RunAsync();
        await other.UntilReceivedAsync("neighbour", customers.Length + 1);
    }

    [Fact]
    public async Task An_endpoints_input_is_checked_and_a_viewer_only_reads()
    {
        using var tenant = await polaris.SignUpAsync();
        using var reader = await tenant.WithKeyAsync(["read"]);
        const string Create = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { secret } }";
        async Task RefusedAsync(string rule, object input) =>
            Assert.Equal(
                ("INVALID_INPUT", rule),
                ((await tenant.RefusalAsync(Create, new { input })) is var (code, found, _) ? (code, found) : default)
            );
        await RefusedAsync("invalid_url", new { url = "not a url" });
        await RefusedAsync("not_https", new { url = "ftp://example.com/" });
        await RefusedAsync("invalid_url", new { url = "https://user:secret@example.com/" });
        await RefusedAsync("address_not_allowed", new { url = "https://169.254.169.254/latest/meta-data" });
        await RefusedAsync("unknown_event_type", new { url = "https://example.com/", eventTypes = new[] { "no.such" } });
        Assert.Equal("FORBIDDEN", (await reader.RefusalAsync(Create, new { input = new { url = "https://example.com/" } })).Code);
        await reader.QueryAsync("{ webhookEndpoints { url } deliveries { nodes { id } } eventTypes { name } }");
    }
}
