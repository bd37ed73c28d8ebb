using Grpc.Core;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Verification;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Invoices compared with raw events: one with the events that changed it, all of an org as a job.</summary>
public sealed class VerificationTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_difference_names_the_events_that_changed_it_and_the_later_invoice_that_has_it()
    {
        var scene = await SceneAsync("k0", "k1");
        await scene.CloseAsync(BillingScene.April);
        var march = (await scene.InvoicesAsync()).Single(row => row.PeriodEnd == BillingScene.April);
        await scene.FinalizeAllAsync();
        var same = await RecomputeAsync(scene, march.Id);
        Assert.Equal((true, true, 0, 0), (same.Identical, same.Settled, same.ChangedEventCount, same.CorrectedOn.Count));

        // The quantity is the same again, but not the events.
        await scene.VoidAsync("k0");
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(3));
        var changed = await RecomputeAsync(scene, march.Id);
        Assert.Equal((false, false, 2, 0), (changed.Identical, changed.Settled, changed.ChangedEventCount, changed.CorrectedOn.Count));
        Assert.Equal(
            [("k0", BillingScene.March, ChangeOfEvent.TakenBack), ("late", BillingScene.March + Duration.FromDays(3), ChangeOfEvent.Late)],
            changed.ChangedEvents.Select(one => (one.IdempotencyKey, one.At, one.Change))
        );
        Assert.Equal(["eventDigest"], changed.Differences.Select(difference => difference.Field));

        await scene.CloseAsync(BillingScene.May);
        var april = (await scene.InvoicesAsync()).Single(row => row.PeriodEnd == BillingScene.May);
        var drafted = await RecomputeAsync(scene, march.Id);
        Assert.Equal(new CorrectingInvoice(april.Id, null, InvoiceStatuses.Draft), Assert.Single(drafted.CorrectedOn));
        Assert.False(drafted.Settled);
        var final = await scene.FinalizeAsync(april.Id);
        var settled = await RecomputeAsync(scene, march.Id);
        Assert.Equal(new CorrectingInvoice(april.Id, final.Number, InvoiceStatuses.Finalized), Assert.Single(settled.CorrectedOn));
        Assert.Equal((false, true, 2), (settled.Identical, settled.Settled, settled.ChangedEventCount));
        Assert.True((await RecomputeAsync(scene, april.Id)).Identical);
    }

    [Fact]
    public async Task An_event_that_came_and_went_after_the_invoice_changes_nothing()
    {
        var scene = await SceneAsync("k0");
        await scene.CloseAsync(BillingScene.April);
        await scene.FinalizeAllAsync();
        await scene.SendAsync("late", BillingScene.March + Duration.FromDays(3));
        await scene.VoidAsync("late");
        foreach (var invoice in await scene.InvoicesAsync())
        {
            var result = await RecomputeAsync(scene, invoice.Id);
            Assert.Equal((true, 0), (result.Identical, result.ChangedEventCount));
        }
    }

    [Fact]
    public async Task All_invoices_of_two_orgs_are_verified_by_two_replicas_once_each()
    {
        var (one, other) = (await SceneAsync("k0"), await SceneAsync("k0"));
        foreach (var scene in (BillingScene[])[one, other])
        {
            await scene.CloseAsync(BillingScene.April);
            await scene.FinalizeAllAsync();
        }

        await one.SendAsync("late", BillingScene.March + Duration.FromDays(3));
        await one.CloseAsync(BillingScene.May);
        await one.FinalizeAllAsync();
        await one.SendAsync("later", BillingScene.April + Duration.FromDays(3));
        var (march, april) = Two(await one.InvoicesAsync());

        var started = await StartAsync(one);
        Assert.Equal(started.Id, (await StartAsync(one)).Id);
        await StartAsync(other);
        await FinishAsync([billing.Of<VerifyInvoices>(), billing.Of<VerifyInvoices>()], one, other);
        var result = await LatestAsync(one);
        // March has its late event on April's invoice; April's own is on none yet.
        Assert.Equal((started.Id, result.Total, 1, 1, 0), (result.Id, Done(result), result.Corrected, result.Different, result.Failed));
        Assert.Equal([april], result.DifferentIds);
        Assert.NotEqual(march, april);
        var all = await LatestAsync(other);
        Assert.Equal((all.Total, all.Total), (Done(all), all.Identical));
        Assert.NotEqual(started.Id, (await StartAsync(one)).Id);
    }

    [Fact]
    public async Task A_verification_goes_on_after_a_crash_and_fails_only_what_cannot_be_read()
    {
        var scene = await SceneAsync("k0");
        await scene.CloseAsync(BillingScene.April);
        await scene.FinalizeAllAsync();
        var total = (await StartAsync(scene)).Total;
        billing.Store.Streaming = of =>
            of == scene.Org ? Task.FromException(new RpcException(new Status(StatusCode.Internal, "crash"))) : Task.CompletedTask;
        await billing.Of<VerifyInvoices>().RunOnceAsync(default);
        // The turn ended without a word: others leave the org alone until its hold is over.
        await billing.Of<VerifyInvoices>().RunOnceAsync(default);
        Assert.Equal((0, true), (Done(await LatestAsync(scene)), (await LatestAsync(scene)).HeldUntil is not null));
        await ExpireHoldAsync(scene);

        billing.Store.Streaming = of =>
            of == scene.Org ? Task.FromException(new RpcException(new Status(StatusCode.Unavailable, ""))) : Task.CompletedTask;
        // The first invoice, fees at the subscription's start, has no events to read.
        for (var attempt = 0; attempt < VerifyInvoices.MaxTries; attempt++)
        {
            await billing.Of<VerifyInvoices>().RunOnceAsync(default);
            Assert.Equal((attempt, 1), ((await LatestAsync(scene)).Tries, Done(await LatestAsync(scene))));
        }

        await billing.Of<VerifyInvoices>().RunOnceAsync(default);
        Assert.Equal((1, 1), ((await LatestAsync(scene)).Failed, (await LatestAsync(scene)).FailedIds.Length));
        billing.Store.Streaming = null;
        await FinishAsync([billing.Of<VerifyInvoices>()], scene);
        var result = await LatestAsync(scene);
        Assert.Equal((total, 1, total - 1), (Done(result), result.Failed, result.Identical));
    }

    private async Task<BillingScene> SceneAsync(params string[] calls)
    {
        var plan = BillingScene.Version(Guid.CreateVersion7().ToString("N"), "10", BillingScene.PerUnit("1"));
        var scene = await BillingScene.CreateAsync(billing, plan);
        await scene.CallAsync(BillingScene.March, calls);
        return scene;
    }

    private Task<Recomputation> RecomputeAsync(BillingScene scene, Guid invoice) =>
        billing.InOrgAsync<RecomputeInvoice, Recomputation>(scene.Org, recompute => recompute.HandleAsync(invoice, default));

    private Task<InvoiceVerificationRow> StartAsync(BillingScene scene) =>
        billing.InOrgAsync<StartVerification, InvoiceVerificationRow>(scene.Org, start => start.HandleAsync(default));

    private async Task<InvoiceVerificationRow> LatestAsync(BillingScene scene) =>
        (await billing.InOrgAsync<StartVerification, List<InvoiceVerificationRow>>(scene.Org, all => all.ListAsync(default)))[0];

    private async Task FinishAsync(VerifyInvoices[] replicas, params BillingScene[] scenes)
    {
        for (var turn = 0; turn < 100; turn++)
        {
            await Task.WhenAll(replicas.Select(replica => replica.RunOnceAsync(default)));
            var finished = 0;
            foreach (var scene in scenes)
                finished += (await LatestAsync(scene)).FinishedAt is null ? 0 : 1;
            if (finished == scenes.Length)
                return;
        }

        Assert.Fail("The verification does not end.");
    }

    private async Task ExpireHoldAsync(BillingScene scene)
    {
        await using var tx = await billing.Database.BeginOrgAsync(scene.Org, default);
        await using var command = tx.Command("UPDATE invoice_verifications SET held_until = now() - interval '1 second' WHERE org_id = $1");
        command.Parameters.AddWithValue(scene.Org);
        await command.ExecuteNonQueryAsync();
        await tx.CommitAsync(default);
    }

    private static int Done(InvoiceVerificationRow row) => row.Identical + row.Corrected + row.Different + row.Failed;

    private static (Guid, Guid) Two(InvoiceRow[] invoices) =>
        (
            invoices.Single(row => row.PeriodStart == BillingScene.March && row.PeriodEnd == BillingScene.April).Id,
            invoices.Single(row => row.PeriodEnd == BillingScene.May).Id
        );
}
