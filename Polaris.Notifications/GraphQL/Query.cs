using GraphQL;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.GraphQL;

[Name("Delivery")]
public sealed record DeliveryType(
    [property: Id] Guid Id,
    string Kind,
    [property: Id] Guid? InvoiceId,
    string Recipient,
    string Subject,
    string Status,
    Instant CreatedAt
);

[Name("DeliveryDeadLetter")]
public sealed record DeliveryDeadLetterType(
    [property: Id] Guid Id,
    string Reason,
    string Source,
    int Bytes,
    Instant SeenAt,
    int Attempts,
    Instant? RetryAt
)
{
    internal static DeliveryDeadLetterType Of(RecordDeadLetter letter) =>
        new(letter.Id, letter.Reason, letter.Source, letter.Bytes, letter.SeenAt, letter.Attempts, letter.RetryAt);
}

[Name("DeliveryDeadLetterReplay")]
public sealed record DeliveryDeadLetterReplayType(int Replayed, int Resolved);

[Name("Mutation")]
internal sealed class Mutation
{
    /// <summary>Tries the given dead letters of deliveries again, or all.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeliveryDeadLetterReplayType> ReplayDeliveryDeadLetters(
        [FromServices] RetryRecordDeadLetters<ConsumeBillingEvents> retry,
        [FromServices] TenantScope tenant,
        [Id] Guid[]? ids,
        CancellationToken ct
    )
    {
        var (replayed, resolved) = await retry.ReplayAsync(tenant.RequireOrg(), ids, ct);
        return new DeliveryDeadLetterReplayType(replayed, resolved);
    }
}

[Name("Query")]
internal sealed class Query
{
    private const int MaxPage = 1_000;

    /// <summary>Billing events of the org that could not become a delivery, oldest first.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<DeliveryDeadLetterType>> DeliveryDeadLetters(
        [FromServices] RecordDeadLetters letters,
        [FromServices] TenantScope tenant,
        CancellationToken ct,
        int first = 50
    ) => (await letters.ListAsync(tenant.RequireOrg(), first, ct)).Select(DeliveryDeadLetterType.Of);

    /// <summary>The latest deliveries, newest first.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<DeliveryType>> Deliveries(
        [FromServices] NotificationsDbContext db,
        CancellationToken ct,
        int first = 50
    )
    {
        if (first is < 1 or > MaxPage)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxPage}, not {first}."));
        return await db.InTransactionAsync(
            token =>
                db.Deliveries.AsNoTracking()
                    .OrderByDescending(row => row.CreatedAt)
                    .ThenByDescending(row => row.Id)
                    .Take(first)
                    .Select(row => new DeliveryType(row.Id, row.Kind, row.InvoiceId, row.Recipient, row.Subject, row.Status, row.CreatedAt))
                    .ToListAsync(token),
            ct
        );
    }
}
