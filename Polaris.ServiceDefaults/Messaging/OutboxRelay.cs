using Confluent.Kafka;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>What the relay needs of a row: its org and the causes of its message.</summary>
public interface IOutboxRow
{
    Guid Org { get; }

    /// <summary>See <see cref="Telemetry.TraceLinks"/>; null when no cause was recorded.</summary>
    string? TraceLinks { get; }
}

/// <summary>
/// Publishes an outbox to Kafka at least once: a row is deleted only after the broker has acknowledged its record, so a crash may publish
/// it again but never loses it. A page is sent in order; rows that the broker rejected stay, the others are deleted.
/// </summary>
public abstract class OutboxRelay<TRow>(IProducer<byte[], byte[]> producer) : PeriodicJob
    where TRow : IOutboxRow
{
    protected abstract string Topic { get; }

    /// <summary>Maximum number of rows read, sent and deleted together.</summary>
    protected abstract int PageSize { get; }

    /// <summary>
    /// Maximum bytes of a page, approximately: <see cref="ReadAsync"/> stops after the row that reaches them. It bounds the relay's memory.
    /// </summary>
    public const int PageBytes = 16 * 1024 * 1024;

    /// <summary>Whether more rows may wait than those read.</summary>
    protected virtual bool IsFull(IReadOnlyList<TRow> rows) => rows.Count >= PageSize;

    /// <summary>Poll interval of an empty outbox, unless the relay is woken.</summary>
    protected abstract TimeSpan PollEvery { get; }

    /// <summary>The oldest rows, at most <see cref="PageSize"/>.</summary>
    protected abstract Task<IReadOnlyList<TRow>> ReadAsync(CancellationToken ct);

    protected abstract (TopicPartition Target, Message<byte[], byte[]> Message) ToRecord(TRow row);

    /// <summary>Deletes the rows that the broker has acknowledged.</summary>
    protected abstract Task RemoveAsync(IReadOnlyList<TRow> published, CancellationToken ct);

    /// <summary>Updates the counters.</summary>
    protected virtual void Count(int published, int failed) { }

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct) => await PublishPageAsync(ct) ? Immediately : PollEvery;

    /// <returns>Whether more rows may wait.</returns>
    /// <exception cref="KafkaException">The broker rejected some of them.</exception>
    private async Task<bool> PublishPageAsync(CancellationToken ct)
    {
        var rows = await ReadAsync(ct);
        if (rows.Count == 0)
            return false;
        using var span = KafkaExtensions.StartSending(Topic, [.. rows.Select(row => row.TraceLinks)]);
        span.SetOrgs(rows.Select(row => row.Org));
        var failures = await Task.WhenAll(rows.Select(row => PublishAsync(row, ct)));
        TRow[] published = [.. rows.Where((_, i) => failures[i] is null)];
        if (published.Length > 0)
            await RemoveAsync(published, ct);
        Count(published.Length, rows.Count - published.Length);
        if (Array.Find(failures, failure => failure is not null) is not { } first)
            return IsFull(rows);
        span.Fail(first);
        throw first;
    }

    /// <summary>Null when the broker has acknowledged it, else the error.</summary>
    private async Task<KafkaException?> PublishAsync(TRow row, CancellationToken ct)
    {
        try
        {
            var (target, message) = ToRecord(row);
            await producer.ProduceAsync(target, message, ct);
            return null;
        }
        catch (KafkaException exception)
        {
            return exception;
        }
    }
}
