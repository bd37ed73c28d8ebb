using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Duration = NodaTime.Duration;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// Finds batches that Ingestion stored and Billing never applied, and applies them from the store, so that no usage is lost even if Kafka
/// loses everything. It pages through Ingestion's batches by time of receipt, up to <see cref="BillingOptions.LostBatchAge"/> before the
/// present, and stores the position up to which everything is applied. Batches of an org that cannot be served (its lock is held, or
/// applying them fails) are left and tried again: the search goes on for the others, and the stored position stays before what was left.
/// </summary>
internal sealed partial class RecoverLostBatches(
    NpgsqlDataSource database,
    ApplyFromStore store,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    IOptions<BillingOptions> options,
    TimeProvider time,
    ILogger<RecoverLostBatches> log
) : PeriodicJob
{
    private const int Page = 1_000;

    private static readonly Counter<long> Repaired = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.batches_recovered",
        "{batch}"
    );

    /// <summary>
    /// Maximum number of batches left for later, of orgs that cannot be served: with more of them the search waits for those orgs.
    /// </summary>
    private const int MaxLeft = 10_000;

    /// <summary>A batch that is missing and could not be applied, and the position before it, which the stored one does not pass.</summary>
    private sealed record Left(Guid Org, Guid Batch, Place Before);

    private readonly record struct Place(Instant ReceivedAt, Guid BatchId) : IComparable<Place>
    {
        public int CompareTo(Place other) => (ReceivedAt, BatchId).CompareTo((other.ReceivedAt, other.BatchId));
    }

    private readonly List<Left> left = [];

    /// <summary>How far this process has looked; before that only <see cref="left"/> is missing.</summary>
    private Place looked;

    /// <summary>A page a turn, up to the present.</summary>
    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await RetryLeftAsync(ct);
        return left.Count < MaxLeft && await RecoverPageAsync(ct) ? Immediately : options.Value.LostBatchInterval;
    }

    /// <summary>One batch of each org that was left shows whether the org can be served again; then the rest follow.</summary>
    private async Task RetryLeftAsync(CancellationToken ct)
    {
        if (left.Count == 0)
            return;
        var probes = left.GroupBy(batch => batch.Org).Select(org => (org.Key, org.First().Batch)).ToArray();
        var waiting = (await store.ApplyAsync(probes, ct)).Left.Select(id => id.Org).ToHashSet();
        var free = left.Where(batch => !waiting.Contains(batch.Org)).Select(batch => (batch.Org, batch.Batch)).Except(probes).ToArray();
        var still = (await store.ApplyAsync(free, ct)).Left.ToHashSet();
        left.RemoveAll(batch => !waiting.Contains(batch.Org) && !still.Contains((batch.Org, batch.Batch)));
        await MoveAsync(ct);
    }

    /// <summary>Checks one page of batches; true when there may be another.</summary>
    private async Task<bool> RecoverPageAsync(CancellationToken ct)
    {
        var stored = await PositionAsync(ct);
        if (looked.CompareTo(stored) < 0)
            looked = stored;
        var until = time.GetCurrentInstant() - Duration.FromTimeSpan(options.Value.LostBatchAge);
        var request = new ListBatchesRequest
        {
            ReceivedAfter = Timestamp.FromDateTime(looked.ReceivedAt.ToDateTimeUtc()),
            AfterBatchId = looked.BatchId.ToString(),
            ReceivedBefore = Timestamp.FromDateTime(until.ToDateTimeUtc()),
            Limit = Page,
        };
        var listed = (await ingestion.ListBatchesAsync(request, cancellationToken: ct)).Batches;
        var missing = await MissingAsync(listed, ct);
        if (missing.Length > 0)
        {
            using var span = PolarisTelemetry.Source.StartActivity("apply lost batches");
            var applied = await store.ApplyAsync(missing, ct);
            Keep(listed, [.. applied.Left]);
            if (missing.Length > applied.Left.Count)
            {
                Repaired.Add(missing.Length - applied.Left.Count);
                LogRecovered(missing.Length - applied.Left.Count, applied.Events);
            }
        }

        // A partial page is the last one: everything received before is applied or left.
        looked = listed.Count == Page ? PlaceOf(listed[^1]) : new Place(until, Guid.Empty);
        await MoveAsync(ct);
        return listed.Count == Page;
    }

    private void Keep(IReadOnlyList<BatchHeader> listed, HashSet<(Guid, Guid)> waiting)
    {
        var before = looked;
        foreach (var header in listed)
        {
            var id = (Guid.Parse(header.OrgId), Batch: Guid.Parse(header.BatchId));
            if (waiting.Contains(id))
                left.Add(new Left(id.Item1, id.Batch, before));
            before = PlaceOf(header);
        }
    }

    private static Place PlaceOf(BatchHeader header) =>
        new(Instant.FromDateTimeOffset(header.ReceivedAt.ToDateTimeOffset()), Guid.Parse(header.BatchId));

    private async Task<Place> PositionAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand("SELECT received_at, batch_id FROM recovery_position WHERE id = 1");
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new Place(reader.GetFieldValue<Instant>(0), reader.GetGuid(1))
            : new Place(NodaConstants.UnixEpoch, Guid.Empty);
    }

    private async Task<(Guid Org, Guid Batch)[]> MissingAsync(IEnumerable<BatchHeader> listed, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RecoverLostBatches, ct);
        var ids = listed.Select(header => (Org: Guid.Parse(header.OrgId), Batch: Guid.Parse(header.BatchId))).ToArray();
        var applied = await AppliedBatches.AmongAsync(tx, ids, ct);
        return [.. ids.Where(id => !applied.Contains(id))];
    }

    /// <summary>Stores how far everything is applied: not past a batch that was left.</summary>
    private async Task MoveAsync(CancellationToken ct)
    {
        var verified = left.Count == 0 ? looked : left.Min(batch => batch.Before);
        await using var command = database.CreateCommand(
            """
            INSERT INTO recovery_position AS p (id, received_at, batch_id, compacted_before)
            VALUES (1, $1, $2, '00000000-0000-0000-0000-000000000000')
            ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at, batch_id = excluded.batch_id
            WHERE (p.received_at, p.batch_id) < (excluded.received_at, excluded.batch_id)
            """
        );
        command.Bind(verified.ReceivedAt).Bind(verified.BatchId);
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Batches} batches were not delivered by Kafka; {Events} events were counted from Ingestion's store."
    )]
    private partial void LogRecovered(int batches, int events);
}
