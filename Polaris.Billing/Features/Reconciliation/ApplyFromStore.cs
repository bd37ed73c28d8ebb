using System.Diagnostics.Metrics;
using Grpc.Core;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>What came of applying stored batches: new events, and batches left for later.</summary>
/// <param name="Events">The number of new events.</param>
/// <param name="Left">Batches of orgs whose lock is not free, or whose usage fails to be applied because of an error of Polaris.</param>
internal sealed record StoredUsage(int Events, IReadOnlyList<(Guid Org, Guid Batch)> Left);

/// <summary>
/// Fetches batches from Ingestion by id and applies them. A batch that cannot be applied becomes a dead letter; the others are still
/// processed, also those of other orgs when one org's wait.
/// </summary>
internal sealed partial class ApplyFromStore(
    ApplyUsage apply,
    DeadLetters deadLetters,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    ILogger<ApplyFromStore> log
)
{
    private const int BatchSize = 100;

    /// <summary>Fetched batches are applied when they have this size, though fewer than <see cref="BatchSize"/>.</summary>
    private const int MaxBytes = 8 * 1024 * 1024;

    private static readonly Counter<long> Failing = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.org_recovery_failures",
        "{failure}",
        "Failed tries to apply an org's stored usage because of an error of Polaris; alert on it."
    );

    /// <exception cref="RpcException">Ingestion is unavailable; batches applied so far stay applied.</exception>
    public async Task<StoredUsage> ApplyAsync(IEnumerable<(Guid Org, Guid Batch)> ids, CancellationToken ct)
    {
        var (events, left) = (0, new List<(Guid, Guid)>());
        foreach (var some in ids.Chunk(BatchSize))
        {
            var fetch = new GetBatchesRequest();
            fetch.Batches.AddRange(some.Select(id => new BatchRef { OrgId = id.Org.ToString(), BatchId = id.Batch.ToString() }));
            var (batches, bytes) = (new List<UsageBatch>(some.Length), 0);
            using (var call = ingestion.GetBatches(fetch, cancellationToken: ct))
            {
                await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
                {
                    if (FoldUsage.ReasonAgainst(batch) is { } reason)
                    {
                        await deadLetters.SetAsideAsync(batch, reason, ct);
                        continue;
                    }

                    batches.Add(batch);
                    if ((bytes += batch.CalculateSize()) < MaxBytes)
                        continue;
                    events += await ApplyAsync(batches, left, ct);
                    (batches, bytes) = ([], 0);
                }
            }

            events += await ApplyAsync(batches, left, ct);
        }

        return new StoredUsage(events, left);
    }

    private async Task<int> ApplyAsync(IReadOnlyList<UsageBatch> batches, List<(Guid, Guid)> left, CancellationToken ct)
    {
        try
        {
            var applied = await apply.TryApplyAsync(batches, _ => [], ct);
            left.AddRange(Ids(batches.Where(batch => applied.Locked.Contains(FoldUsage.OrgOf(batch)))));
            return applied.Events;
        }
        catch (Exception exception) when (Fault.Of(exception) == FaultKind.Record && batches.Count == 1)
        {
            await deadLetters.SetAsideAsync(batches[0], exception.Message, ct);
            return 0;
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            var byOrg = batches.GroupBy(FoldUsage.OrgOf).Select(org => org.ToArray()).ToArray();
            if (byOrg.Length == 1 && Fault.Of(exception) == FaultKind.Code)
            {
                Failing.Add(1);
                LogFailing(exception, FoldUsage.OrgOf(batches[0]));
                left.AddRange(Ids(batches));
                return 0;
            }

            var events = 0;
            foreach (var some in byOrg.Length > 1 ? byOrg : [.. batches.Select(batch => new[] { batch })])
                events += await ApplyAsync(some, left, ct);
            return events;
        }
    }

    private static IEnumerable<(Guid, Guid)> Ids(IEnumerable<UsageBatch> batches) =>
        batches.Select(batch => (FoldUsage.OrgOf(batch), FoldUsage.IdOf(batch)));

    [LoggerMessage(Level = LogLevel.Error, Message = "The stored usage of org {OrgId} cannot be applied; it is tried again.")]
    private partial void LogFailing(Exception exception, Guid orgId);
}
