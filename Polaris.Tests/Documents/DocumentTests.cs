using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.Tests.Billing;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Documents;

/// <summary>PDF, HTML and CSV of every kind of invoice say what GraphQL answers.</summary>
public sealed class DocumentTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private readonly BillingAlone billing = alone.Billing;

    /// <summary>30 a month in advance, two tiers of calls; a commitment, two discounts and two taxes.</summary>
    private static Wire.PlanVersion Rich(string hash = "rich", bool included = false)
    {
        var plan = Version(hash, "30", TwoTiers());
        plan.Terms = new Wire.Terms
        {
            Proration = Wire.Proration.Days,
            TaxesIncluded = included,
            Commitment = new Wire.Commitment { Amount = "50", OverageFactor = "1.5" },
        };
        plan.Terms.Discounts.Add(
            new Wire.Discount
            {
                Key = "loyal",
                Name = "Loyalty, 10 %",
                Percent = "10",
            }
        );
        plan.Terms.Discounts.Add(
            new Wire.Discount
            {
                Key = "start",
                Name = "Welcome",
                Amount = "1.11",
            }
        );
        plan.Terms.Taxes.Add(
            new Wire.TaxRate
            {
                Key = "vat",
                Name = "VAT 19 %",
                Percent = "19",
            }
        );
        plan.Terms.Taxes.Add(
            new Wire.TaxRate
            {
                Key = "city",
                Name = "City tax",
                Percent = "1.25",
            }
        );
        return plan;
    }

    private Task<DocumentSource?> FindAsync(BillingScene scene, Guid invoice, string? customer = null) =>
        billing.InOrgAsync<ReadDocument, DocumentSource?>(scene.Org, read => read.FindAsync(invoice, customer, default));

    private async Task<DocumentSource> SourceAsync(BillingScene scene, InvoiceRow invoice) => (await FindAsync(scene, invoice.Id))!;

    private async Task<InvoiceRow[]> AssertAllShownAsync(BillingScene scene)
    {
        var invoices = await scene.InvoicesAsync();
        foreach (var invoice in invoices)
            await DocumentText.AssertShowsAsync(await SourceAsync(scene, invoice));
        return invoices;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Discounts_taxes_and_commitments_are_shown_in_drafts_and_when_they_are_final(bool included)
    {
        var scene = await CreateAsync(billing, Rich(included: included));
        await scene.CallAsync(March + Duration.FromDays(1), "a", "b", "c", "d");
        await scene.CloseAsync(April);
        var drafts = await AssertAllShownAsync(scene);
        Assert.Contains(drafts, invoice => invoice.PeriodStart == invoice.PeriodEnd);
        var kinds = drafts.SelectMany(invoice => invoice.Lines).Select(line => line.Kind).Distinct().ToArray();
        Assert.All((string[])["charge", "commitment", "discount", "tax"], kind => Assert.Contains(kind, kinds));
        await scene.FinalizeAllAsync();
        Assert.All(await AssertAllShownAsync(scene), invoice => Assert.Equal(InvoiceStatuses.Finalized, invoice.Status));
    }

    [Fact]
    public async Task Adjustments_name_the_invoice_that_they_correct_and_a_credit_is_negative()
    {
        var scene = await CreateAsync(billing, Rich(), end: May);
        await scene.CallAsync(March + Duration.FromDays(1), "a", "b", "c");
        await scene.CloseAsync(April);
        await scene.FinalizeAllAsync();
        await scene.VoidAsync("b");
        await scene.CallAsync(March + Duration.FromDays(9), "late1", "late2");
        await scene.EndAsync(Instant.FromUtc(2026, 4, 3, 0, 0));
        await scene.CloseAsync(May);
        var invoices = await AssertAllShownAsync(scene);
        var last = invoices[^1];
        Assert.Contains(last.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        Assert.True(last.Total < 0, $"{last.Total}");
        var pdf = string.Concat(DocumentText.OfPdf(PdfInvoice.Render(await SourceAsync(scene, last))));
        Assert.All(
            last.Lines.Where(line => line.AdjustsInvoiceId is not null),
            line => Assert.Contains(DocumentText.Dense($"Adjustment of {line.AdjustsNumber}"), pdf, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_period_that_a_plan_change_splits_shows_both_parts()
    {
        var scene = await CreateAsync(billing, Rich("one"));
        await scene.CallAsync(March + Duration.FromDays(1), "a", "b", "c");
        await scene.ClockAsync(March + Duration.FromDays(10));
        var other = Rich("two");
        other.Charges[1].Price = PerUnit("0.10");
        await scene.ChangeAsync(other);
        await scene.CallAsync(March + Duration.FromDays(12), "d", "e", "f", "g");
        await scene.CloseAsync(April);
        var split = (await AssertAllShownAsync(scene))[^1];
        Assert.True(split.PlanVersionHashes is { Length: 2 });
        var html = DocumentText.OfHtml(await HtmlDocument.RenderAsync(await SourceAsync(scene, split)));
        Assert.Contains("2026-03-01to2026-03-10,bothdaysincluded", html, StringComparison.Ordinal);
        Assert.Contains("2026-03-11to2026-03-31,bothdaysincluded", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_final_invoice_keeps_the_parties_and_terms_that_it_was_made_out_with()
    {
        var scene = await CreateAsync(billing, Rich());
        await scene.CloseAsync(April);
        await CustomerAsync(
            scene,
            new NewCustomer("acme", "Acme One", "one@acme.example", new PostalAddress(City: "Köln", Country: "DE"), "DE1")
        );
        await SettingsAsync(
            scene,
            new InvoiceSettingsChange(
                LegalName: new("Seller One"),
                Address: new(new PostalAddress("Street 1", City: "Bern", Country: "CH")),
                TaxId: new("CHE1"),
                PaymentDays: new(14),
                Note: new("Note one"),
                Figures: new(FigureStyle.Comma)
            )
        );
        var invoices = await scene.InvoicesAsync();
        var frozen = invoices[0];
        await billing.InOrgAsync<FinalizeInvoice, InvoiceRow>(scene.Org, finalize => finalize.HandleAsync(frozen.Id, default));
        var before = await SourceAsync(scene, frozen);
        Assert.Equal(
            new InvoiceParties(
                new Party("Seller One", new PostalAddress("Street 1", City: "Bern", Country: "CH"), "CHE1", null),
                new Party("Acme One", new PostalAddress(City: "Köln", Country: "DE"), "DE1", "one@acme.example"),
                14,
                "Note one",
                null,
                null,
                FigureStyle.Comma
            ),
            before.Parties
        );

        await billing.InOrgAsync<UpdateCustomer, CustomerRow>(
            scene.Org,
            update => update.HandleAsync(new CustomerChange("acme", Name: new("Acme Two"), Address: new(null)), default)
        );
        await SettingsAsync(scene, new InvoiceSettingsChange(LegalName: new("Seller Two"), Figures: new(null)));
        var after = await SourceAsync(scene, frozen);
        Assert.Equal(before.Parties, after.Parties);
        Assert.Equal(before.Version, after.Version);
        await DocumentText.AssertShowsAsync(after, FigureStyle.Comma);
        // A draft is made out to whoever they are now.
        var draft = await SourceAsync(scene, invoices[1]);
        Assert.Equal(
            ("Seller Two", "Acme Two", null, FigureStyle.Point),
            (draft.Parties.Seller.Name, draft.Parties.Buyer.Name, draft.Parties.Buyer.Address, draft.Parties.Figures)
        );

        // The logo is the latest on all, and documents are told apart by it.
        await SettingsAsync(scene, new InvoiceSettingsChange(Logo: new(Convert.ToBase64String(DocumentFormatTests.Png(8, 8)))));
        Assert.NotEqual(before.Version, (await SourceAsync(scene, frozen)).Version);
    }

    [Fact]
    public async Task A_customer_sees_its_own_final_invoices_only()
    {
        var scene = await CreateAsync(billing, Rich());
        await scene.CloseAsync(April);
        var invoice = (await scene.InvoicesAsync())[0];
        Assert.NotNull(await FindAsync(scene, invoice.Id));
        Assert.Null(await FindAsync(scene, invoice.Id, "acme"));
        await scene.FinalizeAllAsync();
        Assert.NotNull(await FindAsync(scene, invoice.Id, "acme"));
        Assert.Null(await FindAsync(scene, invoice.Id, "other"));
        // Another org's is missing.
        var other = await CreateAsync(billing, Rich());
        Assert.Null(await FindAsync(other, invoice.Id));
        Assert.Null(await FindAsync(other, Guid.CreateVersion7()));
    }

    [Fact]
    public async Task Finalizing_many_writes_each_its_own_customer()
    {
        var scenes = new[] { await CreateAsync(billing, Rich()), await CreateAsync(billing, Rich()) };
        foreach (var scene in scenes)
        {
            await scene.CloseAsync(April);
            await CustomerAsync(scene, new NewCustomer("acme", $"Acme of {scene.Org}", null));
        }

        var ids = (await scenes[0].InvoicesAsync()).Concat(await scenes[1].InvoicesAsync()).Select(invoice => invoice.Id).ToArray();
        await billing.InOrgAsync<BillingDbContext, bool>(
            scenes[0].Org,
            async db =>
            {
                await db.InTransactionAsync(ct => InvoiceParties.FreezeAsync(db, scenes[0].Org, ids, ct), default);
                return true;
            }
        );
        Assert.All(
            await scenes[0].InvoicesAsync(),
            invoice => Assert.Contains($"Acme of {scenes[0].Org}", invoice.Document!, StringComparison.Ordinal)
        );
        Assert.All(await scenes[1].InvoicesAsync(), invoice => Assert.Null(invoice.Document));
    }

    private Task<IReadOnlyList<CustomerRow>> CustomerAsync(BillingScene scene, NewCustomer customer) =>
        billing.InOrgAsync<CreateCustomers, IReadOnlyList<CustomerRow>>(scene.Org, create => create.HandleAsync([customer], default));

    private Task<InvoiceSettingsRow> SettingsAsync(BillingScene scene, InvoiceSettingsChange change) =>
        billing.InOrgAsync<InvoiceSettings, InvoiceSettingsRow>(scene.Org, settings => settings.UpdateAsync(change, default));
}
