using GraphQL;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Notifications.GraphQL;

[Name("Delivery")]
public sealed record DeliveryType([property: Id] Guid Id, string Kind, [property: Id] Guid? InvoiceId, string Recipient, string Subject, string Status, Instant CreatedAt);

[Name("Query")]
internal sealed class Query
{
    private const int MaxPage = 1_000;

    /// <summary>The latest deliveries, newest first.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<DeliveryType>> Deliveries([FromServices] NotificationsDbContext db, CancellationToken ct, int first = 50)
    {
        if (first is < 1 or > MaxPage) throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' is 1 to {MaxPage}, not {first}."));
        return await db.InTransactionAsync(token => db.Deliveries.AsNoTracking().OrderByDescending(row => row.CreatedAt).ThenByDescending(row => row.Id).Take(first)
            .Select(row => new DeliveryType(row.Id, row.Kind, row.InvoiceId, row.Recipient, row.Subject, row.Status, row.CreatedAt)).ToListAsync(token), ct);
    }
}
