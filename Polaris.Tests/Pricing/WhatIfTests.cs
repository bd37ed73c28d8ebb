using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>Past periods under other plan versions, and current periods with other quantities.</summary>
[Collection(nameof(PricedOrg))]
public sealed class WhatIfTests(PolarisApp polaris, PricedOrg org) : PlatformTests
{
    private const string Sides = $"currency periodStart periodEnd total tax {PricedOrg.Lines}";

    private const string Ask = $$"""
        query($version: ID!, $customers: [String!], $first: Int!, $after: String, $from: DateTime!, $to: DateTime!) {
          whatIf(planVersionId: $version, from: $from, to: $to, customers: $customers, first: $first, after: $after) {
            currency totalNow totalThen winners losers unchanged endCursor hasNextPage
            periods { difference now { customer {{Sides}} } then { customer {{Sides}} } } } }
        """;

    private static async Task<JsonElement> WhatIfAsync(
        Tenant tenant,
        string version,
        string[]? customers = null,
        int first = 50,
        string? after = null
    ) =>
        (
            await tenant.QueryAsync(
                Ask,
                new
                {
                    version,
                    customers,
                    first,
                    after,
                    from = "2015-05-01T00:00:00Z",
                    to = "2015-07-01T00:00:00Z",
                }
            )
        ).GetProperty("whatIf");

    [Fact]
    public async Task A_draft_costs_in_whatIf_what_it_costs_on_an_invoice_and_nothing_is_written()
    {
        var before = await org.FingerprintAsync();
        var answer = await WhatIfAsync(org.Tenant, org.Versions.Draft, ["acme"]);
        Assert.Equal(before, await org.FingerprintAsync());

        var periods = answer.GetProperty("periods").EnumerateArray().ToArray();
        // The twin had the same usage on a plan with the draft's charges.
        Assert.Equal(
            org.Invoices["acme"].Prepend(org.Starts["acme"]).Select(Same),
            periods.Select(period => Same(period.GetProperty("now")))
        );
        Assert.Equal(
            org.Invoices["twin"].Prepend(org.Starts["twin"]).Select(Same),
            periods.Select(period => Same(period.GetProperty("then")))
        );
        Assert.Equal(["3.00", "193.09", "23.10"], periods.Select(period => Text(period.GetProperty("then"), "total")));
        Assert.Equal(["-17.00", "-565.64", "-224.80"], periods.Select(period => Text(period, "difference")));
        Assert.Equal(
            ("1026.63", "219.19", 1, 0, 0),
            (
                Text(answer, "totalNow"),
                Text(answer, "totalThen"),
                Count(answer, "winners"),
                Count(answer, "losers"),
                Count(answer, "unchanged")
            )
        );
    }

    [Fact]
    public void A_preview_of_other_quantities_prices_them_and_leaves_the_rest()
    {
        // 1000 from 10 events; other meters keep their quantities.
        Assert.Equal(
            [
                "fee 9.90",
                "advance 20.00",
                "per_unit 15.00",
                "graduated 7.75",
                "volume 36.00",
                "package_up 160.00",
                "package_down 155.00",
                "stairs 350.00",
                "percentage 28.20",
                "graduated_percentage 28.50",
                "regions 11.99",
                "included 20.00",
                "minimum 5.00",
                "count 4.00",
                "max 100.50",
                "min 9.50",
                "average 50.00",
                "unique 3.00",
                "latest 50.00",
                "weighted 191.79",
            ],
            org.Assumed.GetProperty("lines").EnumerateArray().Select(line => $"{Text(line, "charge")} {Text(line, "amount")}")
        );
    }

    [Fact]
    public async Task A_whole_org_has_winners_and_losers_page_by_page()
    {
        var (tenant, draft) = await SetUpAsync((1, "a"), (2, "b"), (5, "c"), (10, "d"), (20, "e"));
        using (tenant)
        {
            var whole = await WhatIfAsync(tenant, draft);
            Assert.Equal(
                ("38.00", "25.00", 2, 2, 1),
                (
                    Text(whole, "totalNow"),
                    Text(whole, "totalThen"),
                    Count(whole, "winners"),
                    Count(whole, "losers"),
                    Count(whole, "unchanged")
                )
            );
            Assert.Equal(
                ["a 4.00", "b 3.00", "c 0.00", "d -5.00", "e -15.00"],
                whole
                    .GetProperty("periods")
                    .EnumerateArray()
                    .Select(period => $"{Text(period.GetProperty("now"), "customer")} {Text(period, "difference")}")
                    .Order()
            );

            var (periods, sizes, after) = (new List<string>(), new List<int>(), (string?)null);
            do
            {
                var page = await WhatIfAsync(tenant, draft, first: 2, after: after);
                sizes.Add(page.GetProperty("periods").GetArrayLength());
                periods.AddRange(page.GetProperty("periods").EnumerateArray().Select(period => period.ToString()));
                after = page.GetProperty("hasNextPage").GetBoolean() ? Text(page, "endCursor") : null;
            } while (after is not null);
            Assert.Equal([2, 2, 1], sizes);
            Assert.Equal(whole.GetProperty("periods").EnumerateArray().Select(period => period.ToString()), periods);
        }
    }

    [Fact]
    public async Task Another_orgs_version_is_like_one_that_does_not_exist()
    {
        var (stranger, draft) = await SetUpAsync((1, "a"));
        using (stranger)
        {
            var missing = await RefusalAsync(org.Tenant, Guid.CreateVersion7().ToString());
            Assert.Equal("NOT_FOUND", missing.Code);
            Assert.Equal(missing, await RefusalAsync(org.Tenant, draft));
            // Conversely, another org's or customer's subscription cannot be previewed.
            var theirs = Text(
                (await stranger.QueryAsync("{ subscriptions(customer: \"a\") { nodes { id } } }"))
                    .GetProperty("subscriptions")
                    .GetProperty("nodes")[0],
                "id"
            );
            foreach (var id in new[] { theirs, Guid.CreateVersion7().ToString() })
                Assert.Equal(
                    "[]",
                    (await org.Tenant.QueryAsync("query($id: ID!) { preview(customer: \"a\", subscriptionId: $id) { total } }", new { id }))
                        .GetProperty("preview")
                        .ToString()
                );
        }
    }

    [Fact]
    public async Task What_cannot_be_compared_says_why()
    {
        Assert.Equal(("INVALID_INPUT", "currency_mismatch", "planVersionId"), await RefusalAsync(org.Tenant, org.Versions.Draft));
        var backwards = await org.Tenant.RefusalAsync(
            "query($id: ID!) { whatIf(planVersionId: $id, from: \"2015-05-01T00:00:00Z\", to: \"2015-05-01T00:00:00Z\") { currency } }",
            new { id = org.Versions.Draft }
        );
        Assert.Equal(("INVALID_INPUT", "out_of_range", "to"), backwards);
        var (tenant, _) = await SetUpAsync((1, "a"));
        using (tenant)
        {
            Assert.Equal(
                ("INVALID_INPUT", "unknown_meter", "quantities[0].meter"),
                await tenant.RefusalAsync("{ preview(customer: \"a\", quantities: [{meter: \"none\", quantity: \"1\"}]) { total } }")
            );
            Assert.Equal(
                "out_of_range",
                (
                    await tenant.RefusalAsync(
                        "{ preview(customer: \"a\", quantities: [{meter: \"units\", quantity: \"79228162514264338\"}]) { total } }"
                    )
                ).Rule
            );
        }
    }

    private static Task<(string? Code, string? Rule, string? Path)> RefusalAsync(Tenant tenant, string version) =>
        tenant.RefusalAsync(
            """
            query($version: ID!) {
              whatIf(planVersionId: $version, from: "2015-05-01T00:00:00Z", to: "2015-07-01T00:00:00Z") { currency } }
            """,
            new { version }
        );

    /// <summary>An org in June 2015 whose customers used some units at 1 each in May, and a draft with a flat fee of 5 a month.</summary>
    private async Task<(Tenant Tenant, string Draft)> SetUpAsync(params (int Units, string Customer)[] used)
    {
        using var owner = await polaris.SignUpAsync();
        var tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-10T00:00:00Z\") { now } }");
        await tenant.CreateMeterAsync("units", "SUM", "n");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "units", meter: "units", price: {model: PER_UNIT, unitPrice: "1"}}]}) { id } }
            """
        );
        var draft = Text(
            (
                await tenant.QueryAsync(
                    "mutation { createPlanVersion(planKey: \"p\", charges: [{key: \"fee\", price: {model: FLAT, amount: \"5\"}}]) { id } }"
                )
            ).GetProperty("createPlanVersion"),
            "id"
        );
        await tenant.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = used.Select(one => new { key = one.Customer }) }
        );
        await tenant.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = used.Select(one => new
                {
                    customer = one.Customer,
                    plan = "p",
                    start = "2015-05-01T00:00:00Z",
                }),
            }
        );
        await tenant.IngestAsync(
            used.Select(one => new
            {
                idempotency_key = one.Customer,
                type = "call",
                customer = one.Customer,
                timestamp = "2015-05-10T00:00:00Z",
                properties = new { n = one.Units },
            })
        );
        await polaris.UntilAsync(
            "counting",
            async () => await tenant.UsageAsync("units", null, "2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z") == used.Sum(one => one.Units)
        );
        return (tenant, draft);
    }

    /// <summary>Everything but the digests: the twin's events have other keys and the same content.</summary>
    private static string Same(JsonElement invoice) =>
        string.Join(
            '\n',
            new[] { "currency", "periodStart", "periodEnd", "total", "tax" }
                .Select(name => Text(invoice, name))
                .Concat(
                    invoice
                        .GetProperty("lines")
                        .EnumerateArray()
                        .Select(line =>
                            string.Join(
                                ' ',
                                line.EnumerateObject().Where(field => field.Name != "eventDigest").Select(field => field.Value.ToString())
                            )
                        )
                )
        );

    private static int Count(JsonElement of, string name) => of.GetProperty(name).GetInt32();

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;
}
