using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Drafts are stored by statements of ours, which know the columns by name: none may be forgotten.</summary>
public sealed class StoreDraftsTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task What_is_drafted_is_what_is_stored()
    {
        var scene = await BillingScene.CreateAsync(billing, BillingScene.Version("stored-1", "31.00", BillingScene.TwoTiers()));
        await scene.CallAsync(BillingScene.March + Duration.FromDays(2), "a", "b", "c");
        await scene.ClockAsync(BillingScene.March + Duration.FromDays(10));
        await scene.ChangeAsync(
            BillingScene.Version("stored-2", "62.00", BillingScene.PerUnit("2")),
            BillingScene.March + Duration.FromDays(12)
        );
        await scene.CallAsync(BillingScene.March + Duration.FromDays(20), "d");
        await StoredAsync(scene, BillingScene.April);
        await scene.FinalizeAllAsync();
        // The next one has corrections.
        await scene.VoidAsync("a");
        var drafts = await StoredAsync(scene, BillingScene.May);
        Assert.Contains(drafts.SelectMany(draft => draft.Lines), line => line.AdjustsInvoiceId is not null);
    }

    /// <summary>Drafts until then; each chunk's rows as EF tracks them must be those of the database.</summary>
    private async Task<InvoiceRow[]> StoredAsync(BillingScene scene, Instant end)
    {
        await scene.ClockAsync(end + Duration.FromHours(1));
        var before = (await scene.InvoicesAsync()).Length;
        while (
            await billing.InOrgAsync<IServiceProvider, int>(
                scene.Org,
                async services =>
                {
                    var done = await services.GetRequiredService<DraftInvoices>().DraftSomeAsync(default);
                    await ComparedAsync(services.GetRequiredService<BillingDbContext>());
                    return done;
                }
            ) > 0
        )
        {
            // One period at a time.
        }

        var drafts = await scene.InvoicesAsync();
        Assert.True(drafts.Length > before, "Nothing was drafted.");
        return drafts;
    }

    private static Task<bool> ComparedAsync(BillingDbContext db) =>
        db.InTransactionAsync(
            async ct =>
            {
                foreach (
                    var entry in db
                        .ChangeTracker.Entries()
                        .Where(entry => entry.Entity is InvoiceRow or InvoiceLineRow or SubscriptionRow or OutboxRow)
                        .ToArray()
                )
                {
                    var stored = await entry.GetDatabaseValuesAsync(ct);
                    Assert.NotNull(stored);
                    // PostgreSQL writes JSON in a form of its own.
                    foreach (
                        var property in entry.Metadata.GetProperties().Where(known => known.Name != nameof(InvoiceLineRow.Explanation))
                    )
                        Assert.Equal(entry.CurrentValues[property], stored[property]);
                }

                return true;
            },
            default
        );
}
