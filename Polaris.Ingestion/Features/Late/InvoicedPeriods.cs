using Microsoft.Extensions.Caching.Memory;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Late;

/// <summary>
/// Which accepted events are late: older than the end of their customer's last invoiced period. It tells the client, and changes nothing else;
/// what it knows is what Billing's events told up to half a minute ago. A database that does not answer makes nothing late.
/// </summary>
internal sealed partial class InvoicedPeriods(NpgsqlDataSource database, ILogger<InvoicedPeriods> log) : IDisposable
{
    private const int MaxCachedOrgs = 10_000;
    private const int CommandTimeoutSeconds = 1;
    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(30);
    private static readonly IReadOnlySet<int> None = new HashSet<int>();

    /// <summary>The latest invoiced time of any customer of an org, in microseconds since the Unix epoch: nearly every event is newer, and that is all it takes.</summary>
    private readonly MemoryCache latest = new(new MemoryCacheOptions { SizeLimit = MaxCachedOrgs });

    /// <summary>The positions, among the events of an org, of those that are late.</summary>
    public async ValueTask<IReadOnlySet<int>> LateAsync(Guid org, IReadOnlyList<IncomingEvent> events, CancellationToken ct)
    {
        var before = latest.TryGetValue(org, out long known) ? known : await LatestAsync(org, ct);
        HashSet<string>? customers = null;
        foreach (var one in events)
        {
            if (one.TimestampUs < before) (customers ??= []).Add(one.Customer);
        }

        if (customers is null) return None;
        var through = await ReadAsync(org, customers, ct);
        return Enumerable.Range(0, events.Count).Where(i => through.TryGetValue(events[i].Customer, out var end) && events[i].TimestampUs < end).ToHashSet();
    }

    /// <summary>Billing has invoiced a customer's usage up to then.</summary>
    public async Task RecordAsync(Guid org, string customer, Instant through, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.RecordInvoiced, ct);
        await using var command = tx.Command("""
            INSERT INTO invoiced_periods AS p (org_id, customer_key, invoiced_through) VALUES ($1, $2, $3)
            ON CONFLICT (org_id, customer_key) DO UPDATE SET invoiced_through = greatest(p.invoiced_through, excluded.invoiced_through)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = customer });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = through });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
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
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            await using var reader = await command.ExecuteReaderAsync(ct);
            if (await reader.ReadAsync(ct) && !reader.IsDBNull(0)) before = Microseconds(reader.GetFieldValue<Instant>(0));
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
            await using var command = tx.Command("SELECT customer_key, invoiced_through FROM invoiced_periods WHERE org_id = $1 AND customer_key = ANY($2)");
            command.CommandTimeout = CommandTimeoutSeconds;
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. customers] });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) through.Add(reader.GetString(0), Microseconds(reader.GetFieldValue<Instant>(1)));
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            LogUnknown(exception);
        }

        return through;
    }

    private static long Microseconds(Instant at) => at.ToUnixTimeTicks() / 10;

    [LoggerMessage(Level = LogLevel.Information, Message = "Whether events are late could not be read; none is called late.")]
    private partial void LogUnknown(Exception exception);
}
