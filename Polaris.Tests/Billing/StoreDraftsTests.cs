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

    /// <summary>Drafts until then; each chunk's rows as they were drafted must be those of the database.</summary>
    private async Task<InvoiceRow[]> StoredAsync(BillingScene scene, Instant end)
    {
        await scene.ClockAsync(end + Duration.FromHours(1));
        var before = (await scene.InvoicesAsync()).Length;
        var compared = 0;
        while (
            await billing.InOrgAsync<IServiceProvider, int>(
                scene.Org,
                async services =>
                {
                    var draft = services.GetRequiredService<DraftInvoices>();
                    var done = await draft.DraftSomeAsync(default);
                    if (done > 0)
                        compared += await ComparedAsync(services.GetRequiredService<BillingDbContext>(), draft.Stored);
                    return done;
                }
            ) > 0
        )
        {
            // One period at a time.
        }

        var drafts = await scene.InvoicesAsync();
        Assert.True(drafts.Length > before, "Nothing was drafted.");
        Assert.True(compared >= drafts.Length - before, $"{compared} invoices were compared.");
        return drafts;
    }

    /// <summary>How many invoices were compared.</summary>
    private static async Task<int> ComparedAsync(BillingDbContext db, DraftedRows rows)
    {
        IEnumerable<object> entities =
        [
            .. rows.Invoices,
            .. rows.Invoices.SelectMany(invoice => invoice.Lines),
            .. rows.Events,
            .. rows.Subscriptions,
        ];
        var drafted = entities.Select(entity => (Entity: entity, Values: db.Entry(entity).CurrentValues.Clone())).ToArray();
        return await db.InTransactionAsync(
            async ct =>
            {
                foreach (var (entity, values) in drafted)
                {
                    var stored = await db.Entry(entity).GetDatabaseValuesAsync(ct);
                    Assert.NotNull(stored);
                    // PostgreSQL writes JSON in a form of its own.
                    foreach (var property in values.Properties.Where(known => known.Name != nameof(InvoiceLineRow.Explanation)))
                    {
                        var (expected, actual) = (AsStored(values[property]), AsStored(stored[property]));
                        var where = $"{entity.GetType().Name}.{property.Name}";
                        if (expected is IEnumerable<object> list)
                            Assert.True(actual is IEnumerable<object> other && list.SequenceEqual(other), where);
                        else
                            Assert.True(Equals(expected, actual), $"{where}: {expected} was stored as {actual}.");
                    }
                }

                return drafted.Count(row => row.Entity is InvoiceRow);
            },
            default
        );
    }

    /// <summary>PostgreSQL keeps microseconds.</summary>
    private static object? AsStored(object? value) =>
        value switch
        {
            Instant at => at.ToUnixTimeTicks() / 10,
            byte[] bytes => Convert.ToHexString(bytes),
            _ => value,
        };
}
