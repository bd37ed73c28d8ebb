using Google.Protobuf;
using Polaris.Ingestion.Domain;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

internal enum Verdict
{
    Accepted,
    Duplicate,
    Conflict,
}

/// <summary>What became of an event, with the receipt of the stored one of its key.</summary>
internal readonly record struct Outcome(Verdict Verdict, Guid BatchId, DateTimeOffset ReceivedAt);

/// <summary>What the store holds under a key.</summary>
internal readonly record struct StoredKey(Guid BatchId, Guid ContentHash, DateTimeOffset ReceivedAt);

/// <summary>The events of one org in a group commit; its <paramref name="Done"/> gets an outcome for each.</summary>
internal sealed record WriteRequest(Guid Org, IReadOnlyList<IncomingEvent> Events, TaskCompletionSource<Outcome[]> Done);

/// <summary>A batch in the making.</summary>
internal sealed class BatchDraft(Guid org, Guid id, int partition)
{
    public Guid Org { get; } = org;

    public Guid Id { get; } = id;

    public int Partition { get; } = partition;

    public List<IncomingEvent> Events { get; } = [];

    public int Bytes { get; set; }
}

/// <summary>
/// Decides, for all requests of a group commit, which event of each key may be stored, in which batch, and, once the database has said which
/// keys are new, what each event's outcome is. Pure.
/// </summary>
internal sealed class GroupResolution
{
    /// <summary>A batch is one Kafka record and stays well below its 1 MB.</summary>
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
            foreach (var one in request.Events)
            {
                // The first of a key in the group stands for it; the others are compared with what gets stored.
                if (Candidates.TryGetValue((request.Org, one.IdempotencyKey), out _)) continue;
                var partition = Partitioning.Of(request.Org, one.Customer, partitions);
                var bytes = OverheadBytes + (one.IdempotencyKey.Length + one.Type.Length + one.Customer.Length) * 3 + one.Properties.Length;
                if (one.Corrects is { Target: { } target } correction) bytes += OverheadBytes + (correction.Key.Length + target.Customer.Length) * 3;
                if (!open.TryGetValue((request.Org, partition), out var batch) || batch.Events.Count == MaxBatchEvents || batch.Bytes + bytes > MaxBatchBytes)
                {
                    batch = new BatchDraft(request.Org, Guid.CreateVersion7(receivedAt), partition);
                    open[(request.Org, partition)] = batch;
                    Batches.Add(batch);
                }

                batch.Events.Add(one);
                batch.Bytes += bytes;
                Candidates.Add((request.Org, one.IdempotencyKey), (one, batch));
            }
        }
    }

    /// <summary>The event that stands for each key, and the batch it would be in.</summary>
    public Dictionary<(Guid Org, string Key), (IncomingEvent Event, BatchDraft Batch)> Candidates { get; } = [];

    public List<BatchDraft> Batches { get; } = [];

    /// <summary>Outcomes for each request, and the batches to store: those that have events left.</summary>
    /// <param name="stored">What the store already held, for the keys that were not new.</param>
    public (List<Outcome[]> Outcomes, List<UsageBatch> ToStore) Resolve(IReadOnlyDictionary<(Guid Org, string Key), StoredKey> stored)
    {
        var outcomes = new List<Outcome[]>(requests.Count);
        foreach (var request in requests)
            outcomes.Add([.. request.Events.Select(one => OutcomeOf(request.Org, one, stored))]);
        var batches = new List<UsageBatch>(Batches.Count);
        foreach (var draft in Batches)
        {
            var batch = ToMessage(draft, draft.Events.Where(one => !stored.ContainsKey((draft.Org, one.IdempotencyKey))));
            if (batch.Events.Count > 0) batches.Add(batch);
        }

        return (outcomes, batches);
    }

    private Outcome OutcomeOf(Guid org, IncomingEvent one, IReadOnlyDictionary<(Guid Org, string Key), StoredKey> stored)
    {
        if (stored.TryGetValue((org, one.IdempotencyKey), out var known))
            return new Outcome(known.ContentHash == one.ContentHash ? Verdict.Duplicate : Verdict.Conflict, known.BatchId, known.ReceivedAt);
        var (first, batch) = Candidates[(org, one.IdempotencyKey)];
        var verdict = ReferenceEquals(first, one) ? Verdict.Accepted : first.ContentHash == one.ContentHash ? Verdict.Duplicate : Verdict.Conflict;
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
        batch.Events.AddRange(events.Select(one => new UsageEvent
        {
            IdempotencyKey = one.IdempotencyKey,
            Type = one.Type,
            Customer = one.Customer,
            TimestampUs = one.TimestampUs,
            Properties = UnsafeByteOperations.UnsafeWrap(one.Properties),
            ContentHash = ByteString.CopyFrom(one.ContentHash.ToByteArray(bigEndian: true)),
            Corrects = one.Corrects is null ? null : ToMessage(draft.Org, one.Corrects),
        }));
        return batch;
    }

    /// <summary>The batch of the event that one of the group's corrects: a stored one, or one that is written with it.</summary>
    public Guid TargetBatchOf(Guid org, CorrectionOf correction) => correction.Target!.BatchId ?? Candidates[(org, correction.Key)].Batch.Id;

    private Correction ToMessage(Guid org, CorrectionOf correction) => new()
    {
        IdempotencyKey = correction.Key,
        BatchId = ByteString.CopyFrom(TargetBatchOf(org, correction).ToByteArray(bigEndian: true)),
        Customer = correction.Target!.Customer,
        TimestampUs = correction.Target.TimestampUs,
        Replaces = correction.Replaces,
    };
}
