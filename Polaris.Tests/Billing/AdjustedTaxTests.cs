using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>An invoice's tax covers all of its lines, including adjustments of earlier invoices.</summary>
public sealed class AdjustedTaxTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    [Theory]
    // 30 for April, and a call of 12: 42. The call is voided in April, whose invoice has May's 30: 30 − 12 = 18.
    [InlineData(false, "50.40", "8.40", "21.60", "3.60")]
    [InlineData(true, "42.00", "7.00", "18.00", "3.00")]
    public async Task A_correction_takes_its_tax_back(bool included, string total, string tax, string nextTotal, string nextTax)
    {
        var scene = await SetUpAsync("12", included);
        var march = (await scene.InvoicesAsync())[1];
        Assert.Equal((decimal.Parse(total), decimal.Parse(tax)), (march.Total, march.Tax));
        await scene.FinalizeAllAsync();
        await scene.VoidAsync("call");
        await scene.CloseAsync(May);
        var april = (await scene.InvoicesAsync())[2];
        Assert.Equal((decimal.Parse(nextTotal), decimal.Parse(nextTax)), (april.Total, april.Tax));
        Assert.Equal(april.Tax, april.Lines.Sum(line => line.Tax));
        Assert.Equal(april.Total, april.Lines.Sum(line => line.Amount));
        Assert.All(
            april.Lines,
            line => Assert.Equal(line.UnroundedAmount, InvoiceRows.Steps(line).Sum(step => decimal.Parse(step.Amount)))
        );
        await scene.VerifyAsync(april);

        // What is already adjusted is not adjusted again.
        await scene.FinalizeAllAsync();
        await scene.CallAsync(March + Duration.FromDays(2), "late");
        await scene.CloseAsync(June);
        var may = (await scene.InvoicesAsync())[3];
        Assert.Equal(included ? (42.00m, 7.00m) : (50.40m, 8.40m), (may.Total, may.Tax));
        await scene.VerifyAsync(may);
    }

    [Fact]
    public async Task A_charge_and_a_tax_may_have_the_same_key()
    {
        var scene = await SetUpAsync("12", included: false, taxKey: "calls");
        await scene.FinalizeAllAsync();
        await scene.VoidAsync("call");
        await scene.CloseAsync(May);
        var april = (await scene.InvoicesAsync())[2];
        Assert.Equal(
            [("charge", -12.00m), ("tax", -2.40m)],
            april.Lines.Where(line => line.Kind == InvoiceLineKinds.Adjustment).Select(line => (line.AdjustsKind!, line.Amount))
        );
        await scene.VerifyAsync(april);
    }

    private async Task<BillingScene> SetUpAsync(string price, bool included, string taxKey = "vat")
    {
        var plan = Version("h", "30", PerUnit(price));
        plan.Terms = new Wire.Terms { TaxesIncluded = included };
        plan.Terms.Taxes.Add(
            new Wire.TaxRate
            {
                Key = taxKey,
                Name = "VAT",
                Percent = "20",
            }
        );
        var scene = await CreateAsync(alone.Billing, plan);
        await scene.CallAsync(March + Duration.FromDays(1), "call");
        await scene.CloseAsync(April);
        return scene;
    }
}
