using Polaris.ServiceDefaults.Paging;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>A cursor is taken from an earlier page. Any other text is refused, in every list.</summary>
public sealed class CursorTests(PolarisApp polaris) : PlatformTests
{
    private const string Version = "planVersionId: \"00000000-0000-0000-0000-000000000001\"";
    private const string Span = "from: \"2026-01-01T00:00:00Z\", to: \"2026-02-01T00:00:00Z\"";

    [Fact]
    public async Task A_text_that_is_no_cursor_is_refused_in_every_list_that_has_pages()
    {
        using var tenant = await polaris.SignUpAsync();
        var lists = new Dictionary<string, string>
        {
            ["auditLog"] = "{ auditLog(after: \"CURSOR\") { hasNextPage } }",
            ["billingAuditLog"] = "{ billingAuditLog(after: \"CURSOR\") { hasNextPage } }",
            ["invoiceLineEvents"] =
                "{ invoiceLineEvents(after: \"CURSOR\", ordinal: 0, invoiceId: \"00000000-0000-0000-0000-000000000001\") { hasNextPage } }",
            ["notificationsAuditLog"] = "{ notificationsAuditLog(after: \"CURSOR\") { hasNextPage } }",
            ["plansAuditLog"] = "{ plansAuditLog(after: \"CURSOR\") { hasNextPage } }",
            ["thresholdCrossings"] = "{ thresholdCrossings(after: \"CURSOR\") { hasNextPage } }",
            ["coupons"] = "{ coupons(after: \"CURSOR\") { hasNextPage } }",
            ["deliveries"] = "{ deliveries(after: \"CURSOR\") { hasNextPage } }",
            ["customers"] = "{ customers(after: \"CURSOR\") { hasNextPage } }",
            ["invoices"] = "{ invoices(after: \"CURSOR\") { hasNextPage } }",
            ["ledger"] = "{ ledger(customer: \"acme\", after: \"CURSOR\") { hasNextPage } }",
            ["subscriptions"] = "{ subscriptions(after: \"CURSOR\") { hasNextPage } }",
            ["uncountedEvents"] = $"{{ uncountedEvents(meter: \"m\", after: \"CURSOR\", {Span}) {{ hasNextPage }} }}",
            ["whatIf"] = $"{{ whatIf(after: \"CURSOR\", {Version}, {Span}) {{ hasNextPage }} }}",
        };
        // Those of the platform admin and of a customer's token read through the same code.
        var paged = (await tenant.QueryAsync("{ __schema { queryType { fields { name args { name } } } } }"))
            .GetProperty("__schema")
            .GetProperty("queryType")
            .GetProperty("fields")
            .EnumerateArray()
            .Where(field => field.GetProperty("args").EnumerateArray().Any(argument => argument.GetProperty("name").GetString() == "after"))
            .Select(field => field.GetProperty("name").GetString()!);
        Assert.Equal(paged.Except(["orgs", "platformAuditLog"]).Order(StringComparer.Ordinal), lists.Keys.Order(StringComparer.Ordinal));

        // An org's own key may be any text, but not this long and not empty.
        foreach (var bad in (string[])["", new string('x', 256)])
        foreach (var list in lists.Values)
            Assert.Equal(("INVALID_INPUT", "invalid_cursor", "after"), await tenant.RefusalAsync(Filled(list, bad)));
        foreach (var bad in (string[])["nothing", "INV-", "INV-1x", "00000000000000000000000000000001"])
        foreach (var (name, list) in lists)
            Assert.Equal((name, "invalid_cursor"), (name, (await tenant.RefusalAsync(Filled(list, bad))).Rule));

        // A place of one list is none of another, also where its text could be.
        foreach (var (name, list) in lists)
            Assert.Equal(
                (name, "invalid_cursor"),
                (name, (await tenant.RefusalAsync(Filled(list, Cursors.Name("another", "0192e4a0-0000-7000-8000-000000000001")))).Rule)
            );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"a\"}, {key: \"b\"}]) { id } }");
        var end = (await tenant.QueryAsync("{ customers(first: 1) { endCursor } }"))
            .GetProperty("customers")
            .GetProperty("endCursor")
            .GetString()!;
        var next = await tenant.QueryAsync($"{{ customers(after: \"{end}\") {{ nodes {{ key }} }} }}");
        Assert.Equal(
            "b",
            Assert.Single(next.GetProperty("customers").GetProperty("nodes").EnumerateArray()).GetProperty("key").GetString()
        );
        Assert.Equal("invalid_cursor", (await tenant.RefusalAsync(Filled(lists["coupons"], end))).Rule);
    }

    private static string Filled(string list, string cursor) => list.Replace("CURSOR", cursor, StringComparison.Ordinal);
}
