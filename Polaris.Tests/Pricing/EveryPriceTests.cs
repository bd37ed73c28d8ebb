using System.Globalization;
using System.Text.Json;
using Polaris.Billing.Domain;
using Polaris.Tests.Billing;
using Xunit;

namespace Polaris.Tests.Pricing;

/// <summary>
/// Every price model, aggregation and term from events to invoices of a running platform; expected figures are calculated by hand.
/// </summary>
[Collection(nameof(PricedOrg))]
public sealed class EveryPriceTests(PolarisApp polaris, PricedOrg org) : PlatformTests
{
    [Fact]
    public void Every_price_model_and_every_aggregation_costs_what_it_costs_by_hand()
    {
        // 200 in May by 4 events: 100.5 (eu, gold), 40 (us, gold), 9.5 (eu), 50.
        Assert.Equal(
            [
                "fee 9.90",
                "advance 20.00", // June's; May's own was billed at the start
                "per_unit 3.00", // 200 × 0.015
                "graduated 3.75", // 50 × 0.01 + 2, and 50 × 0.005 + 1
                "volume 9.60", // 200 × 0.033 + 3
                "package_up 30.00",
                "package_down 25.00", // 155 beyond the free units are 5.17 packages
                "stairs 200.00", // up to 200
                "percentage 3.20", // 2.9 % of 100, and 0.30 for the fourth event
                "graduated_percentage 8.50", // 1 + 2, and 2.5 + 3
                "regions 11.99", // 50.5 × 0.08, 2 packages, and 59.5 × 0.10
                "included 20.00", // 50 × 0.5 = 25, at most 20
                "minimum 5.00", // 0.20, at least 5
                "count 4.00",
                "max 100.50",
                "min 9.50",
                "average 50.00",
                "unique 3.00",
                "latest 50.00",
                "weighted 191.79", // 31, and (100.5 × 31 + 40 × 26.5 + 9.5 × 22 + 50 × 12) ÷ 31 days
            ],
            Amounts(org.Invoices["acme"][0])
        );
        Assert.Equal("758.73", Text(org.Invoices["acme"][0], "total"));
        Assert.Equal(
            [
                "fee 9.90",
                "advance 0.00", // no period follows
                "per_unit 0.00",
                "graduated 0.00",
                "volume 0.00",
                "package_up 0.00",
                "package_down 0.00",
                "stairs 0.00",
                "percentage 0.00",
                "graduated_percentage 0.00",
                "regions 0.00",
                "included 2.00",
                "minimum 5.00",
                "count 0.00",
                "max 0.00",
                "min 0.00",
                "average 0.00",
                "unique 0.00",
                "latest 0.00",
                "weighted 231.00", // May's closing level
            ],
            Amounts(org.Invoices["acme"][1])
        );
        Assert.Equal("247.90", Text(org.Invoices["acme"][1], "total"));
        Assert.Equal("191.790322580645", Text(org.Invoices["acme"][0].GetProperty("lines")[19], "quantity"));
        Assert.Equal(
            ["3.00", "150.00", "20.91", "19.18"],
            org.Invoices["twin"][0].GetProperty("lines").EnumerateArray().Select(line => Text(line, "amount"))
        );
    }

    [Fact]
    public void Terms_of_a_shortened_period_apply_in_their_order()
    {
        // 16 of May's 31 days.
        var invoice = Assert.Single(org.Invoices["terms"]);
        Assert.Equal(
            [
                "fee 16.00",
                "usage 1300.00",
                "capped 16.00",
                "whole 1.00",
                "commitment 258.00", // 1316 used, 800 committed: the 516 beyond cost half as much again
                "minimum 0.00",
                "maximum -71.00", // 1591, at most 1520
                "loyal -152.00",
                "welcome -30.00",
                "vat 254.22",
                "city 26.76", // of 1338
            ],
            Amounts(invoice)
        );
        Assert.Equal(("1618.98", "280.98"), (Text(invoice, "total"), Text(invoice, "tax")));
        Assert.Equal(
            ["CHARGE", "CHARGE", "CHARGE", "CHARGE", "COMMITMENT", "MINIMUM", "MAXIMUM", "DISCOUNT", "DISCOUNT", "TAX", "TAX"],
            invoice.GetProperty("lines").EnumerateArray().Select(line => Text(line, "kind"))
        );

        var inclusive = Assert.Single(org.Invoices["inclusive"]);
        Assert.Equal(["usage 119.00", "commitment 81.00", "minimum 38.00", "vat 0.00"], Amounts(inclusive));
        Assert.Equal(("238.00", "38.00"), (Text(inclusive, "total"), Text(inclusive, "tax")));

        // At the start 16 of 31 days, then, in advance, 15 of 30.
        Assert.Equal(["fee 16.00"], Amounts(org.Starts["advance"]));
        Assert.Equal(
            [
                ["fee 15.50"],
                ["fee 0.00"],
            ],
            org.Invoices["advance"].Select(Amounts)
        );
    }

    [Fact]
    public void Amounts_have_the_places_of_their_currency()
    {
        var (yen, dinar) = (Assert.Single(org.Invoices["yen"]), Assert.Single(org.Invoices["dinar"]));
        Assert.Equal(["usage 5", "tax 1"], Amounts(yen)); // 4.5 and 0.5
        Assert.Equal(("JPY", "6"), (Text(yen, "currency"), Text(yen, "total")));
        Assert.Equal(["fee 1.235", "usage 0.002", "tax 0.062"], Amounts(dinar)); // 1.2345, 0.0015 and 0.06185
        Assert.Equal(("KWD", "1.299"), (Text(dinar, "currency"), Text(dinar, "total")));
    }

    [Fact]
    public async Task Every_invoice_explains_itself_and_is_recomputed_from_its_events_to_the_same_hash()
    {
        Assert.Equal(10, org.Invoices.Values.Sum(all => all.Length));
        Assert.Equal(["acme", "advance", "twin"], org.Starts.Keys.Order());
        foreach (var invoice in org.Invoices.Values.SelectMany(all => all).Concat(org.Starts.Values))
        {
            var half = Text(invoice, "currency") switch
            {
                "JPY" => 0.5m,
                "KWD" => 0.0005m,
                _ => 0.005m,
            };
            foreach (var line in invoice.GetProperty("lines").EnumerateArray())
            {
                Assert.Equal(Number(line, "unroundedAmount"), line.GetProperty("explanation").EnumerateArray().Sum(Explained));
                Assert.True(Math.Abs(Number(line, "amount") - Number(line, "unroundedAmount")) <= half, line.ToString());
            }

            Assert.Equal(Number(invoice, "total"), invoice.GetProperty("lines").EnumerateArray().Sum(line => Number(line, "amount")));
            var proof = (
                await org.Tenant.QueryAsync(
                    "mutation($id: ID!) { recomputeInvoice(id: $id) { identical resultHash recomputedHash differences { charge } } }",
                    new { id = Text(invoice, "id") }
                )
            ).GetProperty("recomputeInvoice");
            Assert.True(proof.GetProperty("identical").GetBoolean(), $"{invoice}\n{proof}");
            Assert.Equal(Text(proof, "resultHash"), Text(proof, "recomputedHash"));
        }
    }

    [Fact]
    public void A_preview_says_what_the_invoice_then_says_and_writes_nothing()
    {
        Assert.Equal(org.Invoices.Keys.Order(), org.Previews.Keys.Order());
        foreach (var (customer, preview) in org.Previews)
        {
            var invoice = org.Invoices[customer][0];
            foreach (var name in new[] { "total", "tax", "currency", "periodStart", "periodEnd", "lines" })
                Assert.Equal(invoice.GetProperty(name).ToString(), preview.GetProperty(name).ToString());
        }

        Assert.Equal(org.Stored.Before, org.Stored.After);
        Assert.Contains("billingdb.usage_aggregates: ", org.Stored.Before, StringComparison.Ordinal);
        Assert.DoesNotContain("billingdb.subscriptions: 0 rows", org.Stored.Before, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archived_version_still_rates_its_subscriptions_and_takes_no_new_ones()
    {
        var version = (
            await org.Tenant.QueryAsync("query($id: ID!) { planVersion(id: $id) { status } }", new { id = org.Versions.Archived })
        ).GetProperty("planVersion");
        Assert.Equal("ARCHIVED", Text(version, "status"));
        Assert.Equal(["758.73", "247.90"], org.Invoices["acme"].Select(invoice => Text(invoice, "total")));
        var refused = await org.Tenant.RefusalAsync(
            "mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"models\", start: \"2015-08-01T00:00:00Z\"}]) { id } }"
        );
        Assert.Equal(("INVALID_INPUT", "unknown_plan", "input[0].plan"), refused);
    }

    [Fact]
    public async Task What_fits_no_invoice_is_held_with_its_reason_and_holds_up_nobody_else()
    {
        var held = Assert.Single(
            (await org.Tenant.QueryAsync("{ heldInvoices { customer periodStart periodEnd retryAt code message } }"))
                .GetProperty("heldInvoices")
                .EnumerateArray()
        );
        Assert.Equal(
            ("giant", "2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z", "amount_too_large"),
            (Text(held, "customer"), Text(held, "periodStart"), Text(held, "periodEnd"), Text(held, "code"))
        );
        Assert.DoesNotContain("giant", org.Invoices.Keys);
        using var stranger = await polaris.SignUpAsync();
        Assert.Empty((await stranger.QueryAsync("{ heldInvoices { customer } }")).GetProperty("heldInvoices").EnumerateArray());
    }

    [Theory]
    [InlineData(
        """{"model":"VOLUME","tiers":[{"upTo":"5","unitPrice":"1"},{"upTo":"4","unitPrice":"1"},{"unitPrice":"1"}]}""",
        "overlap",
        "tiers[1].upTo"
    )]
    [InlineData("""{"model":"GRADUATED","tiers":[{"unitPrice":"1"},{"upTo":"4","unitPrice":"1"}]}""", "unreachable_tier", "tiers[0].upTo")]
    [InlineData(
        """{"model":"STAIR_STEP","tiers":[{"upTo":"5","flatFee":"1"},{"upTo":"6","flatFee":"1"}]}""",
        "missing_infinity",
        "tiers[1].upTo"
    )]
    [InlineData("""{"model":"GRADUATED_PERCENTAGE","tiers":[{"percent":"1000.5"}]}""", "out_of_range", "tiers[0].percent")]
    [InlineData("""{"model":"PER_UNIT","unitPrice":"-0.01"}""", "out_of_range", "unitPrice")]
    [InlineData("""{"model":"PER_UNIT","unitPrice":"0.0000000000001"}""", "too_precise", "unitPrice")]
    [InlineData("""{"model":"PACKAGE","packageSize":"0","packagePrice":"1"}""", "out_of_range", "packageSize")]
    [InlineData("""{"model":"PERCENTAGE"}""", "missing_field", "percent")]
    [InlineData("""{"model":"FLAT","amount":"1"}""", "flat_has_no_meter", null)]
    public async Task An_invalid_plan_is_refused_with_the_path_of_what_is_wrong(string price, string rule, string? at)
    {
        var charges = new object[]
        {
            new { key = "fee", price = new { model = "FLAT", amount = "1" } },
            new
            {
                key = "c",
                meter = "sum",
                price = JsonSerializer.Deserialize<JsonElement>(price),
            },
        };
        var path = at is null ? "charges[1].meter" : $"charges[1].price.{at}";
        Assert.Equal(
            ("INVALID_INPUT", rule, path),
            await org.Tenant.RefusalAsync(
                "mutation($charges: [ChargeInput!]!) { createPlanVersion(planKey: \"other\", charges: $charges) { id } }",
                new { charges }
            )
        );
        Assert.Equal(
            ("INVALID_INPUT", rule, "input." + path),
            await org.Tenant.RefusalAsync(
                """
                mutation($charges: [ChargeInput!]!) {
                  createPlan(input: {key: "bad", name: "B", currency: "USD", interval: MONTH, charges: $charges}) { id } }
                """,
                new { charges }
            )
        );
    }

    [Fact]
    public async Task A_plan_keeps_its_currency_and_a_figure_is_never_rounded_on_its_way_in()
    {
        Assert.Equal(
            ("INVALID_INPUT", "currency_mismatch", "currency"),
            await org.Tenant.RefusalAsync(
                """
                mutation { createPlanVersion(planKey: "other", currency: "EUR",
                  charges: [{key: "fee", price: {model: FLAT, amount: "1"}}]) { id } }
                """
            )
        );
        // As a variable, as a literal text and, where JSON and GraphQL have such numbers, as a number.
        foreach (
            var (amount, isNumber, rule) in new[]
            {
                ("1.00000000000000000000000000001", true, "too_precise"),
                ("12345678901.123456789012345678", true, "too_precise"),
                ("1e-13", true, "too_precise"),
                ("1e-30", true, "too_precise"),
                ("1E-400", true, "too_precise"),
                ("0.00000000000000000000000000000000000004", true, "too_precise"),
                ("1e12", true, "out_of_range"),
                ("1e30", true, "out_of_range"),
                ("-1e400", true, "out_of_range"),
                ("99999999999999999999999999999999999999999", true, "out_of_range"),
                ("0x10", false, "invalid_number"),
                ("1,5", false, "invalid_number"),
                ("", false, "invalid_number"),
                (" 1", false, "invalid_number"),
                ("NaN", false, "invalid_number"),
                ("1e", false, "invalid_number"),
            }
        )
        {
            const string head = "createPlanVersion(planKey: \"other\", charges: ";
            const string path = "charges[0].price.amount";
            var expected = ("INVALID_INPUT", rule, path);
            var list = $"mutation($charges: [ChargeInput!]!) {{ {head} $charges) {{ id }} }}";
            foreach (var form in isNumber ? new[] { $"\"{amount}\"", amount } : [$"\"{amount}\""])
            {
                Assert.Equal(
                    expected,
                    await org.Tenant.RefusalAsync(
                        $"mutation {{ {head} [{{key: \"fee\", price: {{model: FLAT, amount: {form}}}}}]) {{ id }} }}"
                    )
                );
                var charges = JsonSerializer.Deserialize<JsonElement>(
                    $$$"""[{"key":"fee","price":{"model":"FLAT","amount":{{{form}}}}}]"""
                );
                Assert.Equal(expected, await org.Tenant.RefusalAsync(list, new { charges }));
            }
        }

        Assert.Equal(
            1,
            (await org.Tenant.QueryAsync("{ plan(key: \"other\") { versions { id } } }"))
                .GetProperty("plan")
                .GetProperty("versions")
                .GetArrayLength()
        );
    }

    private static string[] Amounts(JsonElement invoice) =>
        [.. invoice.GetProperty("lines").EnumerateArray().Select(line => $"{Text(line, "charge")} {Text(line, "amount")}")];

    /// <summary>Returns the step's amount after checking its arithmetic, or that of its children.</summary>
    private static decimal Explained(JsonElement step)
    {
        var children = step.TryGetProperty("children", out var some) ? some.EnumerateArray().ToArray() : [];
        var expected =
            children.Length > 0
                ? children.Sum(Explained)
                : Naive.Round(
                    new Fraction(Number(step, "quantity"))
                        * new Fraction(Number(step, "unitPrice"))
                        / new Fraction(Number(step, "divisor")),
                    Exact.Places
                );
        Assert.Equal(expected, Number(step, "amount"));
        return expected;
    }

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;

    private static decimal Number(JsonElement of, string name) => decimal.Parse(Text(of, name), CultureInfo.InvariantCulture);
}
