using System.Globalization;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Orgs;

/// <summary>Whose list it is: an org's, or that of one of its customers.</summary>
internal readonly record struct Owner(Guid Org, string? Customer = null);

/// <summary>The ids of a page, in its order, and the number of rows on all pages.</summary>
internal sealed record OwnedPage(List<Guid> Ids, int Total);

/// <summary>
/// The first rows of each owner's list, by two statements for any number of owners. Each org has a branch of its own, which reads as many
/// rows as the page has; a customer's list is short, and one window over all of them reads it. Both are forms that a sharded database runs
/// as well (docs/adr/0028).
/// </summary>
internal sealed class OwnedPages(string table, string order, bool newestFirst)
{
    private readonly List<object> values = [];
    private string matching = "";
    private string beyond = "";

    public OwnedPages Where(string condition)
    {
        matching += $" AND {condition}";
        return this;
    }

    /// <param name="condition">Where <c>{0}</c> is the value.</param>
    /// <param name="value">A text or an enumeration's stored name.</param>
    public OwnedPages Where(string condition, object value)
    {
        matching += " AND " + Named(condition, value);
        return this;
    }

    /// <summary>Only rows behind a cursor.</summary>
    public OwnedPages After(object? cursor)
    {
        if (cursor is not null)
            beyond = " AND " + Named($"t.{order} {(newestFirst ? '<' : '>')} {{0}}", cursor);
        return this;
    }

    /// <param name="tx">It sees the orgs.</param>
    /// <param name="owners">All with, or all without, a customer.</param>
    /// <param name="first">The page size; one row more is read, when there is one.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Dictionary<Owner, OwnedPage>> ReadAsync(
        ScopedTransaction tx,
        IReadOnlyList<Owner> owners,
        int first,
        CancellationToken ct
    )
    {
        var pages = owners.ToDictionary(owner => owner, _ => new OwnedPage([], 0));
        if (owners.Count == 0)
            return pages;
        var customers = owners[0].Customer is not null;
        await using (var command = Command(tx, customers ? OfCustomers(CountOfEach) : OfOrgs(CountOfEach), owners))
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                var owner = OwnerOf(reader);
                pages[owner] = pages[owner] with { Total = checked((int)reader.GetInt64(2)) };
            }
        }

        await using (var command = Command(tx, customers ? FirstOfCustomers(first) : FirstOfOrgs(owners.Count, first), owners))
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
                pages[OwnerOf(reader)].Ids.Add(reader.GetGuid(2));
        }

        return pages;
    }

    private const string CountOfEach = "count(*)";

    private string Descending => newestFirst ? " DESC" : "";

    private int Next => values.Count + 1;

    private string OfOrgs(string what) =>
        $"SELECT t.org_id, NULL::text, {what} FROM {table} t WHERE t.org_id = ANY(${Next}){matching} GROUP BY t.org_id";

    private string OfCustomers(string what) =>
        $"SELECT t.org_id, t.customer_key, {what} FROM {Joined} WHERE t.org_id = ANY(${Next}){matching} GROUP BY t.org_id, t.customer_key";

    /// <summary>Of <paramref name="orgs"/> branches, each ends after the rows of its page.</summary>
    private string FirstOfOrgs(int orgs, int first) =>
        $"SELECT org_id, NULL::text, id FROM ({string.Join(
            " UNION ALL ",
            Enumerable
                .Range(1, orgs)
                .Select(i =>
                    $"(SELECT t.org_id, t.id, t.{order} AS place FROM {table} t "
                    + $"WHERE t.org_id = (${Next}::uuid[])[{i}]{matching}{beyond} ORDER BY t.{order}{Descending} LIMIT {first + 1})"
                )
        )}) page ORDER BY place{Descending}";

    private string FirstOfCustomers(int first) =>
        $"""
            SELECT org_id, customer_key, id FROM (
              SELECT t.org_id, t.customer_key, t.id,
                row_number() OVER (PARTITION BY t.org_id, t.customer_key ORDER BY t.{order}{Descending}) AS place
              FROM {Joined} WHERE t.org_id = ANY(${Next}){matching}{beyond}) page
            WHERE place <= {first + 1} ORDER BY place
            """;

    private string Joined =>
        $"{table} t JOIN unnest(${Next}::uuid[], ${Next + 1}::text[]) o(org_id, customer_key) "
        + "ON o.org_id = t.org_id AND o.customer_key = t.customer_key";

    private NpgsqlCommand Command(ScopedTransaction tx, string sql, IReadOnlyList<Owner> owners)
    {
        var command = tx.Command(sql);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        command.BindColumn(owners, owner => owner.Org);
        if (owners[0].Customer is not null)
            command.BindColumn(owners, owner => owner.Customer!);
        return command;
    }

    private string Named(string condition, object value)
    {
        values.Add(value);
        return string.Format(CultureInfo.InvariantCulture, condition, $"${values.Count}");
    }

    private static Owner OwnerOf(NpgsqlDataReader reader) => new(reader.GetGuid(0), reader.IsDBNull(1) ? null : reader.GetString(1));
}
