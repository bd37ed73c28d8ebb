using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Paging;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Billing.Features.Orgs;

/// <summary>A subscription and its org's time, which determines its status.</summary>
internal sealed record TimedSubscription(SubscriptionRow Row, Instant Now);

/// <summary>
/// Lists and objects of several orgs, for batches of the graph: a fixed number of statements, whatever the number of orgs and keys. In the
/// scope of several orgs only.
/// </summary>
internal sealed class ReadOfOrgs(BillingDbContext db, TimeProvider time)
{
    /// <inheritdoc cref="ReadInvoices.PageAsync"/>
    public Task<IReadOnlyDictionary<Owner, Page<InvoiceRow>>> InvoicesAsync(
        IReadOnlyList<Owner> owners,
        int first,
        string? after,
        string? customer,
        string? status,
        CancellationToken ct
    )
    {
        Paging.Check(first);
        var pages = new OwnedPages("invoices", "sequence", newestFirst: true).After(ReadInvoices.Cursor(after));
        if (customer is not null)
            pages.Where("t.customer_key = {0}", customer);
        if (status is not null)
            pages.Where("t.status = {0}", status);
        return PagesAsync(
            pages,
            owners,
            first,
            (ids, token) => ReadInvoices.WithParts(db.OfOrgs<InvoiceRow>().Where(row => ids.Contains(row.Id))).ToListAsync(token),
            row => row.Id,
            row => row.Sequence.ToString(CultureInfo.InvariantCulture),
            ct
        );
    }

    /// <inheritdoc cref="Customers.ReadCustomers.PageAsync"/>
    public Task<IReadOnlyDictionary<Owner, Page<CustomerRow>>> CustomersAsync(
        IReadOnlyList<Owner> owners,
        int first,
        string? after,
        string? search,
        bool archived,
        CancellationToken ct
    )
    {
        Paging.Check(first);
        var pages = new OwnedPages("customers", "key", newestFirst: false).After(Cursors.Key(after));
        if (!archived)
            pages.Where("t.archived_at IS NULL");
        if (!string.IsNullOrEmpty(search))
            pages.Where(@"(t.key ILIKE {0} ESCAPE '\' OR t.name ILIKE {0} ESCAPE '\')", LikePattern.Containing(search));
        return PagesAsync(
            pages,
            owners,
            first,
            (ids, token) => db.OfOrgs<CustomerRow>().Where(row => ids.Contains(row.Id)).ToListAsync(token),
            row => row.Id,
            row => row.Key,
            ct
        );
    }

    /// <inheritdoc cref="Customers.ReadCustomers.SubscriptionsAsync"/>
    public async Task<IReadOnlyDictionary<Owner, (Page<SubscriptionRow> Page, Instant Now)>> SubscriptionsAsync(
        IReadOnlyList<Owner> owners,
        int first,
        string? after,
        string? customer,
        CancellationToken ct
    )
    {
        Paging.Check(first);
        var pages = new OwnedPages("subscriptions", "id", newestFirst: false).After(Cursors.Id(after));
        if (customer is not null)
            pages.Where("t.customer_key = {0}", customer);
        var found = await PagesAsync(
            pages,
            owners,
            first,
            (ids, token) => db.OfOrgs<SubscriptionRow>().Where(row => ids.Contains(row.Id)).ToListAsync(token),
            row => row.Id,
            row => row.Id.ToString(),
            ct
        );
        var clocks = await db.InTransactionAsync(ClocksAsync, ct);
        return found.ToDictionary(pair => pair.Key, pair => (pair.Value, NowOf(clocks, pair.Key.Org)));
    }

    public Task<IReadOnlyDictionary<(Guid Org, string Key), CustomerRow>> CustomersByKeyAsync(
        IReadOnlyList<(Guid Org, string Key)> keys,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                string[] wanted = [.. keys.Select(key => key.Key).Distinct()];
                var rows = await db.OfOrgs<CustomerRow>().Where(row => wanted.Contains(row.Key)).ToListAsync(token);
                return (IReadOnlyDictionary<(Guid, string), CustomerRow>)rows.ToDictionary(row => (row.OrgId, row.Key));
            },
            ct
        );

    public Task<IReadOnlyDictionary<(Guid Org, Guid Id), TimedSubscription>> SubscriptionsByIdAsync(
        IReadOnlyList<(Guid Org, Guid Id)> keys,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                Guid[] wanted = [.. keys.Select(key => key.Id).Distinct()];
                var rows = await db.OfOrgs<SubscriptionRow>().Where(row => wanted.Contains(row.Id)).ToListAsync(token);
                var clocks = await ClocksAsync(token);
                return (IReadOnlyDictionary<(Guid, Guid), TimedSubscription>)
                    rows.ToDictionary(row => (row.OrgId, row.Id), row => new TimedSubscription(row, NowOf(clocks, row.OrgId)));
            },
            ct
        );

    private Task<IReadOnlyDictionary<Owner, Page<TRow>>> PagesAsync<TRow>(
        OwnedPages pages,
        IReadOnlyList<Owner> owners,
        int first,
        Func<Guid[], CancellationToken, Task<List<TRow>>> load,
        Func<TRow, Guid> idOf,
        Func<TRow, string> cursor,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var found = await pages.ReadAsync(db.BorrowTransaction(), owners, first, token);
                Guid[] ids = [.. found.Values.SelectMany(page => page.Ids)];
                var rows = ids.Length == 0 ? [] : (await load(ids, token)).ToDictionary(idOf);
                return (IReadOnlyDictionary<Owner, Page<TRow>>)
                    found.ToDictionary(
                        page => page.Key,
                        page => Paging.ToPage([.. page.Value.Ids.Select(id => rows[id])], first, page.Value.Total, cursor)
                    );
            },
            ct
        );

    /// <summary>The test clocks of the orgs that have one.</summary>
    private Task<Dictionary<Guid, Instant>> ClocksAsync(CancellationToken ct) =>
        db.OfOrgs<OrgRow>().Where(row => row.FrozenAt != null).ToDictionaryAsync(row => row.OrgId, row => row.FrozenAt!.Value, ct);

    private Instant NowOf(Dictionary<Guid, Instant> clocks, Guid org) =>
        clocks.TryGetValue(org, out var frozen) ? frozen : time.GetCurrentInstant();
}
