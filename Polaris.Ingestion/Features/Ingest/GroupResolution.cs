using System.Diagnostics;
using Google.Protobuf;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

internal enum Verdict
{
    Accepted,
    Duplicate,
    Conflict,
}

/// <summary>The outcome of an event, with the receipt of the stored event of its key.</summary>
internal readonly record struct Outcome(Verdict Verdict, Guid BatchId, DateTimeOffset ReceivedAt);

/// <summary>The stored event of a key.</summary>
internal readonly record struct StoredKey(Guid BatchId, Guid ContentHash, DateTimeOffset ReceivedAt);

/// <summary>
/// The events of one org in a group commit; <paramref name="Done"/> receives an outcome for each. <paramref name="Trace"/> is the request's
/// span; default when it is not recorded.
/// </summary>
internal sealed record WriteRequest(
    Guid Org,
    IReadOnlyList<IncomingEvent> Events,
    TaskCompletionSource<Outcome[]> Done,
    ActivityContext Trace = default
);

/// <summary>A batch being assembled.</summary>
internal sealed class BatchDraft(Guid org, Guid id, int partition)
{
    public Guid Org { get; } = org;

    public Guid Id { get; } = id;

    public int Partition { get; } = partition;

    public List<IncomingEvent> Events { get; } = [];

    public int Bytes { get; set; }

    /// <summary>The recorded requests whose events it contains, at most <see cref="TraceLinks.MaxLinksPerMessage"/> of them.</summary>
    public List<ActivityContext> Traces { get; } = [];
}

/// <summary>
/// Decides, for all requests of a group commit, which event of each key may be stored and in which batch, and, once the database has
/// reported which keys are new, the outcome of each event. Pure.
/// </summary>
internal sealed class GroupResolution
{
    /// <summary>A batch is one Kafka record; this stays well below Kafka's limit of 1 MB.</summary>
    public const int MaxBatchBytes = 900_000;

    public const int MaxBatchEvents = 5_000;
    private const int OverheadBytes = 64;

    private readonly IReadOnlyList<WriteRequest> requests;
    private readonly DateTimeOffset receivedAt;

    public GroupResolution(IReadOnlyList<WriteRequest> requests, DateTimeOffset receivedAt, int partitions)
    {
        (this.requests, this.receivedAt) = (requests, receivedAt);
        var open = new Dictionary<(Guid, int), BatchDraft>();
        foreach (var request in requests)
        {
            var traced = request.Trace != default;
            foreach (var incoming in request.Events)
            {
                // The first event of a key in the group is the candidate; the others are compared with the one that gets stored.
                if (Candidates.TryGetValue((request.Org, incoming.IdempotencyKey), out _))
                    continue;
                var partition = Partitioning.Of(request.Org, incoming.Customer, partitions);
                var bytes =
                    OverheadBytes
                    + (incoming.IdempotencyKey.Length + incoming.Type.Length + incoming.Customer.Length) * 3
                    + incoming.Properties.Length;
                if (incoming.Corrects is { Target: { } target } correction)
                    bytes += OverheadBytes + (correction.Key.Length + target.Customer.Length) * 3;
                if (
                    !open.TryGetValue((request.Org, partition), out var batch)
                    || batch.Events.Count == MaxBatchEvents
                    || batch.Bytes + bytes > MaxBatchBytes
                )
                {
                    batch = new BatchDraft(request.Org, Guid.CreateVersion7(receivedAt), partition);
                    open[(request.Org, partition)] = batch;
                    Batches.Add(batch);
                }

                batch.Events.Add(incoming);
                batch.Bytes += bytes;
                if (traced && batch.Traces.Count < TraceLinks.MaxLinksPerMessage && !batch.Traces.Contains(request.Trace))
                    batch.Traces.Add(request.Trace);
                Candidates.Add((request.Org, incoming.IdempotencyKey), (incoming, batch));
            }
        }
    }

    /// <summary>The candidate event of each key, and the batch it would be stored in.</summary>
    public Dictionary<(Guid Org, string Key), (IncomingEvent Event, BatchDraft Batch)> Candidates { get; } = [];

    public List<BatchDraft> Batches { get; } = [];

    /// <summary>The trace links of each batch to its recorded requests.</summary>
    public Dictionary<Guid, string> TraceLinksByBatch() =>
        Batches.Where(batch => batch.Traces.Count > 0).ToDictionary(batch => batch.Id, batch => TraceLinks.Write(batch.Traces)!);

    /// <summary>Outcomes for each request, and the batches to store: those that still have events.</summary>
    /// <param name="stored">The stored events of the keys that were not new.</param>
    public (List<Outcome[]> Outcomes, List<UsageBatch> ToStore) Resolve(IReadOnlyDictionary<(Guid Org, string Key), StoredKey> stored)
    {
        var outcomes = new List<Outcome[]>(requests.Count);
        foreach (var request in requests)
            outcomes.Add([.. request.Events.Select(incoming => OutcomeOf(request.Org, incoming, stored))]);
        var batches = new List<UsageBatch>(Batches.Count);
        foreach (var draft in Batches)
        {
            var batch = ToMessage(draft, draft.Events.Where(incoming => !stored.ContainsKey((draft.Org, incoming.IdempotencyKey))));
            if (batch.Events.Count > 0)
                batches.Add(batch);
        }

        return (outcomes, batches);
    }

    private Outcome OutcomeOf(Guid org, IncomingEvent incoming, IReadOnlyDictionary<(Guid Org, string Key), StoredKey> stored)
    {
        if (stored.TryGetValue((org, incoming.IdempotencyKey), out var known))
            return new Outcome(
                known.ContentHash == incoming.ContentHash ? Verdict.Duplicate : Verdict.Conflict,
                known.BatchId,
                known.ReceivedAt
            );
        var (first, batch) = Candidates[(org, incoming.IdempotencyKey)];
        var verdict =
            ReferenceEquals(first, incoming) ? Verdict.Accepted
            : first.ContentHash == incoming.ContentHash ? Verdict.Duplicate
            : Verdict.Conflict;
        return new Outcome(verdict, batch.Id, receivedAt);
    }

    private UsageBatch ToMessage(BatchDraft draft, IEnumerable<IncomingEvent> events)
    {
        var batch = new UsageBatch
        {
            BatchId = ByteString.CopyFrom(draft.Id.ToByteArray(bigEndian: true)),
            OrgId = ByteString.CopyFrom(draft.Org.ToByteArray(bigEndian: true)),
            Partition = draft.Partition,
            ReceivedAtUs = (receivedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
        };
        batch.Events.AddRange(
            events.Select(incoming => new UsageEvent
            {
                IdempotencyKey = incoming.IdempotencyKey,
                Type = incoming.Type,
                Customer = incoming.Customer,
                TimestampUs = incoming.TimestampUs,
                Properties = UnsafeByteOperations.UnsafeWrap(incoming.Properties),
                ContentHash = ByteString.CopyFrom(incoming.ContentHash.ToByteArray(bigEndian: true)),
                Corrects = incoming.Corrects is null ? null : ToMessage(draft.Org, incoming.Corrects),
            })
        );
        return batch;
    }

    /// <summary>The batch of a correction's target: already stored, or written in the same group.</summary>
    public Guid TargetBatchOf(Guid org, CorrectionOf correction) =>
        correction.Target!.BatchId ?? Candidates[(org, correction.Key)].Batch.Id;

    private Correction ToMessage(Guid org, CorrectionOf correction) =>
        new()
        {
            IdempotencyKey = correction.Key,
            BatchId = ByteString.CopyFrom(TargetBatchOf(org, correction).ToByteArray(bigEndian: true)),
            Customer = correction.Target!.Customer,
            TimestampUs = correction.Target.TimestampUs,
            Replaces = correction.Replaces,
        };
}
