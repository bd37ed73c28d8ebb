using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Meters;

/// <summary>
/// The meters that Billing applies, copied from Plans. A meter is registered under the org's lock taken alone, so every batch applied
/// before it lacks the meter and every later one has it; <see cref="FillMeters"/> counts the earlier ones.
/// </summary>
internal sealed class MeterCatalog(NpgsqlDataSource database, Plans.V1.Plans.PlansClient plans, TimeProvider time)
{
    /// <summary>An org that sends events is asked for new meters at most this often.</summary>
    public static readonly TimeSpan SyncEvery = TimeSpan.FromSeconds(1);

    /// <summary>Orgs that wait for a sync; more than this and the eldest wait is dropped, to come again with the org's next event.</summary>
    public const int QueueCapacity = 10_000;

    private const int RememberedOrgs = 100_000;

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> synced = new();

    public Channel<Guid> Queue { get; } = Channel.CreateBounded<Guid>(new BoundedChannelOptions(QueueCapacity) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Signalled when a meter may need filling.</summary>
    public Channel<Guid> Unfilled { get; } = Channel.CreateBounded<Guid>(new BoundedChannelOptions(QueueCapacity) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Notes that an org has new events. Never waits.</summary>
    public void Seen(Guid org)
    {
        var now = time.GetUtcNow();
        if (synced.TryGetValue(org, out var at) && now - at < SyncEvery) return;
        if (synced.Count > RememberedOrgs) synced.Clear();
        synced[org] = now;
        Queue.Writer.TryWrite(org);
    }

    /// <summary>Registers the org's meters that are new. Returns all of them by key.</summary>
    /// <exception cref="RpcException">Plans cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<string, MeterDefinition>> SyncAsync(Guid org, CancellationToken ct)
    {
        var listed = await plans.ListMetersAsync(new ListMetersRequest { OrgId = org.ToString() }, cancellationToken: ct);
        var known = await ReadOrgAsync(org, ct);
        if (listed.Meters.Any(meter => !known.ContainsKey(meter.Key)))
        {
            await RegisterAsync(org, listed.Meters.Where(meter => !known.ContainsKey(meter.Key)), ct);
            Unfilled.Writer.TryWrite(org);
            known = await ReadOrgAsync(org, ct);
        }

        return known;
    }

    /// <summary>The registered meter, asking Plans when it is not registered yet; null when the org has none of that key.</summary>
    public async Task<MeterDefinition?> FindAsync(Guid org, string key, CancellationToken ct) =>
        (await ReadOrgAsync(org, ct)).GetValueOrDefault(key) ?? (await SyncAsync(org, ct)).GetValueOrDefault(key);

    public async Task<IReadOnlyDictionary<string, MeterDefinition>> ReadOrgAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        return (await ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []).ToDictionary(meter => meter.Key);
    }

    /// <summary>Registered meters by org, as the transaction sees them.</summary>
    public static async Task<IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>>> ReadAsync(ScopedTransaction tx, Guid[] orgs, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT org_id, message FROM meters WHERE org_id = ANY($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = orgs });
        var meters = new Dictionary<Guid, List<MeterDefinition>>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var org = reader.GetGuid(0);
            if (!meters.TryGetValue(org, out var list)) meters.Add(org, list = []);
            list.Add(ToDefinition(Meter.Parser.ParseFrom(reader.GetFieldValue<byte[]>(1))));
        }

        return meters.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<MeterDefinition>)pair.Value);
    }

    private async Task RegisterAsync(Guid org, IEnumerable<Meter> fresh, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await UsageSql.LockOrgAloneAsync(tx, org, ct);
        var rows = fresh.ToArray();
        await using (var command = tx.Command("INSERT INTO orgs (org_id, next_invoice_number) VALUES ($1, 1) ON CONFLICT DO NOTHING"))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            await command.ExecuteNonQueryAsync(ct);
        }

        await using (var command = tx.Command("""
            INSERT INTO meters (org_id, id, key, message, filled)
            SELECT $1, m.id, m.key, m.message, NOT EXISTS (SELECT 1 FROM usage_buckets b WHERE b.org_id = $1)
            FROM unnest($2::uuid[], $3::text[], $4::bytea[]) m(id, key, message) ON CONFLICT DO NOTHING
            """))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            UsageSql.Array(command, rows, row => Guid.Parse(row.Id));
            UsageSql.Array(command, rows, row => row.Key);
            UsageSql.Array(command, rows, row => row.ToByteArray());
            await command.ExecuteNonQueryAsync(ct);
        }

        await tx.CommitAsync(ct);
    }

    internal static MeterDefinition ToDefinition(Meter meter) => new(
        Guid.Parse(meter.Id), meter.Key, meter.EventType, (Domain.Aggregation)(int)meter.Aggregation, meter.Property,
        [.. meter.Filters.Select(filter => new Domain.MeterFilter(filter.Property, filter.Equals_))], [.. meter.Dimensions]);
}

/// <summary>Asks Plans for the meters of orgs that send events, off the consumer's path.</summary>
internal sealed partial class SyncMeters(MeterCatalog catalog, ILogger<SyncMeters> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var org in catalog.Queue.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await catalog.SyncAsync(org, stoppingToken);
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException)
            {
                // Nothing is lost: the org's next event asks again, and filling counts what was missed meanwhile.
                LogSyncFailed(exception, org);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Meters of org {OrgId} could not be read from Plans; known ones stay in use.")]
    private partial void LogSyncFailed(Exception exception, Guid orgId);
}
