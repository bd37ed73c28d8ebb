using System.Security.Cryptography;
using System.Text.Json;
using MimeKit;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>Mails at a real SMTP server.</summary>
public sealed class MailTests(PolarisApp polaris) : PlatformTests
{
    private readonly Mailbox mailbox = new(polaris);

    private static string NewAddress(string start = "person") =>
        $"{start}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";

    private static Task<JsonElement> AddressAsync(Tenant tenant, string email, params string[] eventTypes) =>
        tenant.QueryAsync(
            "mutation($input: CreateNotificationAddressInput!) { createNotificationAddress(input: $input) { id status } }",
            new { input = new { email, eventTypes } }
        );

    private static async Task<string> StatusAsync(Tenant tenant) =>
        (await tenant.QueryAsync("{ notificationAddresses { status } }"))
            .GetProperty("notificationAddresses")[0]
            .GetProperty("status")
            .GetString()!;

    /// <summary>The token in a mail's link to a page of the dashboard.</summary>
    internal static string TokenIn(MimeMessage mail, string page)
    {
        var link = Assert.Single(mail.TextBody!.Split((char[])[' ', '\r', '\n']), word => word.Contains(page, StringComparison.Ordinal));
        return Uri.UnescapeDataString(new Uri(link).Fragment[1..]);
    }

    [Fact]
    public async Task A_final_invoice_is_mailed_to_the_org_and_its_customer_with_totals_and_the_PDF()
    {
        using var tenant = await Tenant.SignUpAsync(polaris.Gateway, "Northwind & Co");
        var (own, customers) = (NewAddress("finance"), NewAddress("customer"));
        await AddressAsync(tenant, own, "invoice.finalized");
        await tenant.QueryAsync("mutation { updateNotificationSettings(invoicesToCustomers: true) { invoicesToCustomers } }");
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.QueryAsync(
            $$"""
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
                {key: "base", price: {model: FLAT, amount: "42"} }]}) { id }
              createCustomers(input: [{key: "acme", name: "Acme", email: "{{customers}}"}]) { id } }
            """
        );
        await tenant.QueryAsync(
            "mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: \"2015-05-01T00:00:00Z\"}]) { id } }"
        );
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var invoice = "";
        await polaris.UntilAsync(
            "the draft",
            async () =>
            {
                var nodes = (await tenant.QueryAsync("{ invoices { nodes { id } } }")).GetProperty("invoices").GetProperty("nodes");
                invoice = nodes.GetArrayLength() > 0 ? nodes[0].GetProperty("id").GetString()! : "";
                return invoice.Length > 0;
            }
        );
        await tenant.QueryAsync("mutation($id: ID!) { finalizeInvoice(id: $id) { number } }", new { id = invoice });
        foreach (var address in new[] { own, customers })
        {
            var mail = await mailbox.UntilMailAsync(address, "Invoice ");
            Assert.Equal("Northwind & Co", mail.From.Mailboxes.Single().Name);
            Assert.Contains("42.00 EUR", mail.TextBody, StringComparison.Ordinal);
            Assert.Contains("2015-05-01 to 2015-06-01", mail.TextBody, StringComparison.Ordinal);
            Assert.Contains("Northwind &amp; Co", mail.HtmlBody, StringComparison.Ordinal);
            var pdf = Assert.IsType<MimePart>(Assert.Single(mail.Attachments));
            Assert.Equal("application/pdf", pdf.ContentType.MimeType);
            using var bytes = new MemoryStream();
            await pdf.Content!.DecodeToAsync(bytes);
            Assert.StartsWith("%PDF", System.Text.Encoding.ASCII.GetString(bytes.ToArray(), 0, 8), StringComparison.Ordinal);
            Assert.Equal(address == own, mail.Headers.Contains(HeaderId.ListUnsubscribe));
        }
    }

    [Fact]
    public async Task An_address_that_bounces_is_marked_and_gets_nothing_more()
    {
        using var tenant = await polaris.SignUpAsync();
        await AddressAsync(tenant, NewAddress("bounce"), "customer.created");
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        await polaris.UntilAsync("the bounce", async () => await StatusAsync(tenant) == "BOUNCED");
        var delivery = (
            await tenant.QueryAsync("{ deliveries(channel: EMAIL) { nodes { status attemptCount attempts { statusCode error } } } }")
        )
            .GetProperty("deliveries")
            .GetProperty("nodes")[0];
        Assert.Equal(("FAILED", 1), (delivery.GetProperty("status").GetString(), delivery.GetProperty("attemptCount").GetInt32()));
        Assert.InRange(delivery.GetProperty("attempts")[0].GetProperty("statusCode").GetInt32(), 500, 599);
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"globex\"}]) { id } }");
        await polaris.UntilAsync(
            "the second event",
            async () =>
                await polaris.ScalarAsync<long>(
                    "notificationsdb",
                    "SELECT count(*) FROM events WHERE org_id = $1 AND kind = 'customer.created'",
                    tenant.OrgId
                ) == 2
        );
        Assert.Equal(
            1,
            await polaris.ScalarAsync<long>(
                "notificationsdb",
                "SELECT count(*) FROM deliveries WHERE org_id = $1 AND kind = 'customer.created'",
                tenant.OrgId
            )
        );
    }

    [Fact]
    public async Task The_link_in_a_mail_ends_it_after_a_click_and_not_after_a_look()
    {
        using var tenant = await polaris.SignUpAsync();
        var address = NewAddress();
        await AddressAsync(tenant, address, "customer.created");
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        var mail = await mailbox.UntilMailAsync(address, "customer.created");
        var link = mail.Headers[HeaderId.ListUnsubscribe]!.Trim('<', '>');
        Assert.StartsWith(polaris.Gateway.ToString(), link, StringComparison.Ordinal);
        using var anyone = new HttpClient();
        Assert.Contains("<button>", await anyone.GetStringAsync(link), StringComparison.Ordinal);
        Assert.Equal("ACTIVE", await StatusAsync(tenant));
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("List-Unsubscribe", "One-Click")]);
        using var wrong = await anyone.PostAsync(link + "x", form);
        Assert.Equal("ACTIVE", await StatusAsync(tenant));
        using var answer = await anyone.PostAsync(link, form);
        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal("UNSUBSCRIBED", await StatusAsync(tenant));
    }

    [Fact]
    public async Task The_proof_of_an_address_is_mailed_and_its_token_kept_no_longer()
    {
        using var anyone = new HttpClient { BaseAddress = polaris.Gateway };
        var email = NewAddress("owner");
        using var response = await anyone.PostAsync(
            "/graphql",
            System.Net.Http.Json.JsonContent.Create(
                new
                {
                    query = "mutation($input: SignUpInput!) { signUp(input: $input) { org { id } apiKey { secret } } }",
                    variables = new
                    {
                        input = new
                        {
                            email,
                            password = "correct horse battery",
                            orgName = "Mailed",
                        },
                    },
                }
            )
        );
        var signedUp = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("data").GetProperty("signUp");
        var org = Guid.Parse(signedUp.GetProperty("org").GetProperty("id").GetString()!);
        var proof = await mailbox.UntilMailAsync(email, "Confirm your e-mail address");
        var token = TokenIn(proof, "/prove-email");
        Assert.StartsWith("proof_", token, StringComparison.Ordinal);
        Assert.Contains($"{polaris.Gateway}prove-email#{token}", proof.HtmlBody, StringComparison.Ordinal);
        using var tenant = new Tenant(polaris.Gateway, org.ToString(), signedUp.GetProperty("apiKey").GetProperty("secret").GetString()!);
        await tenant.QueryAsync("mutation($token: String!) { proveEmail(token: $token) { email } }", new { token });
        Assert.Empty(
            (await tenant.QueryAsync("{ deliveries { nodes { id } } }")).GetProperty("deliveries").GetProperty("nodes").EnumerateArray()
        );
        await polaris.UntilAsync(
            "the end of what was secret",
            async () =>
                await polaris.ScalarAsync<long>("notificationsdb", "SELECT count(*) FROM events WHERE org_id = $1 AND body = ''", org) == 1
                && await polaris.ScalarAsync<long>("identitydb", "SELECT count(*) FROM outgoing_mail WHERE org_id = $1", org) == 0
        );
    }
}
