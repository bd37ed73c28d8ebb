using Confluent.Kafka;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Hosting;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Consuming;

/// <summary>A polled record that is neither applied nor a dead letter yet.</summary>
internal sealed class OpenRecord(ConsumeResult<Ignore, byte[]> record, UsageBatch? batch, string? reason)
{
    public ConsumeResult<Ignore, byte[]> Record { get; } = record;

    /// <summary>The org; empty when the record cannot be parsed.</summary>
    public Guid Org { get; } = batch is null ? Guid.Empty : FoldUsage.OrgOf(batch);

    /// <summary>Why it cannot be parsed; null when it can.</summary>
    public string? Reason { get; } = reason;

    public int Bytes => Record.Message.Value?.Length ?? 0;

    /// <summary>Parsed again after a wait: only the record's bytes are kept meanwhile.</summary>
    public UsageBatch? Batch { get; private set; } = batch;

    public UsageBatch Parsed() => Batch ??= FoldUsage.Parse(Record.Message.Value).Batch!;

    public void Rest() => Batch = null;
}

/// <summary>
/// The polled records that are not applied yet: those of the current poll, and those of orgs that wait because their lock is not free or
/// because applying them fails. A partition's position never passes an open record. Bounded in bytes; what does not fit is let go, and
/// <c>RecoverLostBatches</c> finds it in Ingestion's store. Not thread-safe.
/// </summary>
internal sealed class OpenRecords(TimeProvider time)
{
    /// <summary>Maximum bytes of the waiting records of one org, and of all.</summary>
    public const int MaxBytesOfOrg = 8 * 1024 * 1024;

    public const int MaxBytes = 32 * 1024 * 1024;

    private static readonly TimeSpan MinWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxLockedWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxFailedWait = TimeSpan.FromSeconds(30);

    private sealed record Waiting(Backoff Backoff, DateTimeOffset Until, bool Failed);

    private readonly List<OpenRecord> open = [];
    private readonly Dictionary<Guid, Waiting> waiting = [];

    public bool Any => open.Count > 0;

    /// <summary>Adds the records of a poll; adding them again changes nothing.</summary>
    public void Add(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records)
    {
        var known = open.Select(record => record.Record).ToHashSet(ReferenceEqualityComparer.Instance);
        foreach (var record in records.Where(record => !known.Contains(record)))
        {
            var (batch, reason) = FoldUsage.Parse(record.Message.Value);
            open.Add(new OpenRecord(record, batch, reason));
        }
    }

    /// <summary>Records to try now, oldest first, about <paramref name="atMost"/> bytes: not those of orgs that wait.</summary>
    public List<OpenRecord> Due(int atMost)
    {
        var now = time.GetUtcNow();
        var (due, bytes) = (new List<OpenRecord>(), 0L);
        foreach (var record in open.Where(record => !waiting.TryGetValue(record.Org, out var wait) || wait.Until <= now))
        {
            if (due.Count > 0 && bytes + record.Bytes > atMost)
                break;
            bytes += record.Bytes;
            due.Add(record);
        }

        return due;
    }

    /// <summary>The records are applied or stored as dead letters.</summary>
    public void Done(IReadOnlyCollection<OpenRecord> records)
    {
        var gone = records.ToHashSet();
        open.RemoveAll(gone.Contains);
        foreach (var org in records.Select(record => record.Org).Distinct())
            waiting.Remove(org);
    }

    /// <summary>Has an org's records wait, longer after each try; returns for how long.</summary>
    public TimeSpan Wait(Guid org, bool failed)
    {
        var backoff =
            waiting.GetValueOrDefault(org) is { } before && before.Failed == failed
                ? before.Backoff
                : new Backoff(MinWait, failed ? MaxFailedWait : MaxLockedWait);
        var wait = backoff.Next();
        waiting[org] = new Waiting(backoff, time.GetUtcNow() + wait, failed);
        foreach (var record in open.Where(record => record.Org == org))
            record.Rest();
        return wait;
    }

    /// <summary>Lets go of the newest waiting records that exceed the bounds; returns them.</summary>
    public List<OpenRecord> LetGo()
    {
        var (total, ofOrg, gone) = (0L, new Dictionary<Guid, long>(), new HashSet<OpenRecord>());
        foreach (var record in open.Where(record => waiting.ContainsKey(record.Org)))
        {
            var bytes = ofOrg.GetValueOrDefault(record.Org) + record.Bytes;
            if (bytes > MaxBytesOfOrg || total + record.Bytes > MaxBytes)
            {
                gone.Add(record);
                continue;
            }

            (ofOrg[record.Org], total) = (bytes, total + record.Bytes);
        }

        open.RemoveAll(gone.Contains);
        return [.. gone];
    }

    /// <summary>Forgets what the partitions' next owner, or the next connection, reads again.</summary>
    public void Forget(IReadOnlyCollection<TopicPartition> partitions)
    {
        open.RemoveAll(record => partitions.Contains(record.Record.TopicPartition));
        foreach (var org in waiting.Keys.Except(open.Select(record => record.Org)).ToArray())
            waiting.Remove(org);
    }

    public void Clear()
    {
        open.Clear();
        waiting.Clear();
    }

    /// <summary>The first offset of a partition that stays open when these records are done; null without one.</summary>
    public long? FirstOpen(TopicPartition partition, IReadOnlySet<OpenRecord> done) =>
        open.Where(record => record.Record.TopicPartition == partition && !done.Contains(record))
            .Min(record => (long?)record.Record.Offset.Value);
}
