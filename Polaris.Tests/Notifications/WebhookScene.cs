using System.Text.Json;
using Polaris.Bench.Notify;

namespace Polaris.Tests.Notifications;

/// <summary>An org with endpoints at a receiver.</summary>
internal sealed class WebhookScene(PolarisApp polaris, Tenant tenant, WebhookReceiver receiver)
{
    public Tenant Tenant => tenant;

    /// <returns>The endpoint's id and secret.</returns>
    public async Task<(string Id, string Secret)> EndpointAsync(
        string name,
        string behaviour,
        string[]? eventTypes = null,
        bool inOrder = false
    )
    {
        var made = (
            await tenant.QueryAsync(
                "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { secret endpoint { id } } }",
                new
                {
                    input = new
                    {
                        url = receiver.Url(name, behaviour),
                        eventTypes,
                        inOrder,
                    },
                }
            )
        ).GetProperty("createWebhookEndpoint");
        return (made.GetProperty("endpoint").GetProperty("id").GetString()!, made.GetProperty("secret").GetString()!);
    }

    /// <summary>Each new customer is an event.</summary>
    public Task CustomersAsync(params string[] keys) =>
        tenant.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = keys.Select(key => new { key }) }
        );

    public async Task<JsonElement[]> DeliveriesAsync(string endpoint) =>
        [
            .. (
                await tenant.QueryAsync(
                    "query($id: ID!) { deliveries(endpointId: $id, first: 200) { nodes { id eventId eventType status attemptCount "
                        + "attempts { number statusCode error response } } } }",
                    new { id = endpoint }
                )
            )
                .GetProperty("deliveries")
                .GetProperty("nodes")
                .EnumerateArray(),
        ];

    public async Task<IReadOnlyList<Receipt>> UntilReceivedAsync(string name, int count)
    {
        IReadOnlyList<Receipt> found = [];
        await polaris.UntilAsync(
            $"{count} webhooks of {name}",
            async () => (found = await receiver.ReceiptsAsync(name)).Select(receipt => receipt.Id).Distinct().Count() >= count
        );
        return found;
    }

    public async Task<JsonElement> UntilStatusAsync(string endpoint, string status, int attempts = 1)
    {
        JsonElement[] found = [];
        await polaris.UntilAsync(
            $"a delivery that is {status}",
            async () =>
                (found = await DeliveriesAsync(endpoint)).Length > 0
                && found[0].GetProperty("status").GetString() == status
                && found[0].GetProperty("attemptCount").GetInt32() >= attempts
        );
        return found[0];
    }

    public static string CustomerOf(Receipt receipt) =>
        JsonDocument.Parse(receipt.Body).RootElement.GetProperty("data").GetProperty("customer").GetString()!;
}
