using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.Billing.Features.Thresholds;

/// <summary>Thresholds of the org, and what crossed them.</summary>
internal sealed class ReadThresholds(BillingDbContext db)
{
    /// <summary>Ordered by key; at most <see cref="Paging.MaxPage"/>.</summary>
    /// <param name="archived">Whether to include archived ones.</param>
    /// <param name="ct">Cancels.</param>
    public Task<List<ThresholdRow>> ListAsync(bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Thresholds.AsNoTracking()
                    .Where(row => archived || row.ArchivedAt == null)
                    .OrderBy(row => row.Key)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token),
            ct
        );

    /// <summary>Crossings with their thresholds, latest first.</summary>
    /// <param name="customer">Only this customer's; null for all.</param>
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor (event id) of the previous page's last crossing; null for the first page.</param>
    /// <param name="ct">Cancels.</param>
    public Task<Page<(ThresholdCrossingRow Crossing, ThresholdRow Threshold)>> CrossingsAsync(
        string? customer,
        int first,
        string? after,
        CancellationToken ct
    )
    {
        Paging.Check(first);
        var cursor = Cursors.Id(after);
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.ThresholdCrossings.AsNoTracking();
                if (customer is not null)
                    matching = matching.Where(row => row.CustomerKey == customer);
                var total = await matching.CountAsync(token);
                if (cursor is { } id)
                    matching = matching.Where(row => row.EventId.CompareTo(id) < 0);
                var rows = await matching
                    .OrderByDescending(row => row.EventId)
                    .Take(first + 1)
                    .Join(db.Thresholds, row => row.ThresholdId, threshold => threshold.Id, (row, threshold) => new { row, threshold })
                    .OrderByDescending(pair => pair.row.EventId)
                    .ToListAsync(token);
                return Paging.ToPage(
                    rows.Select(pair => (pair.row, pair.threshold)).ToList(),
                    first,
                    total,
                    pair => pair.row.EventId.ToString()
                );
            },
            ct
        );
    }
}
