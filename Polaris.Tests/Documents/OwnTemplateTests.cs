using System.Text;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Persistence;
using Polaris.Tests.Billing;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Documents;

/// <summary>An org's own page shows the invoice as it is, and cannot do more than show it.</summary>
public sealed class OwnTemplateTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private const string Own = """
        <h1>{{ seller.name | upcase }} {{ doc.title }}</h1>{% for line in doc.lines %}
        [{{ line.name }}|{{ line.amount }}{% for step in line.steps %}|{{ step.amount }}{% endfor %}]{% endfor %}
        {%- for total in doc.totals %}<b>{{ total.label }} {{ total.amount }}</b>{% endfor %}
        """;

    [Fact]
    public async Task The_page_is_of_the_orgs_template_with_the_invoices_figures_encoded_and_the_built_in_one_comes_back()
    {
        var scene = await InvoiceAsync();
        var invoice = (await scene.InvoicesAsync())[^1];
        var before = await SourceAsync(scene, invoice);
        await SetAsync(scene, Own);
        var source = await SourceAsync(scene, invoice);
        Assert.NotEqual(before.Version, source.Version);
        var page = await PageAsync(source);
        Assert.StartsWith("<h1>A &lt;B&gt; &amp; C DRAFT</h1>", page, StringComparison.Ordinal);
        var document = source.ToDocument();
        Assert.All(document.Lines, line => Assert.Contains($"[{line.Name}|{line.Amount}", page, StringComparison.Ordinal));
        Assert.All(document.Totals, total => Assert.Contains($"<b>{total.Label} {total.Amount}</b>", page, StringComparison.Ordinal));
        await SetAsync(scene, null);
        Assert.Equal(before.Version, (await SourceAsync(scene, invoice)).Version);
        Assert.Contains("<!DOCTYPE html>", await PageAsync(await SourceAsync(scene, invoice)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% assign a = 'x' %}")]
    [InlineData("{% capture a %}x{% endcapture %}")]
    [InlineData("{% increment a %}")]
    [InlineData("{% cycle 'a', 'b' %}")]
    [InlineData("{% include 'a' %}")]
    [InlineData("{% render 'a' %}")]
    [InlineData("{% tablerow a in doc.lines %}x{% endtablerow %}")]
    [InlineData("{% for a in (1..9) %}x{% endfor %}")]
    [InlineData("{{ (1..9) | size }}")]
    [InlineData("{% liquid assign a = 'x' %}")]
    [InlineData("{% case doc.title %}{% when 'a' %}{% assign b = 1 %}{% endcase %}")]
    [InlineData("{% if doc.title %}{% elsif doc.status %}{{ doc.title | raw }}{% endif %}")]
    [InlineData("{% unless doc.title %}{% else %}{{ doc.title | raw }}{% endunless %}")]
    [InlineData("{% for a in doc.lines %}{% else %}{{ doc.title | raw }}{% endfor %}")]
    [InlineData("{% case doc.title %}{% when 'a' %}{{ doc.title | raw }}{% endcase %}")]
    [InlineData("{{ doc.title | append: 'x' }}")]
    [InlineData("{{ doc.title | replace: 'x', 'xx' }}")]
    [InlineData("{{ doc.title | raw }}")]
    [InlineData("{% if doc.title %}{{ doc.title | raw }}{% endif %}")]
    [InlineData("{% for a in doc.lines %}{% for b in doc.lines %}{% for c in doc.lines %}x{% endfor %}{% endfor %}{% endfor %}")]
    [InlineData("{% for a in doc.lines %}")]
    [InlineData("{{ doc.title")]
    [InlineData("<SCRIPT src=x>")]
    [InlineData("< iframe>")]
    [InlineData("<form>")]
    [InlineData("<meta charset=x http-equiv=refresh>")]
    public async Task What_a_template_may_not_do_is_refused(string template)
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "1", PerUnit("1")));
        Assert.Equal(("invalid_template", "input.template"), await RefusalAsync(() => SetAsync(scene, template)));
    }

    [Fact]
    public async Task A_template_that_is_too_long_is_refused_and_one_whose_page_is_too_large_has_the_built_in_page()
    {
        var scene = await InvoiceAsync();
        Assert.Equal(
            ("too_long", "input.template"),
            await RefusalAsync(() => SetAsync(scene, new string('x', InvoiceTemplate.MaxLength + 1)))
        );
        var invoice = (await scene.InvoicesAsync())[^1];
        // Sixty thousand characters for each of many pairs of lines: a built-in invoice has few, so the model is repeated.
        await SetAsync(scene, "{% for a in doc.lines %}{% for b in doc.lines %}" + new string('x', 60_000) + "{% endfor %}{% endfor %}");
        var source = await SourceAsync(scene, invoice);
        var lines = source.Invoice.Lines.ToArray();
        for (var i = 0; i < 20; i++)
            source.Invoice.Lines.AddRange(lines);
        Assert.Contains("<!DOCTYPE html>", await PageAsync(source), StringComparison.Ordinal);
        // Nothing is written, but there is too much to do.
        await SetAsync(scene, "{% for a in doc.lines %}{% for b in doc.lines %}{% if a == b %}{% endif %}{% endfor %}{% endfor %}");
        source = await SourceAsync(scene, invoice);
        for (var i = 0; i < 1_000; i++)
            source.Invoice.Lines.AddRange(lines);
        Assert.Contains("<!DOCTYPE html>", await PageAsync(source), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_built_in_template_may_be_an_orgs_own()
    {
        var scene = await InvoiceAsync();
        await using var file = typeof(HtmlDocument).Assembly.GetManifestResourceStream("invoice.liquid")!;
        using var reader = new StreamReader(file);
        var text = await reader.ReadToEndAsync();
        var invoice = (await scene.InvoicesAsync())[^1];
        var builtIn = await PageAsync(await SourceAsync(scene, invoice));
        await SetAsync(scene, text);
        Assert.Equal(builtIn, await PageAsync(await SourceAsync(scene, invoice)));
    }

    private async Task<BillingScene> InvoiceAsync()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "30", TwoTiers()));
        await alone.Billing.InOrgAsync<InvoiceSettings, InvoiceSettingsRow>(
            scene.Org,
            settings => settings.UpdateAsync(new InvoiceSettingsChange(LegalName: new Change<string?>("a <b> & c")), default)
        );
        await scene.CallAsync(March, "one", "two", "three");
        await scene.CloseAsync(April);
        return scene;
    }

    private Task<InvoiceSettingsRow> SetAsync(BillingScene scene, string? template) =>
        alone.Billing.InOrgAsync<InvoiceSettings, InvoiceSettingsRow>(
            scene.Org,
            settings => settings.UpdateAsync(new InvoiceSettingsChange(Template: new Change<string?>(template)), default)
        );

    private async Task<DocumentSource> SourceAsync(BillingScene scene, InvoiceRow invoice) =>
        (await alone.Billing.InOrgAsync<ReadDocument, DocumentSource?>(scene.Org, read => read.FindAsync(invoice.Id, null, default)))!;

    private static async Task<string> PageAsync(DocumentSource source) => Encoding.UTF8.GetString(await HtmlDocument.RenderAsync(source));
}
