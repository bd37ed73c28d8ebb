using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Void and reissued invoices among corrections of earlier ones: nothing is lost and nothing charged twice.</summary>
public sealed class VoidedInvoiceTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant July = Instant.FromUtc(2026, 7, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_correction_on_a_void_invoice_goes_to_its_reissue()
    {
        var (scene, books, march) = await MarchAsync();
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(2));
        var april = await CloseAndFinalizeAsync(scene, BillingScene.May);
        Assert.Equal((2m, 3m), (march.Total, april.Total)); // 1 call; 1 call in April, 1 late.
        await books.VoidAsync(april.Id);
        var again = await books.ReissueAsync(april.Id);
        Assert.Equal((april.Total, april.Id, null, april.ResultHash), (again.Total, again.ReissuesId, again.Number, again.ResultHash));
        Assert.Equal(again.Id, (await books.ReissueAsync(april.Id)).Id);
        Assert.Equal(march.Id, Assert.Single(again.Lines, line => line.Kind == InvoiceLineKinds.Adjustment).AdjustsInvoiceId);
        await scene.FinalizeAsync(again.Id);
        Assert.Equal("INV-00000004", (await books.FindAsync(again.Id)).Number);
        // Nothing is left to correct.
        var may = await CloseAndFinalizeAsync(scene, BillingScene.June);
        Assert.DoesNotContain(may.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        await scene.VerifyAsync(april);
        await scene.VerifyAsync(await books.FindAsync(again.Id));
        await books.CheckAsync();
    }

    [Fact]
    public async Task An_invoice_that_a_later_one_corrects_is_voided_after_it_and_both_are_made_anew()
    {
        var (scene, books, march) = await MarchAsync();
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(2));
        var april = await CloseAndFinalizeAsync(scene, BillingScene.May);
        Assert.Equal(
            ("corrected_later", "id", $"Invoice {april.Number} corrects this one: void that one first, or create a credit note."),
            await Books.RefusalAsync(() => books.VoidAsync(march.Id))
        );
        await books.VoidAsync(april.Id);
        await books.VoidAsync(march.Id);
        var (first, second) = (await books.ReissueAsync(march.Id), await books.ReissueAsync(april.Id));
        // The late call is now on the invoice of its own month.
        Assert.Equal((march.Total + 1m, april.Total - 1m), (first.Total, second.Total));
        Assert.DoesNotContain(second.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        await scene.DraftAsync();
        await scene.VerifyAsync(await books.FindAsync(first.Id));
        await scene.VerifyAsync(await books.FindAsync(second.Id));
        Assert.Equal(2, (await scene.InvoicesAsync()).Count(row => row.Status == InvoiceStatuses.Draft));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_draft_that_corrects_a_void_invoice_is_made_anew_without_the_correction()
    {
        var (scene, books, march) = await MarchAsync();
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(2));
        await scene.CloseAsync(BillingScene.May);
        var draft = (await scene.InvoicesAsync())[^1];
        Assert.Contains(draft.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        await books.VoidAsync(march.Id);
        Assert.Equal(FinalizeOutcome.Stale, Assert.Single(await books.FinalizeAsync(draft.Id)).Outcome);
        await scene.DraftAsync();
        var anew = await books.FindAsync(draft.Id);
        Assert.Equal(draft.Total - 1m, anew.Total);
        Assert.DoesNotContain(anew.Lines, line => line.Kind == InvoiceLineKinds.Adjustment);
        // A void period is not billed, whatever arrives for it.
        await scene.SendAsync("later", BillingScene.March + Duration.FromDays(3));
        Assert.Equal(0, await billing.DraftAsync(scene.Org));
    }

    [Fact]
    public async Task What_a_void_invoice_had_corrected_is_corrected_again_and_later_certificates_hold()
    {
        var (scene, books, _) = await MarchAsync();
        await scene.SendAsync("late-1", BillingScene.March + Duration.FromDays(2));
        var april = await CloseAndFinalizeAsync(scene, BillingScene.May);
        await scene.SendAsync("late-2", BillingScene.March + Duration.FromDays(3));
        var may = await CloseAndFinalizeAsync(scene, BillingScene.June);
        Assert.Equal(1m, Assert.Single(may.Lines, line => line.Kind == InvoiceLineKinds.Adjustment).Amount);
        await books.VoidAsync(april.Id);
        await scene.CloseAsync(July);
        var june = (await scene.InvoicesAsync())[^1];
        Assert.Equal(1m, Assert.Single(june.Lines, line => line.Kind == InvoiceLineKinds.Adjustment).Amount);
        await scene.VerifyAsync(may);
        await scene.VerifyAsync(june);
    }

    [Fact]
    public async Task An_invoice_of_only_corrections_is_made_again_when_it_is_void()
    {
        var scene = await BillingScene.CreateAsync(
            billing,
            BillingScene.Version("v", "1", BillingScene.PerUnit("1")),
            end: BillingScene.April
        );
        var books = new Books(billing, scene.Org);
        await scene.CallAsync(BillingScene.March + Duration.FromDays(1), "a");
        await scene.CloseAsync(BillingScene.April);
        await scene.FinalizeAllAsync();
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(2));
        await scene.DraftAsync();
        await scene.FinalizeAllAsync();
        var closing = (await scene.InvoicesAsync())[^1];
        Assert.Equal(1m, closing.Total);
        await books.VoidAsync(closing.Id);
        await scene.DraftAsync();
        var again = (await scene.InvoicesAsync())[^1];
        Assert.Equal((1m, InvoiceStatuses.Draft), (again.Total, again.Status));
        await scene.VerifyAsync(again);
        Assert.Equal(
            ("nothing_to_invoice", "id", "Nothing is to be invoiced in the period any more."),
            await Books.RefusalAsync(() => books.ReissueAsync(closing.Id))
        );
    }

    /// <summary>A fee of 1 in advance and 1 a call; the first invoice and that of March, with one call, are final.</summary>
    private async Task<(BillingScene Scene, Books Books, InvoiceRow March)> MarchAsync()
    {
        var scene = await BillingScene.CreateAsync(billing, BillingScene.Version("v", "1", BillingScene.PerUnit("1")));
        await scene.CallAsync(BillingScene.March + Duration.FromDays(1), "a");
        await scene.CallAsync(BillingScene.April + Duration.FromDays(1), "b");
        return (scene, new Books(billing, scene.Org), await CloseAndFinalizeAsync(scene, BillingScene.April));
    }

    private static async Task<InvoiceRow> CloseAndFinalizeAsync(BillingScene scene, Instant end)
    {
        await scene.CloseAsync(end);
        await scene.FinalizeAllAsync();
        return (await scene.InvoicesAsync()).Last(row => row.PeriodEnd == end);
    }
}
