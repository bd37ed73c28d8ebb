using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>The way from an invoice line down to its events, page by page.</summary>
public sealed class LineEventsTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1_000)]
    public async Task All_pages_together_are_the_events_that_a_line_counts(int first)
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        // Seven in one bucket, two at the same moment; others far apart; one that is taken back, one of another customer.
        for (var i = 0; i < 7; i++)
            await scene.SendAsync($"bucket-{i}", March + Duration.FromSeconds(i / 2));
        await scene.CallAsync(March + Duration.FromDays(9), "far", "farther");
        await scene.SendAsync("last", April - Duration.FromSeconds(1));
        await scene.SendAsync("next", April);
        await scene.CallAsync(March + Duration.FromDays(3), "void");
        await scene.VoidAsync("void");
        await alone.Billing.ApplyAsync(alone.Billing.Store.Add(scene.Org, FakeIngestion.Event("other", March, "another")));
        await scene.CloseAsync(April);
        var invoice = (await scene.InvoicesAsync())[^1];
        var line = invoice.Lines.Single(one => one.Charge == "calls");
        string[] expected = ["bucket-0", "bucket-1", "bucket-2", "bucket-3", "bucket-4", "bucket-5", "bucket-6", "far", "farther", "last"];
        Assert.Equal(expected, await AllAsync(scene, invoice, line, first));
        Assert.Equal(expected.Length, line.EventCount);

        // What comes, and what is taken back, after the end of the invoice is not on it, but on the adjustment.
        await scene.FinalizeAllAsync();
        await scene.CallAsync(March + Duration.FromDays(5), "late", "later");
        await scene.VoidAsync("far");
        Assert.Equal(expected, await AllAsync(scene, invoice, line, first));
        await scene.CloseAsync(May);
        var next = (await scene.InvoicesAsync())[^1];
        var adjustment = next.Lines.Single(one => one.Kind == InvoiceLineKinds.Adjustment && one.Charge == "calls");
        var now = await AllAsync(scene, next, adjustment, first);
        Assert.Equal(expected.Except(["far"]).Append("late").Append("later").Order(), now.Order());
        Assert.Equal(adjustment.EventCount, now.Count);
        Assert.Equal(["next"], await AllAsync(scene, next, next.Lines.First(one => one.Charge == "calls"), first));
    }

    [Fact]
    public async Task A_fee_has_no_events_and_a_line_that_is_not_there_is_not_found()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "10", PerUnit("1")));
        await scene.CloseAsync(April);
        var invoice = (await scene.InvoicesAsync())[0];
        Assert.Empty(await AllAsync(scene, invoice, invoice.Lines.Single(one => one.Charge == "base"), 10));
        Assert.Equal(("not_found", null), await RefusalAsync(() => PageAsync(scene, invoice.Id, 99, 10, null)));
        Assert.Equal(("not_found", null), await RefusalAsync(() => PageAsync(scene, Guid.CreateVersion7(), 0, 10, null)));
        Assert.Equal(("invalid_cursor", "after"), await RefusalAsync(() => PageAsync(scene, invoice.Id, 0, 10, "12:")));
        Assert.Equal(("out_of_range", "first"), await RefusalAsync(() => PageAsync(scene, invoice.Id, 0, 0, null)));
    }

    private async Task<IReadOnlyList<string>> AllAsync(BillingScene scene, InvoiceRow invoice, InvoiceLineRow line, int first)
    {
        var keys = new List<string>();
        string? after = null;
        while (true)
        {
            var page = await PageAsync(scene, invoice.Id, line.Ordinal, first, after);
            Assert.True(page.Rows.Count <= first);
            keys.AddRange(page.Rows.Select(row => row.IdempotencyKey));
            if (!page.HasNextPage)
                return keys;
            Assert.Equal(line.EventCount, page.EventCount);
            after = page.EndCursor;
        }
    }

    private Task<LineEventPage> PageAsync(BillingScene scene, Guid invoice, int ordinal, int first, string? after) =>
        alone.Billing.InOrgAsync<ReadLineEvents, LineEventPage>(scene.Org, read => read.PageAsync(invoice, ordinal, first, after, default));
}
