using System.Diagnostics;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Billing.Features.Consuming;

/// <summary>
/// Consumes <c>polaris.usage.v1</c> and applies each poll's batches in one transaction, except those of orgs whose lock is not free or
/// whose usage cannot be applied: they wait in memory (<see cref="OpenRecords"/>) while the others' are counted, and the position does not
/// pass them. The position is stored in Billing's database and commits with the aggregates (<see cref="ConsumerPositions"/>); the group's
/// committed offsets are informational. A different cluster id means a replaced broker. A log that ends before the stored position, or
/// whose offsets go back, was lost and recreated: it is read from the start, and batches that were applied before change nothing.
/// </summary>
internal sealed partial class ConsumeUsage(
    ConsumerConfig config,
    ConsumerPositions positions,
    ApplyUsage apply,
    DeadLetters deadLetters,
    TimeProvider time,
    ILogger<ConsumeUsage> log
) : KafkaHandler, IDisposable
{
    private static readonly TimeSpan CheckClusterEvery = TimeSpan.FromSeconds(10);

    private static readonly Counter<long> Replaced = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.brokers_replaced",
        "{broker}"
    );

    private readonly IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = config.BootstrapServers })
        .SetLogHandler((_, _) => { })
        .Build();

    private static readonly Counter<long> Failing = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.org_usage_failures",
        "{failure}",
        "Failed tries to apply an org's usage because of an error of Polaris; alert on it."
    );

    private static readonly Counter<long> LeftToRecovery = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.batches_left_to_recovery",
        "{batch}",
        "Batches of orgs that could not be served, let go because too many waited; they are fetched from Ingestion later."
    );

    private readonly OpenRecords open = new(time);
    private PolledRecords polled = new("");
    private long checkedAt;

    public override string Topic => Topics.Usage;

    /// <summary>Maximum number of batches applied in one transaction.</summary>
    public override int MaxRecords => 2_000;

    public override bool CommitsOffsets => false;

    public void Dispose() => admin.Dispose();

    public override async Task OpeningAsync(CancellationToken ct)
    {
        open.Clear();
        polled = new PolledRecords(await ClusterIdAsync());
        await positions.DeleteOldClustersAsync(polled.ClusterId, ct);
        checkedAt = TimeProvider.System.GetTimestamp();
    }

    public override IEnumerable<TopicPartitionOffset> Assigned(
        IConsumer<Ignore, byte[]> consumer,
        IReadOnlyCollection<TopicPartition> partitions
    ) => polled.Assign(positions.Read(consumer, polled.ClusterId, partitions));

    public override void Revoked(IReadOnlyCollection<TopicPartition> partitions)
    {
        polled.Revoke(partitions);
        open.Forget(partitions);
    }

    public override void Polled(ConsumeResult<Ignore, byte[]> record)
    {
        switch (polled.Add(record))
        {
            case LogContinuity.WentBack:
                // Their offsets mean nothing in the new log. What was not applied is fetched from Ingestion like any lost batch.
                open.Forget([record.TopicPartition]);
                Replaced.Add(1);
                LogStartedOver(record.Partition.Value, record.Offset.Value);
                break;
            case LogContinuity.Gap:
                LogGap(record.Partition.Value, record.Offset.Value);
                break;
        }
    }

    public override bool HoldsRecords => open.Any;

    public override async Task HandleAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        open.Add(records);
        if (open.Due(MaxBytes) is { Count: > 0 } due)
            await ApplyDueAsync(due, ct);
        polled.Applied(records);
        if (open.LetGo() is { Count: > 0 } gone)
        {
            LeftToRecovery.Add(gone.Count);
            LogLetGo(gone.Count, gone[0].Org);
        }
    }

    /// <summary>False once the broker's cluster id has changed.</summary>
    public override async Task<bool> StaysOpenAsync(CancellationToken ct)
    {
        if (TimeProvider.System.GetElapsedTime(checkedAt) < CheckClusterEvery)
            return true;
        var now = await ClusterIdAsync();
        checkedAt = TimeProvider.System.GetTimestamp();
        if (now == polled.ClusterId)
            return true;
        Replaced.Add(1);
        LogOtherCluster(polled.ClusterId, now);
        return false;
    }

    /// <summary>
    /// Applies all due records in one transaction. When that fails because of a record or an error of ours, each org's are applied alone,
    /// so that the other orgs' usage is counted; when storage is away, nothing is.
    /// </summary>
    private async Task ApplyDueAsync(List<OpenRecord> due, CancellationToken ct)
    {
        using var span = KafkaExtensions.StartConsuming(Topics.Usage, [.. due.Select(record => record.Record.Message.Headers)]);
        try
        {
            await ApplyOnceAsync(due, ct);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            foreach (var org in due.GroupBy(record => record.Org))
                await ApplyOrgAsync(org.Key, [.. org], ct);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            span.Fail(exception);
            throw;
        }
    }

    private async Task ApplyOrgAsync(Guid org, List<OpenRecord> records, CancellationToken ct)
    {
        try
        {
            await ApplyOnceAsync(records, ct);
        }
        catch (Exception exception) when (Fault.Of(exception) == FaultKind.Record && records.Count == 1)
        {
            await SetAsideAsync(records[0], exception.Message, ct);
        }
        catch (Exception exception) when (Fault.Of(exception) == FaultKind.Record)
        {
            foreach (var record in records)
                await ApplyOrgAsync(org, [record], ct);
        }
        catch (Exception exception) when (Fault.Of(exception) == FaultKind.Code && !ct.IsCancellationRequested)
        {
            // Nothing is wrong with the record: it is kept and tried again, and alerted.
            var wait = open.Wait(org, failed: true);
            Failing.Add(1);
            LogFailing(exception, org, wait);
        }
    }

    private async Task ApplyOnceAsync(List<OpenRecord> records, CancellationToken ct)
    {
        var traces = Activity.Current is { Recorded: true } ? new Dictionary<Guid, string>() : null;
        foreach (var record in records.Where(record => record.Reason is not null).ToArray())
            await SetAsideAsync(record, record.Reason!, ct);
        var parsed = records.FindAll(record => record.Reason is null);
        foreach (var record in parsed)
        {
            if (traces is not null && record.Record.Message.Headers.TraceLinksValue() is { } links)
                traces[FoldUsage.IdOf(record.Parsed())] = links;
        }

        if (parsed.Count == 0)
            return;
        var applied = await apply.TryApplyAsync(
            parsed.ConvertAll(record => record.Parsed()),
            locked => Positions(parsed, parsed.Where(record => !locked.Contains(record.Org))),
            ct,
            traces
        );
        var done = parsed.FindAll(record => !applied.Locked.Contains(record.Org));
        Activity.Current?.SetTag("polaris.batches_applied", done.Count);
        open.Done(done);
        foreach (var org in applied.Locked)
            open.Wait(org, failed: false);
    }

    private async Task SetAsideAsync(OpenRecord record, string reason, CancellationToken ct)
    {
        await deadLetters.SetAsideAsync(polled.ClusterId, record.Record, reason, ct);
        await apply.TryApplyAsync([], _ => Positions([record], [record]), ct);
        open.Done([record]);
    }

    private ConsumerPosition[] Positions(IEnumerable<OpenRecord> records, IEnumerable<OpenRecord> done)
    {
        var gone = done.ToHashSet();
        return polled.PositionsAfter(records.Select(record => record.Record.TopicPartition), partition => open.FirstOpen(partition, gone));
    }

    private async Task<string> ClusterIdAsync() =>
        (await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = TimeSpan.FromSeconds(5) })).ClusterId;

    [LoggerMessage(Level = LogLevel.Error, Message = "The usage of org {OrgId} cannot be applied; next try in {Wait}.")]
    private partial void LogFailing(Exception exception, Guid orgId, TimeSpan wait);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} batches, such as of org {OrgId}, could not be applied and are fetched from Ingestion later."
    )]
    private partial void LogLetGo(int count, Guid orgId);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The Kafka cluster id changed from {Old} to {New}. Reading the topic from the start."
    )]
    private partial void LogOtherCluster(string old, string @new);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The log of partition {Partition} was recreated and continues at offset {Offset}. "
            + "Lost batches are fetched from Ingestion."
    )]
    private partial void LogStartedOver(int partition, long offset);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Records of partition {Partition} before offset {Offset} are gone from the broker. "
            + "Lost batches are fetched from Ingestion."
    )]
    private partial void LogGap(int partition, long offset);
}
