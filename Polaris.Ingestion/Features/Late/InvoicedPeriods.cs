using Microsoft.Extensions.Caching.Memory;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Late;

/// <summary>Billing has invoiced a customer's usage up to a time.</summary>
internal sealed record InvoicedPeriod(Guid Org, string Customer, Instant Through);

/// <summary>
/// Which accepted events are late: older than the end of their customer's last invoiced period. It informs the client and changes nothing
/// else. The data is up to half a minute behind Billing's events; when the database does not answer, no event is marked late.
/// </summary>
internal sealed partial class InvoicedPeriods(NpgsqlDataSource database, ILogger<InvoicedPeriods> log) : IDisposable
{
    private const int MaxCachedOrgs = 10_000;
    private const int CommandTimeoutSeconds = 1;
    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(30);
    private static readonly IReadOnlySet<int> None = new HashSet<int>();

    /// <summary>
    /// The end of the latest invoiced period of any customer, per org, in microseconds since the Unix epoch: most events are newer.
    /// </summary>
    private readonly MemoryCache latest = new(new MemoryCacheOptions { SizeLimit = MaxCachedOrgs });

    /// <summary>The indexes of the late events.</summary>
    public async ValueTask<IReadOnlySet<int>> LateAsync(Guid org, IReadOnlyList<IncomingEvent> events, CancellationToken ct)
    {
        var before = latest.TryGetValue(org, out long known) ? known : await LatestAsync(org, ct);
        HashSet<string>? customers = null;
        foreach (var incoming in events)
        {
            if (incoming.TimestampUs < before)
                (customers ??= []).Add(incoming.Customer);
        }

        if (customers is null)
            return None;
        var through = await ReadAsync(org, customers, ct);
        return Enumerable
            .Range(0, events.Count)
            .Where(i => through.TryGetValue(events[i].Customer, out var end) && events[i].TimestampUs < end)
            .ToHashSet();
    }

    /// <summary>Records what Billing has invoiced, in one statement, in the order of the primary key.</summary>
    public async Task RecordAsync(IReadOnlyList<InvoicedPeriod> invoiced, CancellationToken ct)
    {
        var rows = invoiced
            .GroupBy(one => (one.Org, one.Customer))
            .Select(of => new InvoicedPeriod(of.Key.Org, of.Key.Customer, of.Max(one => one.Through)))
            .OrderBy(row => row.Org)
            .ThenBy(row => row.Customer, StringComparer.Ordinal)
            .ToArray();
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RecordInvoiced, ct);
        await using var command = tx.Command(
            """
            INSERT INTO invoiced_periods AS p (org_id, customer_key, invoiced_through)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
            ON CONFLICT (org_id, customer_key) DO UPDATE SET invoiced_through = greatest(p.invoiced_through, excluded.invoiced_through)
            """
        );
        command.BindColumn(rows, row => row.Org).BindColumn(rows, row => row.Customer).BindColumn(rows, row => row.Through);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        foreach (var org in rows.Select(row => row.Org).Distinct())
            latest.Remove(org);
    }

    public void Dispose() => latest.Dispose();

    private async Task<long> LatestAsync(Guid org, CancellationToken ct)
    {
        var before = long.MinValue;
        try
        {
            await using var tx = await database.BeginOrgAsync(org, ct);
            await using var command = tx.Command("SELECT max(invoiced_through) FROM invoiced_periods WHERE org_id = $1");
            command.CommandTimeout = CommandTimeoutSeconds;
            command.Bind(org);
            await using var reader = await command.ExecuteReaderAsync(ct);
            if (await reader.ReadAsync(ct) && !reader.IsDBNull(0))
                before = Microseconds(reader.GetFieldValue<Instant>(0));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            LogUnknown(exception);
        }

        return latest.Set(org, before, new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = CachedFor, Size = 1 });
    }

    private async Task<Dictionary<string, long>> ReadAsync(Guid org, HashSet<string> customers, CancellationToken ct)
    {
        var through = new Dictionary<string, long>();
        try
        {
            await using var tx = await database.BeginOrgAsync(org, ct);
            await using var command = tx.Command(
                "SELECT customer_key, invoiced_through FROM invoiced_periods WHERE org_id = $1 AND customer_key = ANY($2)"
            );
            command.CommandTimeout = CommandTimeoutSeconds;
            command.Bind(org).Bind<string[]>([.. customers]);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                through.Add(reader.GetString(0), Microseconds(reader.GetFieldValue<Instant>(1)));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            LogUnknown(exception);
        }

        return through;
    }

    private static long Microseconds(Instant at) => at.ToUnixTimeTicks() / 10;

    [LoggerMessage(Level = LogLevel.Information, Message = "Invoiced periods could not be read; no event is marked late.")]
    private partial void LogUnknown(Exception exception);
}
