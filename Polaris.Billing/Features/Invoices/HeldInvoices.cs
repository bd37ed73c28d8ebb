using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Subscriptions whose due invoice could not be created. Each is held alone, with its reason and a time for the next try; the org's other
/// subscriptions and other orgs go on. A success releases it.
/// </summary>
internal sealed class HeldInvoices(BillingDbContext db, TenantScope tenant, InvoiceSignal signal, TimeProvider time)
{
    /// <summary>Code of an invoice that failed for another reason than its amounts.</summary>
    public const string FailedCode = "invoice_failed";

    /// <summary>The wait after a first failure; each further one doubles it, up to <see cref="MaxWait"/>.</summary>
    public static readonly Duration MinWait = Duration.FromSeconds(5);

    /// <summary>Also the wait of an invoice with too large amounts, which only a person can change.</summary>
    public static readonly Duration MaxWait = Duration.FromHours(1);

    public static void HoldTooLarge(SubscriptionRow row, Instant now)
    {
        row.HeldUntil = now + MaxWait;
        row.HeldCode = TooLarge.Code;
        row.HeldMessage = "A quantity or an amount is too large for an invoice. Void wrong events, or check the plan's prices.";
        row.HeldTries++;
    }

    public static void Release(SubscriptionRow row) =>
        (row.HeldUntil, row.HeldCode, row.HeldMessage, row.HeldTries) = (null, null, null, 0);

    /// <summary>Whether an exception may be one subscription's, rather than that of the database or of the org's lock.</summary>
    public static bool MayConcernOne(Exception exception) =>
        !RefusalMapping.TryGetRefusal(exception, out var refusal) || refusal.Kind != RefusalKind.Unavailable;

    /// <summary>Holds a subscription whose invoice failed; the reason shown names the kind of error, and the log has the rest.</summary>
    public Task HoldAsync(Guid subscription, Exception exception, CancellationToken ct)
    {
        var (org, now) = (tenant.RequireOrg(), time.GetCurrentInstant());
        var kind =
            exception is DbUpdateException { InnerException: PostgresException inner } ? $"database error {inner.SqlState}"
            : exception is PostgresException database ? $"database error {database.SqlState}"
            : exception.GetType().Name;
        var message =
            $"The invoice could not be made: {kind}. It is tried again by itself; if that does not help, it is an error of Polaris.";
        return db.InTransactionAsync(
            token =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    UPDATE subscriptions SET held_tries = held_tries + 1, held_code = {FailedCode}, held_message = {message},
                      held_until = {now} + least({MaxWait}, {MinWait} * power(2, least(held_tries, 20)))
                    WHERE org_id = {org} AND id = {subscription}
                    """,
                    token
                ),
            ct
        );
    }

    /// <summary>
    /// Subscriptions with a held invoice, ordered by the time of the next try; at most <see cref="Paging.MaxPage"/>.
    /// </summary>
    public Task<List<SubscriptionRow>> ListAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Subscriptions.AsNoTracking()
                    .Where(row => row.HeldCode != null)
                    .OrderBy(row => row.HeldUntil)
                    .ThenBy(row => row.Id)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token),
            ct
        );

    /// <summary>Has held invoices tried again now, and their waits start anew; returns the subscriptions.</summary>
    /// <param name="subscriptions">The subscriptions to retry; null for all of the org.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<SubscriptionRow>> RetryAsync(IReadOnlyCollection<Guid>? subscriptions, CancellationToken ct)
    {
        if (subscriptions?.Count > Paging.MaxPage)
            throw new RefusedException(Refusal.Invalid("subscriptionIds", "too_many", $"At most {Paging.MaxPage} ids per call."));
        var (now, ids) = (time.GetCurrentInstant(), subscriptions?.ToArray());
        var rows = await db.InTransactionAsync(
            async token =>
            {
                var held = await db
                    .Subscriptions.Where(row => row.HeldCode != null && (ids == null || ids.Contains(row.Id)))
                    .OrderBy(row => row.HeldUntil)
                    .ThenBy(row => row.Id)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token);
                foreach (var row in held)
                    (row.HeldUntil, row.HeldTries) = (now, 0);
                await db.SaveChangesAsync(token);
                return held;
            },
            ct
        );
        if (rows.Count > 0)
            signal.Wake();
        return rows;
    }
}
