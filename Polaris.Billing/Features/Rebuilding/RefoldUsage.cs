using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Rebuilding;

/// <summary>The aggregates to rebuild: of one customer or all (null), of the buckets in [From, To).</summary>
internal sealed record RefoldScope(Guid Org, string? Customer, IReadOnlyList<MeterDefinition> Meters, Instant From, Instant To);

/// <summary>
/// Replaces aggregates by the fold of stored events: exactly those whose batch is recorded as applied and that no applied correction voids
/// or replaces. The events are fetched and folded before the org's exclusive lock is taken, from a snapshot. Under the lock the result is
/// written if nothing was applied to these buckets since the snapshot; later batches add to it. A bucket in constant use may change each
/// time: after <see cref="Attempts"/> tries its events are fetched under the lock, within <see cref="LockedDeadline"/>.
/// </summary>
internal static class RefoldUsage
{
    /// <summary>Batches are looked up together in groups of this size, in bytes.</summary>
    private const int PageBytes = 4 * 1024 * 1024;

    private const int Attempts = 3;

    /// <summary>Deadline for fetching the events of a scope; the org's usage is counted meanwhile.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <summary>Deadline for fetching under the org's lock; the org's usage waits meanwhile, other orgs' does not.</summary>
    public static readonly TimeSpan LockedDeadline = TimeSpan.FromSeconds(20);

    /// <summary>What the fold depends on: the applied events of the buckets, corrections of the folded batches, and the scope.</summary>
    private sealed record State(long Events, decimal Digest, long Corrections, string Scope);

    private sealed record Folded(FoldUsage Fold, Guid[] Batches);

    /// <summary>Rebuilds a scope in a transaction of its own; false when there is nothing to rebuild any more.</summary>
    /// <param name="database">The database.</param>
    /// <param name="ingestion">The store of events.</param>
    /// <param name="org">The org.</param>
    /// <param name="scopeOf">What to rebuild, as visible in the transaction; null when nothing is left.</param>
    /// <param name="finish">Called in the transaction that replaced the aggregates, before its commit.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ServiceDefaults.Errors.RefusedException">The org's lock was not free.</exception>
    /// <exception cref="RpcException">Ingestion is unavailable or did not deliver within the deadline.</exception>
    public static async Task<bool> RunAsync(
        NpgsqlDataSource database,
        Ingestion.V1.Ingestion.IngestionClient ingestion,
        Guid org,
        Func<ScopedTransaction, Task<RefoldScope?>> scopeOf,
        Func<ScopedTransaction, RefoldScope, Task> finish,
        CancellationToken ct
    )
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            RefoldScope? scope;
            Folded folded;
            State before;
            await using (var snapshot = await database.BeginSnapshotAsync(org, ct))
            {
                scope = await scopeOf(snapshot);
                if (scope is null)
                    return false;
                folded = await FoldAsync(snapshot, ingestion, scope, Deadline, ct);
                before = await StateAsync(snapshot, scope, folded.Batches, ct);
            }

            await using var tx = await database.BeginOrgAsync(org, ct);
            await OrgLock.TakeExclusiveAsync(tx, org, ct, OrgLock.WorkerWait);
            if (await scopeOf(tx) is not { } now)
                return false;
            if (await StateAsync(tx, now, folded.Batches, ct) != before)
                continue;
            await ReplaceAsync(tx, scope, folded.Fold, ct);
            await finish(tx, scope);
            await tx.CommitAsync(ct);
            return true;
        }

        await using (var tx = await database.BeginOrgAsync(org, ct))
        {
            await OrgLock.TakeExclusiveAsync(tx, org, ct, OrgLock.WorkerWait);
            if (await scopeOf(tx) is not { } scope)
                return false;
            await ReplaceAsync(tx, scope, (await FoldAsync(tx, ingestion, scope, LockedDeadline, ct)).Fold, ct);
            await finish(tx, scope);
            await tx.CommitAsync(ct);
            return true;
        }
    }

    /// <summary>Computes the aggregates from stored events, as of what the transaction sees as applied.</summary>
    public static async Task<FoldUsage> FoldAsync(
        ScopedTransaction tx,
        Ingestion.V1.Ingestion.IngestionClient ingestion,
        RefoldScope scope,
        CancellationToken ct
    ) => (await FoldAsync(tx, ingestion, scope, Deadline, ct)).Fold;

    /// <summary>Applying a batch always adds to its buckets' counts, so equal sums mean that none was applied.</summary>
    private static async Task<State> StateAsync(ScopedTransaction tx, RefoldScope scope, Guid[] batches, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT coalesce(sum(event_count), 0)::bigint, coalesce(sum(digest), 0),
              (SELECT count(*) FROM corrections WHERE org_id = $1 AND corrected_batch_id = ANY($4))
            FROM usage_buckets WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3
            """
        );
        command.Bind(scope.Org).Bind(scope.From).Bind(scope.To).Bind(batches);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new State(
            reader.GetInt64(0),
            reader.GetDecimal(1),
            reader.GetInt64(2),
            $"{scope.From} {scope.To} {string.Join(',', scope.Meters.Select(meter => meter.Id).Order())}"
        );
    }

    private static async Task ReplaceAsync(ScopedTransaction tx, RefoldScope scope, FoldUsage fold, CancellationToken ct)
    {
        var gone = new List<AggregateKey>();
        foreach (var table in new[] { "usage_uniques", "usage_aggregates" })
        {
            await using var delete = tx.Command(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"""
                    DELETE FROM {table} WHERE org_id = $1 AND meter_id = ANY($2) AND bucket_start >= $3 AND bucket_start < $4 {(
                        scope.Customer is null ? "" : "AND customer_key = $5"
                    )}
                    RETURNING customer_key, meter_id, bucket_start
                    """
                )
            );
            delete.Bind(scope.Org).Bind<Guid[]>([.. scope.Meters.Select(meter => meter.Id)]).Bind(scope.From).Bind(scope.To);
            if (scope.Customer is { } customer)
                delete.Bind(customer);
            await using var reader = await delete.ExecuteReaderAsync(ct);
            while (table == "usage_aggregates" && await reader.ReadAsync(ct))
                gone.Add(
                    new AggregateKey(
                        scope.Org,
                        reader.GetString(0),
                        reader.GetGuid(1),
                        reader.GetFieldValue<Instant>(2).ToUnixTimeTicks() / 10
                    )
                );
        }

        await UsageSql.AddAggregatesAsync(tx, fold.Aggregates, ct);
        await LevelCheckpoints.ForgetAsync(tx, fold.Aggregates.Keys.Concat(gone), fold.Lasting, ct);
        // Includes aggregates that no longer exist: an invoice that counted them has changed too.
        await UsageSql.MarkInvoicesStaleAsync(tx, fold.Aggregates.Keys.Concat(gone), fold.Lasting, ct);
        // A replacement may raise a quantity. What was crossed stays crossed.
        await CrossThresholds.RunAsync(
            tx,
            fold.Aggregates.Keys,
            new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [scope.Org] = scope.Meters },
            TimeProvider.System.GetUtcNow(),
            ct
        );
    }

    private static async Task<Folded> FoldAsync(
        ScopedTransaction tx,
        Ingestion.V1.Ingestion.IngestionClient ingestion,
        RefoldScope scope,
        TimeSpan deadline,
        CancellationToken ct
    )
    {
        var corrected = new HashSet<EventIdentity>();
        var fold = new FoldUsage(new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [scope.Org] = scope.Meters }, corrected);
        if (scope.Meters.Count == 0)
            return new Folded(fold, []);
        var request = new StreamEventsRequest
        {
            OrgId = scope.Org.ToString(),
            Customer = scope.Customer ?? "",
            From = Timestamp.FromDateTime(scope.From.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(scope.To.ToDateTimeUtc()),
        };
        request.Types_.AddRange(scope.Meters.Select(meter => meter.EventType).Distinct());
        var (batches, waiting, bytes) = (new HashSet<Guid>(), new List<UsageBatch>(), 0);
        using var call = ingestion.StreamEvents(
            request,
            deadline: (TimeProvider.System.GetUtcNow() + deadline).UtcDateTime,
            cancellationToken: ct
        );
        await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
        {
            waiting.Add(batch);
            if ((bytes += batch.CalculateSize()) >= PageBytes)
                await AddAsync();
        }

        await AddAsync();
        return new Folded(fold, [.. batches]);

        async Task AddAsync()
        {
            bytes = 0;
            if (waiting.Count == 0)
                return;
            var applied = await AppliedBatches.AmongAsync(tx, [.. waiting.Select(batch => (scope.Org, FoldUsage.IdOf(batch)))], ct);
            batches.UnionWith(applied.Select(id => id.Batch));
            corrected.Clear();
            corrected.UnionWith(await RecordCorrections.OfBatchesAsync(tx, [.. applied], ct));
            foreach (var batch in waiting.Where(batch => applied.Contains((scope.Org, FoldUsage.IdOf(batch)))))
                fold.Add(batch);
            waiting.Clear();
        }
    }
}
