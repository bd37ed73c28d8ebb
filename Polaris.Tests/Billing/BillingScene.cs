using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.Usage.V1;
using Xunit;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>A test org: one customer, <c>acme</c>, with call events and one subscription from March 2026 on.</summary>
internal sealed class BillingScene(BillingAlone billing, Guid org)
{
    public static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    public static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);
    public static readonly Instant May = Instant.FromUtc(2026, 5, 1, 0, 0);
    public static readonly Instant June = Instant.FromUtc(2026, 6, 1, 0, 0);

    private readonly Dictionary<string, (UsageBatch Batch, UsageEvent Event)> sent = [];

    public Guid Org { get; } = org;

    public Guid Subscription { get; } = Guid.CreateVersion7();

    public static async Task<BillingScene> CreateAsync(
        BillingAlone billing,
        Wire.PlanVersion plan,
        Instant? end = null,
        params MeterDefinition[] more
    )
    {
        var org = await billing.NewOrgAsync([
            new MeterDefinition(Guid.CreateVersion7(), "calls", "call", MeterAggregation.Count, "", []),
            .. more,
        ]);
        var scene = new BillingScene(billing, org);
        await scene.InDbAsync(
            (db, ct) =>
            {
                db.PlanVersions.Add(
                    new PlanVersionRow
                    {
                        OrgId = org,
                        Id = Guid.Parse(plan.Id),
                        PlanKey = plan.PlanKey,
                        Message = plan.ToByteArray(),
                    }
                );
                db.Subscriptions.Add(
                    new SubscriptionRow
                    {
                        OrgId = org,
                        Id = scene.Subscription,
                        CustomerKey = "acme",
                        PlanKey = plan.PlanKey,
                        PlanVersionId = Guid.Parse(plan.Id),
                        StartAt = March,
                        EndAt = end,
                        AnchorDay = 1,
                        NextPeriodStart = March,
                        NextPeriodEnd = plan.Charges.Any(charge => charge.InAdvance) ? March : April,
                    }
                );
                return db.SaveChangesAsync(ct);
            }
        );
        return scene;
    }

    /// <summary>A published version: a fee in advance prorated by days, and a charge for calls.</summary>
    public static Wire.PlanVersion Version(
        string hash,
        string fee,
        Wire.Price calls,
        string charge = "calls",
        Wire.Proration proration = Wire.Proration.Days
    )
    {
        var plan = new Wire.PlanVersion
        {
            Id = Guid.CreateVersion7().ToString(),
            PlanKey = $"plan-{hash}",
            Number = 1,
            Currency = "EUR",
            Hash = hash,
            Status = Wire.VersionStatus.Published,
        };
        plan.Charges.Add(
            new Wire.Charge
            {
                Key = "base",
                Name = "Base",
                Price = new() { Flat = new() { Amount = fee } },
                InAdvance = true,
                Proration = proration,
            }
        );
        plan.Charges.Add(
            new Wire.Charge
            {
                Key = charge,
                Name = "Calls",
                Meter = "calls",
                Price = calls,
            }
        );
        return plan;
    }

    public static Wire.Price PerUnit(string price) => new() { PerUnit = new() { UnitPrice = price } };

    /// <summary>1.50 each up to two, 0.50 each beyond.</summary>
    public static Wire.Price TwoTiers()
    {
        var tiers = new Wire.TieredPrice();
        tiers.Tiers.Add(new Wire.Tier { UpTo = "2", UnitPrice = "1.50" });
        tiers.Tiers.Add(new Wire.Tier { UnitPrice = "0.50" });
        return new Wire.Price { Graduated = tiers };
    }

    /// <summary>Sends call events, one an hour.</summary>
    public async Task CallAsync(Instant from, params string[] keys)
    {
        for (var i = 0; i < keys.Length; i++)
            await SendAsync(keys[i], from + Duration.FromHours(i));
    }

    public async Task SendAsync(string key, Instant at, string properties = "")
    {
        var one = FakeIngestion.Event(key, at, properties: properties);
        var batch = billing.Store.Add(Org, one);
        sent[key] = (batch, one);
        await billing.ApplyAsync(batch);
    }

    public async Task VoidAsync(string key)
    {
        var (batch, earlier) = sent[key];
        await billing.ApplyAsync(
            billing.Store.Add(Org, FakeIngestion.Event($"void-{key}", March, corrects: FakeIngestion.Of(batch, earlier, replaces: false)))
        );
        await billing.RebuildAsync();
    }

    public (UsageBatch Batch, UsageEvent Event) Sent(string key) => sent[key];

    public Task ClockAsync(Instant now) => billing.InOrgAsync<OrgClocks, ClockReading>(Org, clocks => clocks.SetAsync(now, default));

    /// <summary>Moves to an hour after a period's end and drafts every due invoice.</summary>
    public async Task CloseAsync(Instant end)
    {
        await ClockAsync(end + Duration.FromHours(1));
        await DraftAsync();
    }

    public async Task DraftAsync()
    {
        while (await billing.DraftAsync(Org) > 0)
        {
            // One period at a time.
        }
    }

    public Task<SubscriptionRow> ChangeAsync(Wire.PlanVersion to, Instant? at = null, bool atPeriodEnd = false) =>
        ChangeAsync(new NewPlanChange(Subscription, null, Guid.Parse(billing.Plans.Add(to).Id), at, atPeriodEnd));

    public Task<SubscriptionRow> ChangeAsync(NewPlanChange change) =>
        billing.InOrgAsync<ChangePlan, SubscriptionRow>(Org, changes => changes.HandleAsync(change, default));

    public Task<SubscriptionRow> CancelAsync() =>
        billing.InOrgAsync<ChangePlan, SubscriptionRow>(Org, changes => changes.CancelAsync(Subscription, default));

    public Task<SubscriptionRow> EndAsync(Instant? at = null, bool atPeriodEnd = false) =>
        billing.InOrgAsync<EndSubscription, SubscriptionRow>(
            Org,
            ends => ends.HandleAsync(new SubscriptionEnd(Subscription, at, atPeriodEnd), default)
        );

    public Task<InvoiceRow[]> InvoicesAsync() =>
        InDbAsync(
            (db, ct) =>
                db
                    .Invoices.AsNoTracking()
                    .Include(row => row.Lines.OrderBy(line => line.Ordinal))
                    .OrderBy(row => row.Sequence)
                    .ToArrayAsync(ct)
        );

    public async Task FinalizeAllAsync()
    {
        foreach (var invoice in await InvoicesAsync())
            if (invoice.Status != InvoiceStatuses.Void)
                await FinalizeAsync(invoice.Id);
    }

    public Task<InvoiceRow> FinalizeAsync(Guid invoice) =>
        billing.InOrgAsync<FinalizeInvoice, InvoiceRow>(Org, finalize => finalize.HandleAsync(invoice, default));

    /// <summary>Recomputes every invoice from raw events and compares the hash.</summary>
    public async Task VerifyAllAsync()
    {
        foreach (var invoice in await InvoicesAsync())
            await VerifyAsync(invoice);
    }

    public async Task VerifyAsync(InvoiceRow invoice)
    {
        var proof = await billing.InOrgAsync<RecomputeInvoice, Recomputation>(Org, recompute => recompute.HandleAsync(invoice.Id, default));
        Assert.Empty(proof.Differences);
        Assert.True(proof.Identical, $"{invoice.Sequence}");
    }

    /// <summary>Returns the code and path of the expected refusal.</summary>
    public static async Task<(string Code, string? Path)> RefusalAsync(Func<Task> act)
    {
        var refusal = (await Assert.ThrowsAsync<RefusedException>(act)).Refusal;
        return (refusal.Code, refusal.Path);
    }

    private Task<T> InDbAsync<T>(Func<BillingDbContext, CancellationToken, Task<T>> act) =>
        billing.InOrgAsync<BillingDbContext, T>(Org, db => db.InTransactionAsync(ct => act(db, ct), default));
}
