using System.Text.Json;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>What is wrong with one org's data is that org's trouble.</summary>
public sealed class BrokenOrgTests(PolarisApp polaris)
{
    [Fact]
    public async Task An_org_whose_invoices_cannot_be_made_keeps_no_other_from_its_own_and_gets_them_once_mended()
    {
        var (broken, healthy) = (await SetUpAsync(), await SetUpAsync());
        using (broken)
        using (healthy)
        {
            var message = await polaris.ScalarAsync<byte[]>("billingdb", "SELECT message FROM plan_versions WHERE org_id = $1", broken.OrgId);
            // No message begins like this: whoever reads the plan fails, and not in a way that anybody expects.
            await polaris.ScalarAsync<object>("billingdb", "UPDATE plan_versions SET message = '\\x0707' WHERE org_id = $1 RETURNING 1", broken.OrgId);
            try
            {
                await CloseAsync(broken);
                await polaris.UntilAsync("the word of it", () => Task.FromResult(polaris.App.RecentOutput().Contains($"Invoices of org {broken.OrgId} could not be made", StringComparison.Ordinal)));
                await CloseAsync(healthy);
                await polaris.UntilAsync("the other org's invoices", async () => await InvoicesAsync(healthy) == 2);
                Assert.Equal(0, await InvoicesAsync(broken));
            }
            finally
            {
                await polaris.ScalarAsync<object>("billingdb", "UPDATE plan_versions SET message = $2 WHERE org_id = $1 RETURNING 1", broken.OrgId, message!);
            }

            await polaris.UntilAsync("the mended org's invoices", async () => await InvoicesAsync(broken) == 2);
        }
    }

    private async Task<Tenant> SetUpAsync()
    {
        var tenant = await polaris.SignUpAsync();
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.QueryAsync("mutation { createPlan(input: {key: \"p\", name: \"P\", currency: \"EUR\", interval: MONTH, publish: true, charges: [{key: \"fee\", price: {model: FLAT, amount: \"1\"}}]}) { id } }");
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        await tenant.QueryAsync("mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: \"2015-05-01T00:00:00Z\", end: \"2015-07-01T00:00:00Z\"}]) { id } }");
        return tenant;
    }

    private static Task<JsonElement> CloseAsync(Tenant tenant) => tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");

    private static async Task<int> InvoicesAsync(Tenant tenant) => (await tenant.QueryAsync("{ invoices { totalCount } }")).GetProperty("invoices").GetProperty("totalCount").GetInt32();
}
