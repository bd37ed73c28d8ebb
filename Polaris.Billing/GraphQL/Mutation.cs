using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Verification;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

/// <summary>What a caller may do.</summary>
[Name("Mutation")]
internal sealed partial class Mutation
{
    /// <summary>Creates customers, all of them or none; at most 1,000 in a call. An identical one is returned as it is.</summary>
    /// <param name="input">The customers to create.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<IEnumerable<CustomerType>> CreateCustomers(
        [FromServices] CreateCustomers create,
        CreateCustomerInput[] input,
        CancellationToken ct
    ) => (await create.HandleAsync([.. input.Select(customer => customer.ToNewCustomer())], ct)).Select(CustomerType.Of);

    /// <summary>Creates subscriptions, all of them or none; at most 1,000 in a call.</summary>
    /// <param name="input">The subscriptions to create.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<IEnumerable<SubscriptionType>> CreateSubscriptions(
        [FromServices] CreateSubscriptions create,
        [FromServices] SharedMeters meters,
        [FromServices] OrgClocks clocks,
        CreateSubscriptionInput[] input,
        CancellationToken ct
    )
    {
        var rows = await create.HandleAsync(
            [
                .. input.Select(subscription => new NewSubscription(
                    subscription.Customer,
                    subscription.Plan,
                    subscription.Start,
                    subscription.End,
                    subscription.TrialEnd,
                    subscription.TrialDays,
                    (BillingInterval)(subscription.Interval ?? SubscriptionInterval.Month),
                    subscription.Anchor ?? BillingAnchor.Anniversary,
                    subscription.AnchorDay,
                    subscription.AnchorMonth,
                    subscription.TimeZone,
                    subscription.ConfirmBackdate ?? false
                )),
            ],
            ct
        );
        var now = await clocks.ReadNowAsync(ct);
        var shared = await meters.OfAsync(rows, now, ct);
        return rows.Select(row => SubscriptionType.Of(row, now, shared[row.Id]));
    }

    /// <summary>
    /// Moves a running subscription to another plan version of the same currency. Its invoices show the charges of each version.
    /// </summary>
    /// <param name="input">The subscription, the plan and when.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> ChangePlan(
        [FromServices] ChangePlan change,
        [FromServices] SharedMeters meters,
        [FromServices] OrgClocks clocks,
        ChangePlanInput input,
        CancellationToken ct
    )
    {
        var row = await change.HandleAsync(input.ToNewPlanChange(), ct);
        var now = await clocks.ReadNowAsync(ct);
        return SubscriptionType.Of(row, now, (await meters.OfAsync([row], now, ct))[row.Id]);
    }

    /// <summary>Cancels a scheduled plan change, pause or resumption.</summary>
    /// <param name="subscriptionId">The subscription's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> CancelPlanChange(
        [FromServices] ChangePlan change,
        [FromServices] OrgClocks clocks,
        [Id] Guid subscriptionId,
        CancellationToken ct
    ) => SubscriptionType.Of(await change.CancelAsync(subscriptionId, ct), await clocks.ReadNowAsync(ct));

    /// <summary>Ends a subscription, ends it earlier than scheduled, or cancels it before its billing starts.</summary>
    /// <param name="input">The subscription and when.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> EndSubscription(
        [FromServices] EndSubscription end,
        [FromServices] OrgClocks clocks,
        EndSubscriptionInput input,
        CancellationToken ct
    ) =>
        SubscriptionType.Of(
            await end.HandleAsync(
                new SubscriptionEnd(input.SubscriptionId, input.At, input.AtPeriodEnd ?? false, input.Credit ?? true),
                ct
            ),
            await clocks.ReadNowAsync(ct)
        );

    /// <summary>Takes back an end whose last period is not invoiced yet, or a cancellation before the start.</summary>
    /// <param name="subscriptionId">The subscription's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> UndoEndSubscription(
        [FromServices] EndSubscription end,
        [FromServices] OrgClocks clocks,
        [Id] Guid subscriptionId,
        CancellationToken ct
    ) => SubscriptionType.Of(await end.UndoAsync(subscriptionId, ct), await clocks.ReadNowAsync(ct));

    /// <summary>Charges nothing from then on, until the subscription is resumed.</summary>
    /// <param name="input">The subscription and when.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> PauseSubscription(
        [FromServices] PauseSubscription pause,
        [FromServices] OrgClocks clocks,
        PauseSubscriptionInput input,
        CancellationToken ct
    ) =>
        SubscriptionType.Of(
            await pause.PauseAsync(input.SubscriptionId, input.At, input.AtPeriodEnd ?? false, ct),
            await clocks.ReadNowAsync(ct)
        );

    /// <summary>Ends a pause: the subscription goes on with the plan version before it.</summary>
    /// <param name="input">The subscription and when.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> ResumeSubscription(
        [FromServices] PauseSubscription pause,
        [FromServices] OrgClocks clocks,
        PauseSubscriptionInput input,
        CancellationToken ct
    ) =>
        SubscriptionType.Of(
            await pause.ResumeAsync(input.SubscriptionId, input.At, input.AtPeriodEnd ?? false, ct),
            await clocks.ReadNowAsync(ct)
        );

    /// <summary>Creates a coupon. It never changes; an identical one is returned as it is.</summary>
    /// <param name="input">The coupon to create.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CouponType> CreateCoupon([FromServices] Coupons coupons, CreateCouponInput input, CancellationToken ct) =>
        CouponType.Of(await coupons.CreateAsync(input.ToNewCoupon(), ct));

    /// <summary>Applies a coupon to a subscription, once: one that is applied already is returned as it is.</summary>
    /// <param name="input">The subscription, the coupon and when.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<AppliedCouponType> ApplyCoupon([FromServices] Coupons coupons, ApplyCouponInput input, CancellationToken ct) =>
        AppliedCouponType.Of(await coupons.ApplyAsync(input.SubscriptionId, input.Coupon, input.At, ct));

    /// <summary>Puts a charge on the invoice of the billing period that contains a time.</summary>
    /// <param name="input">The charge and its subscription.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<OneOffChargeType> CreateOneOffCharge(
        [FromServices] CreateOneOffCharge create,
        CreateOneOffChargeInput input,
        CancellationToken ct
    ) => OneOffChargeType.Of(await create.HandleAsync(input.ToNewCharge(), ct));

    /// <summary>Sets the test clock of a sandbox to <c>now</c>; null returns the org to real time.</summary>
    /// <param name="now">The org's time from now on, not before its current time; null for real time.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<OrgClockType> SetClock([FromServices] OrgClocks clocks, Instant? now, CancellationToken ct) =>
        OrgClockType.Of(await clocks.SetAsync(now, ct));

    /// <summary>Computes an invoice again from raw events and compares every figure. The invoice stays as it is.</summary>
    /// <param name="id">The invoice's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<RecomputationType> RecomputeInvoice(
        [FromServices] RecomputeInvoice recompute,
        [Id] Guid id,
        CancellationToken ct
    ) => RecomputationType.Of(await TooLarge.RefuseAsync(() => recompute.HandleAsync(id, ct)));

    /// <summary>
    /// Starts comparing all final invoices with raw events, in the background. While a comparison runs, it is returned instead.
    /// </summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceVerificationType> VerifyInvoices([FromServices] StartVerification start, CancellationToken ct) =>
        InvoiceVerificationType.Of(await start.HandleAsync(ct));

    /// <summary>Makes a draft final: it gets its number, never changes again, and is due.</summary>
    /// <param name="id">The draft's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> FinalizeInvoice([FromServices] FinalizeInvoice finalize, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await finalize.HandleAsync(id, ct));

    /// <summary>Tries held invoices again now: of the given subscriptions, or all. Returns what it tries.</summary>
    /// <param name="subscriptionIds">The subscriptions' ids, at most 1,000; null for all.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<IEnumerable<HeldInvoiceType>> RetryHeldInvoices(
        [FromServices] HeldInvoices held,
        [Id] Guid[]? subscriptionIds,
        CancellationToken ct
    ) => (await held.RetryAsync(subscriptionIds, ct)).Select(HeldInvoiceType.Of);

    /// <summary>
    /// Reconciles a span of the org: compares buckets and aggregates with the stored events and repairs differences. Bounds are multiples
    /// of 15 minutes. When <c>checkedThrough</c> is before <c>to</c>, time ran out: call again from there.
    /// </summary>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<ReconciliationReportType> ReconcileUsage(
        [FromServices] ReconcileUsage reconcile,
        [FromServices] TenantScope tenant,
        Instant from,
        Instant to,
        CancellationToken ct
    ) => ReconciliationReportType.Of(await reconcile.HandleAsync(tenant.RequireOrg(), from, to, ct));

    /// <summary>Replays the given dead letters, or all unresolved ones.</summary>
    /// <param name="ids">Which, at most 500; null for all, the oldest 500 first.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeadLetterReplayType> ReplayDeadLetters(
        [FromServices] ReplayDeadLetters letters,
        [FromServices] TenantScope tenant,
        [Id] Guid[]? ids,
        CancellationToken ct
    ) => DeadLetterReplayType.Of(await letters.ReplayAsync(tenant.RequireOrg(), ids, ct));
}
