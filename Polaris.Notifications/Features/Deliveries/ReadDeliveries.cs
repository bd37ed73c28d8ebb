using Microsoft.EntityFrameworkCore;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>Which deliveries to list; null for all.</summary>
internal sealed record DeliveryFilter(Guid? Endpoint, string? Kind, string? Status, string? Channel);

/// <summary>A delivery with its latest attempts, newest first.</summary>
internal sealed record SeenDelivery(DeliveryRow Row, IReadOnlyList<AttemptRow> Attempts);

internal sealed record DeliveryPage(IReadOnlyList<SeenDelivery> Rows, string? EndCursor, bool HasNextPage);

/// <summary>The org's deliveries, newest first. Mails to one person, such as an invitation, are nobody else's to see.</summary>
internal sealed class ReadDeliveries(NotificationsDbContext db)
{
    public const int MaxPage = 200;

    /// <summary>Attempts shown of a delivery, the latest.</summary>
    public const int MaxAttempts = 50;

    public Task<DeliveryPage> PageAsync(DeliveryFilter filter, int first, string? after, CancellationToken ct)
    {
        CheckFirst(first);
        var cursor = Cursors.Id(after);
        return db.InTransactionAsync(
            async token =>
            {
                var matching = Shown();
                if (filter.Endpoint is { } endpoint)
                    matching = matching.Where(row => row.QueueId == endpoint);
                if (filter.Status is { } status)
                    matching = matching.Where(row => row.Status == status);
                if (filter.Kind is { } kind)
                    matching = matching.Where(row => row.Kind == kind);
                if (filter.Channel is { } channel)
                    matching = matching.Where(row => row.Channel == channel);
                if (cursor is { } id)
                    matching = matching.Where(row => row.Id.CompareTo(id) < 0);
                var rows = await matching.OrderByDescending(row => row.Id).Take(first + 1).ToListAsync(token);
                var more = rows.Count > first;
                if (more)
                    rows.RemoveAt(rows.Count - 1);
                return new DeliveryPage(await WithAttemptsAsync(rows, token), rows.Count == 0 ? null : rows[^1].Id.ToString(), more);
            },
            ct
        );
    }

    public Task<SeenDelivery?> FindAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token => (await WithAttemptsAsync(await Shown().Where(row => row.Id == id).ToListAsync(token), token)).SingleOrDefault(),
            ct
        );

    internal static void CheckFirst(int first)
    {
        if (first is < 1 or > MaxPage)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxPage}, not {first}."));
    }

    /// <summary>The same deliveries in the same order, each with its latest attempts.</summary>
    internal static async Task<IReadOnlyList<SeenDelivery>> WithAttemptsAsync(
        IQueryable<AttemptRow> allAttempts,
        IQueryable<DeliveryRow> allDeliveries,
        IReadOnlyList<DeliveryRow> rows,
        CancellationToken ct
    )
    {
        var ids = rows.Select(row => row.Id).ToArray();
        // The latest of each: their numbers end with the delivery's count.
        var attempts = await allAttempts
            .Where(row => ids.Contains(row.DeliveryId))
            .Join(
                allDeliveries,
                row => new { row.OrgId, Id = row.DeliveryId },
                delivery => new { delivery.OrgId, delivery.Id },
                (row, delivery) => new { Attempt = row, delivery.Attempts }
            )
            .Where(pair => pair.Attempt.Number > pair.Attempts - MaxAttempts)
            .Select(pair => pair.Attempt)
            .ToListAsync(ct);
        var of = attempts.ToLookup(row => row.DeliveryId);
        return [.. rows.Select(row => new SeenDelivery(row, [.. of[row.Id].OrderByDescending(attempt => attempt.Number)]))];
    }

    private IQueryable<DeliveryRow> Shown() => db.Deliveries.AsNoTracking().Where(row => !row.Kind.StartsWith("account."));

    private Task<IReadOnlyList<SeenDelivery>> WithAttemptsAsync(List<DeliveryRow> rows, CancellationToken ct) =>
        WithAttemptsAsync(db.Attempts.AsNoTracking(), db.Deliveries, rows, ct);
}
