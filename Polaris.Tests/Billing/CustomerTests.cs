using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>Customers are edited and archived, and an org's invoice settings are edited, within their bounds.</summary>
public sealed class CustomerTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly PostalAddress Address = new("Street 1", "Flat 2", "Köln", "50667", "NRW", "DE");

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task What_is_not_stated_stays_and_null_clears()
    {
        var org = await billing.NewOrgAsync();
        await CreateAsync(org, new NewCustomer("acme", "Acme", "pay@acme.example", Address, "DE1"));
        var row = await UpdateAsync(org, new CustomerChange("acme", Name: new("Acme AG")));
        Assert.Equal(("Acme AG", "pay@acme.example", Address, "DE1"), (row.Name, row.Email, StatedParty.Address(row.Address), row.TaxId));
        row = await UpdateAsync(org, new CustomerChange("acme", Name: new(null), Email: new(null), Address: new(null), TaxId: new(null)));
        Assert.Equal(("acme", null, null, null), (row.Name, row.Email, row.Address, row.TaxId));
        row = await UpdateAsync(org, new CustomerChange("acme", Address: new(new PostalAddress(Country: "US"))));
        Assert.Equal(new PostalAddress(Country: "US"), StatedParty.Address(row.Address));
        Assert.Equal("not_found", await RuleAsync(() => UpdateAsync(org, new CustomerChange("nobody"))));

        // Created again as it is now, it is returned; as it was, it is another one.
        Assert.Equal(row.Id, (await CreateAsync(org, new NewCustomer("acme", null, null, new PostalAddress(Country: "US"))))[0].Id);
        Assert.Equal("customer_exists", await RuleAsync(() => CreateAsync(org, new NewCustomer("acme", null, null))));
    }

    public static readonly TheoryData<string, int, string> Bounds = new()
    {
        { "name", 255, "too_long" },
        { "email", StatedParty.MaxEmailLength, "too_long" },
        { "taxId", StatedParty.MaxTaxIdLength, "too_long" },
        { "address.line1", StatedParty.MaxLineLength, "too_long" },
        { "address.line2", StatedParty.MaxLineLength, "too_long" },
        { "address.city", StatedParty.MaxLineLength, "too_long" },
        { "address.region", StatedParty.MaxLineLength, "too_long" },
        { "address.postalCode", StatedParty.MaxPostalCodeLength, "too_long" },
        { "address.country", 2, "unknown_country" },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public async Task Every_text_has_a_bound_and_is_one_line(string field, int most, string rule)
    {
        var org = await billing.NewOrgAsync();
        await CreateAsync(org, new NewCustomer("acme", null, null));
        await UpdateAsync(org, Stating(field, Text(field, most)));
        Assert.Equal((rule, $"input.{field}"), await RefusalAsync(() => UpdateAsync(org, Stating(field, Text(field, most + 1)))));
        var two = await RefusalAsync(() => UpdateAsync(org, Stating(field, "a\nb@c")));
        Assert.Equal((field == "address.country" ? rule : "invalid_text", $"input.{field}"), two);
        var none = await RefusalAsync(() => UpdateAsync(org, Stating(field, " ")));
        Assert.Equal((field == "address.country" ? rule : "missing_field", $"input.{field}"), none);
    }

    [Theory]
    [InlineData("address", "missing_field")]
    [InlineData("address.country", "unknown_country", "de", "XX", "DEU", "D")]
    [InlineData("email", "invalid_email", "nobody", "@", "a@", "a b@c")]
    public async Task Addresses_and_countries_are_real(string field, string rule, params string[] wrong)
    {
        var org = await billing.NewOrgAsync();
        await CreateAsync(org, new NewCustomer("acme", null, null));
        if (field == "address")
            Assert.Equal(
                (rule, "input.address"),
                await RefusalAsync(() => UpdateAsync(org, new CustomerChange("acme", Address: new(new PostalAddress()))))
            );
        foreach (var text in wrong)
            Assert.Equal((rule, $"input.{field}"), await RefusalAsync(() => UpdateAsync(org, Stating(field, text))));
        Assert.Equal(250, Countries.Count);
    }

    [Fact]
    public async Task An_archived_customer_is_not_listed_and_not_subscribed_and_comes_back()
    {
        var scene = await BillingScene.CreateAsync(billing, billing.Plans.Add(Version("archive", "1", PerUnit("1"))));
        await CreateAsync(scene.Org, new NewCustomer("acme", null, null), new NewCustomer("quiet", null, null));
        await scene.ClockAsync(March + Duration.FromDays(1));
        Assert.Equal(("subscription_running", "key"), await RefusalAsync(() => ArchiveAsync(scene.Org, "acme")));
        Assert.Equal("not_found", await RuleAsync(() => ArchiveAsync(scene.Org, "nobody")));

        await scene.EndAsync(atPeriodEnd: true);
        Assert.Equal("subscription_running", await RuleAsync(() => ArchiveAsync(scene.Org, "acme")));
        await scene.CallAsync(March + Duration.FromDays(2), "a");
        await scene.ClockAsync(April + Duration.FromMinutes(1));
        Assert.NotNull((await ArchiveAsync(scene.Org, "acme")).ArchivedAt);
        var again = (await ArchiveAsync(scene.Org, "acme")).ArchivedAt;
        Assert.Equal(again, (await ArchiveAsync(scene.Org, "acme")).ArchivedAt);
        Assert.Equal(["quiet"], await KeysAsync(scene.Org, archived: false));
        Assert.Equal(["acme", "quiet"], await KeysAsync(scene.Org, archived: true));

        // It takes no subscription, nor one that goes on again.
        Assert.Equal(("customer_archived", "input[0].customer"), await RefusalAsync(() => SubscribeAsync(scene.Org, "acme")));
        Assert.Equal(("customer_archived", "subscriptionId"), await RefusalAsync(() => UndoEndAsync(scene)));
        // What it used until then is still invoiced.
        await scene.CloseAsync(April);
        Assert.Equal(1m, (await scene.InvoicesAsync())[^1].Lines.Single(line => line.Charge == "calls").Quantity);

        var back = await billing.InOrgAsync<ArchiveCustomer, CustomerRow>(scene.Org, archive => archive.UndoAsync("acme", default));
        Assert.Null(back.ArchivedAt);
        await SubscribeAsync(scene.Org, "acme");
    }

    [Fact]
    public async Task Of_archiving_and_subscribing_at_once_one_wins()
    {
        var scene = await BillingScene.CreateAsync(billing, billing.Plans.Add(Version("race", "1", PerUnit("1"))));
        await scene.ClockAsync(March);
        for (var i = 0; i < 20; i++)
        {
            var key = $"customer{i}";
            await CreateAsync(scene.Org, new NewCustomer(key, null, null));
            var rules = await Task.WhenAll(
                RuleAsync(() => ArchiveAsync(scene.Org, key)),
                RuleAsync(() => SubscribeAsync(scene.Org, key, "plan-race"))
            );
            Assert.Contains(rules, rule => rule is "subscription_running" or "customer_archived");
            Assert.Contains("", rules);
        }
    }

    [Fact]
    public async Task Settings_are_edited_field_by_field_within_their_bounds()
    {
        var org = await billing.NewOrgAsync();
        Assert.Null((await ReadSettingsAsync(org)).LegalName);
        await SettingsAsync(
            org,
            new InvoiceSettingsChange(
                new("Seller"),
                new(Address),
                new("DE1"),
                new("a@b.c"),
                new(0),
                new("Note"),
                new("Foot"),
                new("#ABCDEF"),
                new(FigureStyle.Space)
            )
        );
        await SettingsAsync(org, new InvoiceSettingsChange(TaxId: new(null)));
        var row = await ReadSettingsAsync(org);
        Assert.Equal(
            ("Seller", Address, null, "a@b.c", 0, "Note", "Foot", "#abcdef", "Space"),
            (
                row.LegalName,
                StatedParty.Address(row.Address),
                row.TaxId,
                row.Email,
                row.PaymentDays,
                row.Note,
                row.Footer,
                row.AccentColor,
                row.Figures
            )
        );

        async Task RefusedAsync(string rule, string path, InvoiceSettingsChange change) =>
            Assert.Equal((rule, path), await RefusalAsync(() => SettingsAsync(org, change)));
        var (longest, most) = (new string('x', InvoiceSettings.MaxNoteLength), new string('\n', InvoiceSettings.MaxNoteLines - 1));
        await SettingsAsync(
            org,
            new InvoiceSettingsChange(PaymentDays: new(InvoiceSettings.MaxPaymentDays), Note: new(longest), Footer: new(most + "x"))
        );
        await RefusedAsync("too_long", "input.note", new InvoiceSettingsChange(Note: new(longest + "x")));
        await RefusedAsync("too_long", "input.footer", new InvoiceSettingsChange(Footer: new(longest + "x")));
        await RefusedAsync("too_long", "input.footer", new InvoiceSettingsChange(Footer: new(most + "\nx")));
        await RefusedAsync("invalid_text", "input.note", new InvoiceSettingsChange(Note: new("a\tb")));
        await RefusedAsync(
            "out_of_range",
            "input.paymentDays",
            new InvoiceSettingsChange(PaymentDays: new(InvoiceSettings.MaxPaymentDays + 1))
        );
        await RefusedAsync("out_of_range", "input.paymentDays", new InvoiceSettingsChange(PaymentDays: new(-1)));
        await RefusedAsync("too_long", "input.legalName", new InvoiceSettingsChange(LegalName: new(new string('x', 256))));
        await RefusedAsync(
            "unknown_country",
            "input.address.country",
            new InvoiceSettingsChange(Address: new(new PostalAddress(Country: "ZZ")))
        );
        foreach (var color in (string[])["red", "#fff", "#12345g", "1234567"])
            await RefusedAsync("invalid_color", "input.accentColor", new InvoiceSettingsChange(AccentColor: new(color)));
        await RefusedAsync("invalid_logo", "input.logo", new InvoiceSettingsChange(Logo: new("AAAA")));
        // Another org's are its own.
        Assert.Null((await ReadSettingsAsync(await billing.NewOrgAsync())).LegalName);
    }

    private static string Text(string field, int length) =>
        field switch
        {
            "email" => new string('a', length - 2) + "@b",
            "address.country" => length == 2 ? "DE" : "DEU",
            _ => new string('x', length),
        };

    private static CustomerChange Stating(string field, string text) =>
        field switch
        {
            "name" => new CustomerChange("acme", Name: new(text)),
            "email" => new CustomerChange("acme", Email: new(text)),
            "taxId" => new CustomerChange("acme", TaxId: new(text)),
            "address.line1" => new CustomerChange("acme", Address: new(new PostalAddress(Line1: text))),
            "address.line2" => new CustomerChange("acme", Address: new(new PostalAddress(Line2: text))),
            "address.city" => new CustomerChange("acme", Address: new(new PostalAddress(City: text))),
            "address.postalCode" => new CustomerChange("acme", Address: new(new PostalAddress(PostalCode: text))),
            "address.region" => new CustomerChange("acme", Address: new(new PostalAddress(Region: text))),
            _ => new CustomerChange("acme", Address: new(new PostalAddress(Country: text))),
        };

    private Task<IReadOnlyList<CustomerRow>> CreateAsync(Guid org, params NewCustomer[] customers) =>
        billing.InOrgAsync<CreateCustomers, IReadOnlyList<CustomerRow>>(org, create => create.HandleAsync(customers, default));

    private Task<CustomerRow> UpdateAsync(Guid org, CustomerChange change) =>
        billing.InOrgAsync<UpdateCustomer, CustomerRow>(org, update => update.HandleAsync(change, default));

    private Task<CustomerRow> ArchiveAsync(Guid org, string key) =>
        billing.InOrgAsync<ArchiveCustomer, CustomerRow>(org, archive => archive.HandleAsync(key, default));

    private Task<SubscriptionRow> UndoEndAsync(BillingScene scene) =>
        billing.InOrgAsync<EndSubscription, SubscriptionRow>(scene.Org, end => end.UndoAsync(scene.Subscription, default));

    private Task<IReadOnlyList<SubscriptionRow>> SubscribeAsync(Guid org, string customer, string plan = "plan-archive") =>
        billing.InOrgAsync<CreateSubscriptions, IReadOnlyList<SubscriptionRow>>(
            org,
            create => create.HandleAsync([new NewSubscription(customer, plan, April)], default)
        );

    private async Task<string[]> KeysAsync(Guid org, bool archived) =>
        [
            .. (
                await billing.InOrgAsync<ReadCustomers, Page<CustomerRow>>(
                    org,
                    customers => customers.PageAsync(10, null, null, archived, default)
                )
            ).Rows.Select(row => row.Key),
        ];

    private Task<InvoiceSettingsRow> ReadSettingsAsync(Guid org) =>
        billing.InOrgAsync<InvoiceSettings, InvoiceSettingsRow>(org, settings => settings.ReadAsync(default));

    private Task<InvoiceSettingsRow> SettingsAsync(Guid org, InvoiceSettingsChange change) =>
        billing.InOrgAsync<InvoiceSettings, InvoiceSettingsRow>(org, settings => settings.UpdateAsync(change, default));

    /// <summary>The refusal's code; empty when there is none.</summary>
    private static async Task<string> RuleAsync(Func<Task> act)
    {
        try
        {
            await act();
            return "";
        }
        catch (RefusedException refused)
        {
            return refused.Refusal.Code;
        }
    }
}
