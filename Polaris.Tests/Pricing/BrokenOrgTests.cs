using System.Text.Json;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>Invalid data of one org does not affect others.</summary>
public sealed class BrokenOrgTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task An_org_whose_invoices_cannot_be_made_keeps_no_other_from_its_own_and_gets_them_once_mended()
    {
        var (broken, healthy) = (await SetUpAsync(), await SetUpAsync());
        using (broken)
        using (healthy)
        {
            var message = await polaris.ScalarAsync<byte[]>(
                "billingdb",
                "SELECT message FROM plan_versions WHERE org_id = $1",
                broken.OrgId
            );
            // Not a valid message: parsing the plan throws.
            await polaris.ScalarAsync<object>(
                "billingdb",
                "UPDATE plan_versions SET message = '\\x0707' WHERE org_id = $1 RETURNING 1",
                broken.OrgId
            );
            string? held = null;
            try
            {
                await CloseAsync(broken);
                await polaris.UntilAsync("the held invoice", async () => (await HeldAsync(broken)).Length == 1);
                Assert.Equal("invoice_failed", (await HeldAsync(broken))[0].GetProperty("code").GetString());
                await CloseAsync(healthy);
                await polaris.UntilAsync("the other org's invoices", async () => await InvoicesAsync(healthy) == 2);
                Assert.Equal(0, await InvoicesAsync(broken));
                // Still broken, so it stays held: only its own org may try it again.
                held = (await HeldAsync(broken))[0].GetProperty("subscriptionId").GetString();
                Assert.Empty(await RetryAsync(healthy, held));
                Assert.Single(await RetryAsync(broken, held));
            }
            finally
            {
                await polaris.ScalarAsync<object>(
                    "billingdb",
                    "UPDATE plan_versions SET message = $2 WHERE org_id = $1 RETURNING 1",
                    broken.OrgId,
                    message!
                );
            }

            // Its own next try may come first.
            await RetryAsync(broken, held);
            await polaris.UntilAsync("the repaired org's invoices", async () => await InvoicesAsync(broken) == 2);
            Assert.Empty(await HeldAsync(broken));
        }
    }

    private static async Task<JsonElement[]> HeldAsync(Tenant tenant) =>
        [
            .. (await tenant.QueryAsync("{ heldInvoices { subscriptionId code message tries retryAt } }"))
                .GetProperty("heldInvoices")
                .EnumerateArray(),
        ];

    private static async Task<JsonElement[]> RetryAsync(Tenant tenant, string? subscription) =>
        [
            .. (
                await tenant.QueryAsync(
                    "mutation($ids: [ID!]) { retryHeldInvoices(subscriptionIds: $ids) { subscriptionId } }",
                    new { ids = new[] { subscription } }
                )
            )
                .GetProperty("retryHeldInvoices")
                .EnumerateArray(),
        ];

    private async Task<Tenant> SetUpAsync()
    {
        var tenant = await polaris.SignUpAsync();
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "fee", price: {model: FLAT, amount: "1"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        await tenant.QueryAsync(
            """
            mutation { createSubscriptions(input: [{customer: "acme", plan: "p",
              start: "2015-05-01T00:00:00Z", end: "2015-07-01T00:00:00Z"}]) { id } }
            """
        );
        return tenant;
    }

    private static Task<JsonElement> CloseAsync(Tenant tenant) =>
        tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");

    private static async Task<int> InvoicesAsync(Tenant tenant) =>
        (await tenant.QueryAsync("{ invoices { totalCount } }")).GetProperty("invoices").GetProperty("totalCount").GetInt32();
}
