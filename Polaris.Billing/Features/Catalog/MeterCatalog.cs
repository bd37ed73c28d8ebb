using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Rebuilding;
using Polaris.Billing.Persistence;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Catalog;

/// <summary>
/// The meters that Billing applies, copied from Plans. A meter is registered under the org's exclusive lock, so every batch applied earlier
/// was counted without it and every later one with it; <see cref="FillMeters"/> counts the earlier ones.
/// </summary>
internal sealed class MeterCatalog(NpgsqlDataSource database, Plans.V1.Plans.PlansClient plans, TimeProvider time)
{
    /// <summary>Minimum interval between two syncs of an org that sends events.</summary>
    public static readonly TimeSpan SyncEvery = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Bound of the queue of orgs to sync. When it is full the oldest entry is dropped; the org's next event enqueues it again.
    /// </summary>
    public const int QueueCapacity = 10_000;

    /// <summary>Deadline of a question to Plans about meters or plan versions, which a healthy one answers within milliseconds.</summary>
    public static readonly TimeSpan PlansDeadline = TimeSpan.FromSeconds(3);

    private const int RememberedOrgs = 100_000;

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> synced = new();

    public Channel<Guid> Queue { get; } =
        Channel.CreateBounded<Guid>(new BoundedChannelOptions(QueueCapacity) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Signalled when an org is enqueued.</summary>
    public WakeSignal Queued { get; } = new();

    /// <summary>Signalled when a meter may need filling.</summary>
    public WakeSignal Unfilled { get; } = new();

    /// <summary>Enqueues an org that has new events. Never blocks.</summary>
    public void Seen(Guid org)
    {
        var now = time.GetUtcNow();
        if (synced.TryGetValue(org, out var at) && now - at < SyncEvery)
            return;
        if (synced.Count > RememberedOrgs)
            synced.Clear();
        synced[org] = now;
        Queue.Writer.TryWrite(org);
        Queued.Wake();
    }

    /// <summary>Registers the org's new meters. Returns all of its meters by key.</summary>
    /// <param name="org">The org.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="wait">Maximum wait for the org's lock.</param>
    /// <exception cref="RpcException">Plans cannot be reached.</exception>
    /// <exception cref="RefusedException">The org's lock was not free within the wait.</exception>
    public async Task<IReadOnlyDictionary<string, MeterDefinition>> SyncAsync(Guid org, CancellationToken ct, TimeSpan? wait = null)
    {
        var deadline = (time.GetUtcNow() + PlansDeadline).UtcDateTime;
        var listed = await plans.ListMetersAsync(new ListMetersRequest { OrgId = org.ToString() }, null, deadline, ct);
        var known = await ReadOrgAsync(org, ct);
        if (listed.Meters.Any(meter => !known.ContainsKey(meter.Key)))
        {
            await RegisterAsync(org, listed.Meters.Where(meter => !known.ContainsKey(meter.Key)), wait, ct);
            Unfilled.Wake();
            known = await ReadOrgAsync(org, ct);
        }

        return known;
    }

    /// <summary>Returns the meter, syncing with Plans when it is not registered yet; null when the org has no such meter.</summary>
    public async Task<MeterDefinition?> FindAsync(Guid org, string key, CancellationToken ct) =>
        (await ReadOrgAsync(org, ct)).GetValueOrDefault(key) ?? (await SyncAsync(org, ct)).GetValueOrDefault(key);

    public async Task<IReadOnlyDictionary<string, MeterDefinition>> ReadOrgAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        return (await ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []).ToDictionary(meter => meter.Key);
    }

    /// <summary>Registered meters by org, as visible in the transaction.</summary>
    public static async Task<IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>>> ReadAsync(
        ScopedTransaction tx,
        Guid[] orgs,
        CancellationToken ct
    )
    {
        await using var command = tx.Command("SELECT org_id, message FROM meters WHERE org_id = ANY($1)");
        command.Bind(orgs);
        var meters = new Dictionary<Guid, List<MeterDefinition>>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var org = reader.GetGuid(0);
            if (!meters.TryGetValue(org, out var list))
                meters.Add(org, list = []);
            list.Add(ToDefinition(Meter.Parser.ParseFrom(reader.GetFieldValue<byte[]>(1))));
        }

        return meters.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<MeterDefinition>)pair.Value);
    }

    private async Task RegisterAsync(Guid org, IEnumerable<Meter> fresh, TimeSpan? wait, CancellationToken ct)
    {
        using var span = PolarisTelemetry.Source.StartActivity("register meters");
        span.SetOrgs(org);
        await using var tx = await database.BeginOrgAsync(org, ct);
        await OrgLock.TakeExclusiveAsync(tx, org, ct, wait);
        var rows = fresh.ToArray();
        await using (var command = tx.Command("INSERT INTO orgs (org_id, next_invoice_number) VALUES ($1, 1) ON CONFLICT DO NOTHING"))
        {
            command.Bind(org);
            await command.ExecuteNonQueryAsync(ct);
        }

        await using (
            var command = tx.Command(
                """
                INSERT INTO meters (org_id, id, key, message, filled)
                SELECT $1, m.id, m.key, m.message, NOT EXISTS (SELECT 1 FROM usage_buckets b WHERE b.org_id = $1)
                FROM unnest($2::uuid[], $3::text[], $4::bytea[]) m(id, key, message) ON CONFLICT DO NOTHING
                """
            )
        )
        {
            command
                .Bind(org)
                .BindColumn(rows, row => Guid.Parse(row.Id))
                .BindColumn(rows, row => row.Key)
                .BindColumn(rows, row => row.ToByteArray());
            await command.ExecuteNonQueryAsync(ct);
        }

        await tx.CommitAsync(ct);
    }

    internal static MeterDefinition ToDefinition(Meter meter) =>
        new(
            Guid.Parse(meter.Id),
            meter.Key,
            meter.EventType,
            (MeterAggregation)(int)meter.Aggregation,
            meter.Property,
            [.. meter.Filters.Select(filter => new Domain.MeterFilter(filter.Property, filter.Equals_))],
            [.. meter.Dimensions],
            meter.EventFee is { } fee
                ? new Domain.EventFee(
                    ExactDecimal.Parse(fee.Percent),
                    Optional(fee.Fixed) ?? 0,
                    Optional(fee.Minimum),
                    Optional(fee.Maximum)
                )
                : null
        );

    private static decimal? Optional(string text) => text.Length == 0 ? null : ExactDecimal.Parse(text);
}

/// <summary>Syncs meters of orgs that send events, outside the consumer's path.</summary>
internal sealed partial class SyncMeters(MeterCatalog catalog, ILogger<SyncMeters> log) : PeriodicJob
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMinutes(1);

    public override WakeSignal Signal => catalog.Queued;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        while (catalog.Queue.Reader.TryRead(out var org))
        {
            try
            {
                await catalog.SyncAsync(org, ct, OrgLock.WorkerWait);
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException or RefusedException)
            {
                // Nothing is lost: the org's next event enqueues it again, and filling counts the events in between.
                LogSyncFailed(exception, org);
            }
        }

        return PollInterval;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Could not register meters of org {OrgId} from Plans; registered meters stay in use."
    )]
    private partial void LogSyncFailed(Exception exception, Guid orgId);
}
