using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>From events to invoices, and back.</summary>
public sealed class InvoiceTests(PolarisApp polaris) : PlatformTests
{
    private const string Lines =
        "nodes { id number customer: customerKey status total lines { charge quantity unroundedAmount amount eventCount "
        + "explanation { quantity unitPrice amount } } certificate { resultHash } }";

    /// <summary>An org with its clock in May 2015, with one customer on a plan of 1.00 a month and 0.015 per call.</summary>
    private async Task<Tenant> SetUpAsync()
    {
        using var owner = await polaris.SignUpAsync();
        var tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
              {key: "base", price: {model: FLAT, amount: "1.00"}},
              {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "0.015"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\", email: \"pay@acme.example\"}]) { id } }");
        await tenant.QueryAsync(
            "mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", "
                + "start: \"2015-05-01T00:00:00Z\", end: \"2015-07-01T00:00:00Z\"}]) { id } }"
        );
        return tenant;
    }

    private static object Call(string key, string at) =>
        new
        {
            idempotency_key = key,
            type = "call",
            customer = "acme",
            timestamp = at,
        };

    private Task CountedAsync(Tenant tenant, int calls) =>
        polaris.UntilAsync(
            $"counting {calls}",
            async () => await tenant.UsageAsync("calls", "acme", "2015-05-01T00:00:00Z", "2015-07-01T00:00:00Z") == calls
        );

    private async Task<JsonElement[]> InvoicesAsync(Tenant tenant, int count)
    {
        JsonElement[] invoices = [];
        await polaris.UntilAsync(
            $"{count} invoices",
            async () =>
            {
                var data = await tenant.QueryAsync($"{{ clock {{ duePeriods }} invoices {{ {Lines} }} }}");
                invoices = [.. data.GetProperty("invoices").GetProperty("nodes").EnumerateArray()];
                return data.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 0 && invoices.Length == count;
            }
        );
        return invoices;
    }

    [Fact]
    public async Task Periods_are_half_open_and_each_gets_its_own_events()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(
            new[]
            {
                Call("a", "2015-05-01T00:00:00Z"),
                Call("b", "2015-05-31T23:59:59.999999Z"),
                Call("c", "2015-06-01T00:00:00Z"),
                Call("d", "2015-04-30T23:59:59Z"),
                Call("e", "2015-07-01T00:00:00Z"),
            }
        );
        await CountedAsync(tenant, 3);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        var invoices = await InvoicesAsync(tenant, 2);
        Assert.Equal(["1", "2"], invoices.Select(invoice => invoice.GetProperty("lines")[1].GetProperty("quantity").GetString()));
        // 0.03 and 0.015 → 0.02, half away from zero.
        Assert.Equal(["1.02", "1.03"], invoices.Select(invoice => invoice.GetProperty("total").GetString()).Order());
    }

    [Fact]
    public async Task A_line_explains_itself_and_sums_up_exactly()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(Enumerable.Range(0, 7).Select(i => Call($"k{i}", "2015-05-10T00:00:00Z")));
        await CountedAsync(tenant, 7);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var invoice = (await InvoicesAsync(tenant, 1))[0];
        foreach (var line in invoice.GetProperty("lines").EnumerateArray())
        {
            var steps = line.GetProperty("explanation").EnumerateArray().ToArray();
            Assert.All(steps, step => Assert.Equal(Number(step, "amount"), Number(step, "quantity") * Number(step, "unitPrice")));
            Assert.Equal(Number(line, "unroundedAmount"), steps.Sum(step => Number(step, "amount")));
        }

        Assert.Equal(7, invoice.GetProperty("lines")[1].GetProperty("eventCount").GetInt32());
        Assert.Equal(Number(invoice, "total"), invoice.GetProperty("lines").EnumerateArray().Sum(line => Number(line, "amount")));
        await polaris.UntilAsync(
            "the event at Notifications",
            async () =>
                await polaris.ScalarAsync<long>(
                    "notificationsdb",
                    "SELECT count(*) FROM events WHERE org_id = $1 AND kind = 'invoice.generated' AND body LIKE $2 AND body LIKE $3",
                    tenant.OrgId,
                    $"%{invoice.GetProperty("id").GetString()}%",
                    "%pay@acme.example%"
                ) == 1
        );
    }

    [Fact]
    public async Task A_draft_is_replaced_by_late_usage_and_a_final_invoice_never_changes()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(Call("a", "2015-05-10T00:00:00Z"));
        await CountedAsync(tenant, 1);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var draft = (await InvoicesAsync(tenant, 1))[0];

        await tenant.IngestAsync(Call("late", "2015-05-11T00:00:00Z"));
        JsonElement replaced = default;
        await polaris.UntilAsync(
            "the replacement",
            async () => (replaced = (await InvoicesAsync(tenant, 1))[0]).GetProperty("total").GetString() == "1.03"
        );
        Assert.Equal(draft.GetProperty("id").GetString(), replaced.GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.Null, replaced.GetProperty("number").ValueKind);
        Assert.True(await IdenticalAsync(tenant, replaced));

        await tenant.QueryAsync(
            "mutation($id: ID!) { finalizeInvoice(id: $id) { status } }",
            new { id = replaced.GetProperty("id").GetString() }
        );
        await tenant.IngestAsync(Call("too-late", "2015-05-12T00:00:00Z"));
        await CountedAsync(tenant, 3);
        var final = (await InvoicesAsync(tenant, 1))[0];
        Assert.Equal(("FINALIZED", "1.03"), (final.GetProperty("status").GetString(), final.GetProperty("total").GetString()));
        // Recomputing lists the difference line by line.
        var answer = (
            await tenant.QueryAsync(
                "mutation($id: ID!) { recomputeInvoice(id: $id) { identical differences { charge field stored recomputed } } }",
                new { id = final.GetProperty("id").GetString() }
            )
        ).GetProperty("recomputeInvoice");
        Assert.False(answer.GetProperty("identical").GetBoolean());
        Assert.Contains(
            answer.GetProperty("differences").EnumerateArray(),
            one =>
                (
                    one.GetProperty("charge").GetString(),
                    one.GetProperty("field").GetString(),
                    one.GetProperty("stored").GetString(),
                    one.GetProperty("recomputed").GetString()
                ) == ("calls", "quantity", "2", "3")
        );
    }

    [Fact]
    public async Task Usage_that_comes_after_finalizing_is_an_adjustment_on_the_next_invoice()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(Call("a", "2015-05-10T00:00:00Z"));
        await CountedAsync(tenant, 1);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var may = (await InvoicesAsync(tenant, 1))[0];
        await tenant.QueryAsync(
            "mutation($id: ID!) { finalizeInvoice(id: $id) { status } }",
            new { id = may.GetProperty("id").GetString() }
        );
        await tenant.IngestAsync(new[] { Call("late-1", "2015-05-11T00:00:00Z"), Call("late-2", "2015-05-12T00:00:00Z") });
        await CountedAsync(tenant, 3);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        var june = (await InvoicesAsync(tenant, 2))[0];
        var invoice = (
            await tenant.QueryAsync(
                "query($id: ID!) { invoice(id: $id) { total lines { kind charge quantity amount adjusts { number } } } }",
                new { id = june.GetProperty("id").GetString() }
            )
        ).GetProperty("invoice");
        // May was 0.02 for one call (0.015) and is 0.05 for three (0.045).
        Assert.Equal(
            """{"kind":"ADJUSTMENT","charge":"calls","quantity":"2","amount":"0.03","adjusts":{"number":"INV-00000001"}}""",
            invoice.GetProperty("lines")[2].GetRawText().Replace(" ", "", StringComparison.Ordinal)
        );
        Assert.Equal("1.03", invoice.GetProperty("total").GetString());
        Assert.True(await IdenticalAsync(tenant, june));
    }

    [Fact]
    public async Task A_void_and_a_replacement_go_all_the_way_from_usage_over_a_draft_to_an_adjustment_of_a_final_invoice()
    {
        using var tenant = await SetUpAsync();
        await tenant.CreateMeterAsync("amount", "SUM", "amount");
        object Paid(string key, decimal amount) =>
            new
            {
                idempotency_key = key,
                type = "call",
                customer = "acme",
                timestamp = "2015-05-10T00:00:00Z",
                properties = new { amount },
            };
        await tenant.IngestAsync(new[] { Paid("a", 5), Paid("b", 7), Paid("c", 11) });
        await UntilUsageAsync(3, 23);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var draft = (await InvoicesAsync(tenant, 1))[0];
        var (id, number) = (draft.GetProperty("id").GetString()!, "INV-00000001");
        Assert.Equal("1.05", draft.GetProperty("total").GetString());
        Assert.Equal(("counted", "draft", null), await WhereAsync(tenant, "a"));

        // In a draft's period: usage changes, and the draft is replaced.
        Assert.Equal(
            202,
            (
                await tenant.IngestAsync(
                    new object[]
                    {
                        new { idempotency_key = "v", voids = "a" },
                        new
                        {
                            idempotency_key = "r",
                            replaces = "b",
                            properties = new { amount = 2.5m },
                        },
                    }
                )
            ).Status
        );
        await UntilUsageAsync(2, 13.5m);
        await polaris.UntilAsync(
            "the replacement",
            async () => (draft = (await InvoicesAsync(tenant, 1))[0]).GetProperty("total").GetString() == "1.03"
        );
        Assert.Equal((id, null), (draft.GetProperty("id").GetString(), draft.GetProperty("number").GetString()));
        Assert.True(await IdenticalAsync(tenant, draft));
        Assert.Equal(
            (("corrected", null, null), "v"),
            (await WhereAsync(tenant, "a"), (await tenant.EventAsync("a")).GetProperty("corrected_by").GetString())
        );
        Assert.Equal(
            (("counted", "draft", null), "b"),
            (await WhereAsync(tenant, "r"), (await tenant.EventAsync("r")).GetProperty("replaces").GetString())
        );
        Assert.Equal(
            (("void", null, null), "a"),
            (await WhereAsync(tenant, "v"), (await tenant.EventAsync("v")).GetProperty("voids").GetString())
        );

        // In a finalized invoice's period: it stays, and the next one has the difference. c moves to June.
        await tenant.QueryAsync(
            "mutation($id: ID!) { finalizeInvoice(id: $id) { status } }",
            new { id = draft.GetProperty("id").GetString() }
        );
        Assert.Equal(
            202,
            (
                await tenant.IngestAsync(
                    new object[]
                    {
                        new { idempotency_key = "w", voids = "r" },
                        new
                        {
                            idempotency_key = "m",
                            replaces = "c",
                            timestamp = "2015-06-03T00:00:00Z",
                            properties = new { amount = 1 },
                        },
                    }
                )
            ).Status
        );
        await UntilUsageAsync(1, 1);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        var invoices = await InvoicesAsync(tenant, 2);
        var (june, may) = (invoices[0], invoices[1]);
        Assert.Equal(
            (number, "FINALIZED", "1.03"),
            (may.GetProperty("number").GetString(), may.GetProperty("status").GetString(), may.GetProperty("total").GetString())
        );
        var lines = (
            await tenant.QueryAsync(
                "query($id: ID!) { invoice(id: $id) { lines { kind charge quantity amount adjusts { number } } } }",
                new { id = june.GetProperty("id").GetString() }
            )
        )
            .GetProperty("invoice")
            .GetProperty("lines");
        Assert.Equal("""{"kind":"CHARGE","charge":"calls","quantity":"1","amount":"0.02","adjusts":null}""", Compact(lines[1]));
        Assert.Equal(
            $$$"""{"kind":"ADJUSTMENT","charge":"calls","quantity":"-2","amount":"-0.03","adjusts":{"number":"{{{number}}}"}}""",
            Compact(lines[2])
        );
        Assert.Equal("0.99", june.GetProperty("total").GetString());
        Assert.True(await IdenticalAsync(tenant, june));
        Assert.False(await IdenticalAsync(tenant, may));
        Assert.Equal(("counted", "draft", null), await WhereAsync(tenant, "m"));
        Assert.Equal(
            ("w", "b"),
            (
                (await tenant.EventAsync("r")).GetProperty("corrected_by").GetString(),
                (await tenant.EventAsync("r")).GetProperty("replaces").GetString()
            )
        );
        Assert.Equal(
            ("r", "m"),
            (
                (await tenant.EventAsync("b")).GetProperty("corrected_by").GetString(),
                (await tenant.EventAsync("c")).GetProperty("corrected_by").GetString()
            )
        );

        Task UntilUsageAsync(decimal calls, decimal amount) =>
            polaris.UntilAsync(
                $"{calls} calls of {amount}",
                async () =>
                    await tenant.UsageAsync("calls", "acme", "2015-05-01T00:00:00Z", "2015-07-01T00:00:00Z") == calls
                    && await tenant.UsageAsync("amount", "acme", "2015-05-01T00:00:00Z", "2015-07-01T00:00:00Z") == amount
            );
    }

    /// <summary>How an event is counted, and the status and number of its invoice.</summary>
    private async Task<(string? Counting, string? Status, string? Number)> WhereAsync(Tenant tenant, string key)
    {
        var found = default(JsonElement);
        // Billing may be busy for longer than the second that it has.
        await polaris.UntilAsync(
            "Billing's answer",
            async () => (found = await tenant.EventAsync(key)).GetProperty("counting").GetString() != "unknown"
        );
        var lines = found
            .GetProperty("counted")
            .EnumerateArray()
            .SelectMany(counted => counted.GetProperty("invoice_lines").EnumerateArray())
            .ToArray();
        Assert.True(lines.Length <= 1, found.ToString());
        return (
            found.GetProperty("counting").GetString(),
            lines.FirstOrDefault() is { ValueKind: JsonValueKind.Object } line ? line.GetProperty("status").GetString() : null,
            lines.Length > 0 && lines[0].TryGetProperty("number", out var number) ? number.GetString() : null
        );
    }

    [Fact]
    public async Task An_event_of_a_period_that_is_invoiced_is_accepted_and_called_late()
    {
        using var tenant = await SetUpAsync();
        Assert.Equal(0, (await tenant.IngestAsync(Call("a", "2015-05-10T00:00:00Z"))).Body.Counted("late"));
        await CountedAsync(tenant, 1);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        await InvoicesAsync(tenant, 1);
        var (sent, answer) = (0, default(JsonElement));
        await polaris.UntilAsync(
            "an event to be marked late",
            async () =>
                (answer = (await tenant.IngestAsync(Call($"late-{sent++}", "2015-05-31T23:59:59.999999Z"))).Body).Counted("late") == 1
        );
        var result = Assert.Single(answer.GetProperty("results").EnumerateArray());
        Assert.Equal(
            (1, "accepted", true),
            (answer.Counted("accepted"), result.GetProperty("status").GetString(), result.GetProperty("late").GetBoolean())
        );
        // The next period, and a customer without invoices.
        answer = (
            await tenant.IngestAsync(
                new[]
                {
                    Call("june", "2015-06-01T00:00:00Z"),
                    new
                    {
                        idempotency_key = "else",
                        type = "call",
                        customer = "globex",
                        timestamp = "2015-05-10T00:00:00Z",
                    },
                }
            )
        ).Body;
        Assert.Equal((2, 0, 0), (answer.Counted("accepted"), answer.Counted("late"), answer.GetProperty("results").GetArrayLength()));
        await CountedAsync(tenant, 2 + sent);
    }

    [Fact]
    public async Task A_customer_lives_with_credits_payments_a_void_and_a_credit_note_by_the_public_graph()
    {
        using var tenant = await SetUpAsync();
        await tenant.QueryAsync(
            """
            mutation { createCreditGrant(input: {customer: "acme", key: "may", amount: "0.60", currency: "EUR",
              expiresAt: "2015-06-30T00:00:00Z"}) { remaining } setHardStop(customer: "acme", hardStop: true) { hardStop } }
            """
        );
        await tenant.IngestAsync(Call("a", "2015-05-10T00:00:00Z"));
        await CountedAsync(tenant, 1);
        Assert.Equal(
            """{"allowed":true,"creditsLeft":"0.60","accrued":"0.02","remaining":"0.58","currency":"EUR"}""",
            Compact(
                (
                    await tenant.QueryAsync("{ entitlement(customer: \"acme\") { allowed creditsLeft accrued remaining currency } }")
                ).GetProperty("entitlement")
            )
        );
        await tenant.QueryAsync(
            "mutation { setInvoiceTiming(reviewHours: 24) { reviewHours } setClock(now: \"2015-06-02T00:00:00Z\") { now } }"
        );
        var id = (await InvoicesAsync(tenant, 1))[0].GetProperty("id").GetString();
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-03T00:00:00Z\") { now } }");
        await polaris.UntilAsync("the end of the review", async () => await StatusAsync(id!) == "FINALIZED");
        Assert.Equal(
            """{"number":"INV-00000001","total":"1.02","creditsApplied":"0.60","amountDue":"0.42"}""",
            Compact(
                (
                    await tenant.QueryAsync("query($id: ID!) { invoice(id: $id) { number total creditsApplied amountDue } }", new { id })
                ).GetProperty("invoice")
            )
        );
        await tenant.QueryAsync(
            "mutation($id: ID!) { voidInvoice(id: $id, reason: \"wrong plan\") { status } setInvoiceTiming { reviewHours } }",
            new { id }
        );
        var again = (await tenant.QueryAsync("mutation($id: ID!) { reissueInvoice(id: $id) { id reissues } }", new { id }))
            .GetProperty("reissueInvoice")
            .GetProperty("id")
            .GetString();
        Assert.Equal(
            """[{"outcome":"NOT_A_DRAFT","number":"INV-00000001"},{"outcome":"FINALIZED","number":"INV-00000002"}]""",
            Compact(
                (
                    await tenant.QueryAsync(
                        "mutation($ids: [ID!]) { finalizeInvoices(ids: $ids) { results { outcome number } } }",
                        new { ids = new[] { id, again } }
                    )
                )
                    .GetProperty("finalizeInvoices")
                    .GetProperty("results")
            )
        );
        await tenant.QueryAsync(
            """
            mutation($id: ID!) { markInvoicePaid(id: $id, reference: "wire 7") { status }
              createCreditNote(input: {invoiceId: $id, lines: [{ordinal: 0, amount: "0.50"}], reason: "goodwill"}) { number } }
            """,
            new { id = again }
        );
        Assert.Equal(
            ("CONFLICT", "invoice_paid", "id"),
            await tenant.RefusalAsync($"mutation {{ voidInvoice(id: \"{again}\", reason: \"x\") {{ id }} }}")
        );
        Assert.Equal(("INVALID_INPUT", "one_of_two", "ids"), await tenant.RefusalAsync("mutation { finalizeInvoices { left } }"));
        Assert.Equal(
            ("INVALID_INPUT", "out_of_range", "through"),
            await tenant.RefusalAsync("mutation { finalizeInvoices(through: \"1900-01-01T00:00:00Z\") { left } }")
        );
        Assert.Equal(
            """[{"currency":"EUR","owed":"0","balance":"0.50","creditsLeft":"0"}]""",
            Compact(
                    (await tenant.QueryAsync("{ customerBalance(customer: \"acme\") { currency owed balance creditsLeft } }")).GetProperty(
                        "customerBalance"
                    )
                )
                .Replace("0.00", "0", StringComparison.Ordinal)
        );
        var entries = (await tenant.QueryAsync("{ ledger(customer: \"acme\", first: 100) { nodes { amount kind } } }"))
            .GetProperty("ledger")
            .GetProperty("nodes")
            .EnumerateArray()
            .ToArray();
        Assert.Equal(0m, entries.Sum(entry => decimal.Parse(entry.GetProperty("amount").GetString()!, CultureInfo.InvariantCulture)));
        Assert.Equal(
            ["credit_note", "credits", "grant", "invoice", "payment", "void"],
            entries.Select(entry => entry.GetProperty("kind").GetString()).Distinct().Order(StringComparer.Ordinal)
        );

        async Task<string?> StatusAsync(string invoice) =>
            (await tenant.QueryAsync($"{{ invoice(id: \"{invoice}\") {{ status }} }}"))
                .GetProperty("invoice")
                .GetProperty("status")
                .GetString();
    }

    private static string Compact(JsonElement one) => one.GetRawText().Replace(" ", "", StringComparison.Ordinal);

    [Fact]
    public async Task A_figure_that_was_tampered_with_does_not_survive_a_recomputation()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(Call("a", "2015-05-10T00:00:00Z"));
        await CountedAsync(tenant, 1);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var invoice = (await InvoicesAsync(tenant, 1))[0];
        Assert.True(await IdenticalAsync(tenant, invoice));
        await polaris.ScalarAsync<object>("billingdb", "UPDATE invoices SET result_hash = 'x' WHERE org_id = $1 RETURNING 1", tenant.OrgId);
        Assert.False(await IdenticalAsync(tenant, invoice));
    }

    [Fact]
    public async Task The_same_set_up_again_changes_nothing_and_another_one_is_a_conflict()
    {
        using var tenant = await SetUpAsync();
        const string subscribe =
            "mutation($end: DateTime) { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", "
            + "start: \"2015-05-01T00:00:00Z\", end: $end}]) { id } }";
        var first = await tenant.QueryAsync(subscribe, new { end = "2015-07-01T00:00:00Z" });
        Assert.Equal(first.ToString(), (await tenant.QueryAsync(subscribe, new { end = "2015-07-01T00:00:00Z" })).ToString());
        Assert.Equal("CONFLICT", (await tenant.RefusalAsync(subscribe, new { end = "2015-08-01T00:00:00Z" })).Code);
        Assert.Equal(
            "CONFLICT",
            (
                await tenant.RefusalAsync(
                    "mutation { createMeter(input: {key: \"calls\", eventType: \"other\", aggregation: COUNT}) { id } }"
                )
            ).Code
        );
        Assert.Equal("clock_backwards", (await tenant.RefusalAsync("mutation { setClock(now: \"2015-05-14T00:00:00Z\") { now } }")).Rule);
        Assert.Equal(
            1,
            (await tenant.QueryAsync("{ subscriptions { totalCount } }")).GetProperty("subscriptions").GetProperty("totalCount").GetInt32()
        );
    }

    [Fact]
    public async Task Current_usage_is_priced_as_if_the_period_ended_now()
    {
        using var tenant = await SetUpAsync();
        await tenant.IngestAsync(Enumerable.Range(0, 3).Select(i => Call($"k{i}", "2015-05-10T00:00:00Z")));
        await CountedAsync(tenant, 3);
        var charge = (
            await tenant.QueryAsync("{ currentUsage(customer: \"acme\") { charge quantity amount currency periodStart periodEnd } }")
        ).GetProperty("currentUsage")[0];
        // 0.045 → 0.05
        Assert.Equal(
            """{"charge":"calls","quantity":"3","amount":"0.05","currency":"EUR","periodStart":"2015-05-01T00:00:00Z","period"""
                + """End":"2015-06-01T00:00:00Z"}""",
            charge.GetRawText().Replace(" ", "", StringComparison.Ordinal)
        );
    }

    private static async Task<bool> IdenticalAsync(Tenant tenant, JsonElement invoice) =>
        (
            await tenant.QueryAsync(
                "mutation($id: ID!) { recomputeInvoice(id: $id) { identical } }",
                new { id = invoice.GetProperty("id").GetString() }
            )
        )
            .GetProperty("recomputeInvoice")
            .GetProperty("identical")
            .GetBoolean();

    private static decimal Number(JsonElement of, string name) =>
        decimal.Parse(of.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);
}
