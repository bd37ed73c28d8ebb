using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>
/// A record that could not be handled, with the reason. When its org cannot be read it belongs to the empty org, which only the service
/// itself reads.
/// </summary>
public sealed class RecordDeadLetterRow
{
    public const string Table = "dead_letters";

    public Guid OrgId { get; set; }

    /// <summary>Derived from the topic and the content, so that a record that comes again is the same row.</summary>
    public Guid Id { get; set; }

    public string Topic { get; set; } = "";
    public int Partition { get; set; }
    public long RecordOffset { get; set; }
    public string Reason { get; set; } = "";
    public byte[] Payload { get; set; } = [];
    public Instant SeenAt { get; set; }
    public int Attempts { get; set; }

    /// <summary>The next try; null when only another version, or a person who asks for it, can help.</summary>
    public Instant? RetryAt { get; set; }

    public static void Configure(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<RecordDeadLetterRow>(table =>
        {
            table.ToTable(Table).HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.RetryAt }).HasFilter("retry_at IS NOT NULL");
        });
    }
}

/// <summary>A dead letter as shown to its org.</summary>
public sealed record RecordDeadLetter(Guid Id, string Reason, string Source, int Bytes, Instant SeenAt, int Attempts, Instant? RetryAt);

/// <summary>
/// Handles records one by one, each by itself and independent of their order: one that cannot be handled is stored as a dead letter, and
/// the records behind it flow. A record with wrong data waits there; one that met an error of ours is tried again with backoff.
/// </summary>
public abstract class RecordHandler(RecordDeadLetters letters) : KafkaHandler
{
    /// <summary>Handles a record's value; again after a failure, so it must be idempotent.</summary>
    public abstract Task HandleAsync(byte[] payload, CancellationToken ct);

    /// <summary>The org that a record is of; empty when it cannot be read.</summary>
    public abstract Guid OrgOf(byte[] payload);

    public override async Task HandleAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(records);
        foreach (var record in records)
        {
            using var span = record.Message.Headers.StartConsuming(Topic);
            var payload = record.Message.Value ?? [];
            try
            {
                await HandleAsync(payload, ct);
            }
            catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
            {
                span.Fail(exception);
                await letters.SetAsideAsync(OrgOf(payload), record, exception, ct);
            }
        }
    }
}

/// <summary>
/// Reads records one by one and stores what it read of a poll together: a transaction for each record would cost many times the work of the
/// records themselves. When they cannot be stored together because of one of them, each is handled by itself.
/// </summary>
public abstract class RecordHandler<TRead>(RecordDeadLetters letters) : RecordHandler(letters)
    where TRead : class
{
    /// <summary>What is to be stored of a record's value, read within the record's span; null for nothing.</summary>
    protected abstract TRead? Read(byte[] payload);

    /// <summary>Stores what was read of several records; again after a failure, so it must be idempotent.</summary>
    protected abstract Task StoreAsync(IReadOnlyList<TRead> read, CancellationToken ct);

    public override async Task HandleAsync(byte[] payload, CancellationToken ct)
    {
        if (Read(payload) is { } one)
            await StoreAsync([one], ct);
    }

    public override async Task HandleAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(records);
        if (records.Count == 1 || !await TryTogetherAsync(records, ct))
            await base.HandleAsync(records, ct);
    }

    private async Task<bool> TryTogetherAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        try
        {
            var read = new List<TRead>(records.Count);
            foreach (var record in records)
            {
                using var span = record.Message.Headers.StartConsuming(Topic);
                if (Read(record.Message.Value ?? []) is { } one)
                    read.Add(one);
            }

            if (read.Count > 0)
                await StoreAsync(read, ct);
            return true;
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            // Which one it was is found by handling each by itself.
            return false;
        }
    }
}

/// <summary>The dead letters of a service that consumes a topic record by record: table, counter, gauge, retries.</summary>
public sealed partial class RecordDeadLetters(NpgsqlDataSource database, TimeProvider time, ILogger<RecordDeadLetters> log)
{
    private const int MaxReason = 1_000;

    /// <summary>The wait after a first failure of ours; each further one doubles it.</summary>
    private static readonly Duration MinWait = Duration.FromSeconds(5);

    private static readonly Duration MaxWait = Duration.FromHours(1);

    private static readonly Counter<long> Count = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.records.dead_letters",
        "{record}",
        "Records that could not be handled, by kind of fault."
    );

    /// <summary>Maximum number of dead letters listed or replayed in one call.</summary>
    public const int MaxPageSize = 500;

    internal sealed record Letter(Guid Org, Guid Id, byte[] Payload);

    /// <summary>Stores the record; storing it again changes nothing.</summary>
    public Task SetAsideAsync(Guid org, ConsumeResult<Ignore, byte[]> record, Exception exception, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(record);
        return SetAsideAsync(org, record.TopicPartitionOffset, record.Message.Value ?? [], exception, ct);
    }

    /// <summary>The same of a message that did not come through Kafka.</summary>
    public Task SetAsideAsync(Guid org, string topic, byte[] payload, Exception exception, CancellationToken ct) =>
        SetAsideAsync(org, new TopicPartitionOffset(topic, -1, -1), payload, exception, ct);

    private async Task SetAsideAsync(Guid org, TopicPartitionOffset place, byte[] payload, Exception exception, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var (now, kind) = (time.GetCurrentInstant(), Fault.Of(exception));
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct);
        await using var command = tx.Command(
            """
            INSERT INTO dead_letters (org_id, id, topic, partition, record_offset, reason, payload, seen_at, attempts, retry_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT DO NOTHING
            """
        );
        command
            .Bind(org)
            .Bind(IdOf(place.Topic, payload))
            .Bind(place.Topic)
            .Bind(place.Partition.Value)
            .Bind(place.Offset.Value)
            .Bind(Storable(exception))
            .Bind(payload)
            .Bind(now)
            .Bind<Instant?>(kind == FaultKind.Code ? now + MinWait : null);
        if (await command.ExecuteNonQueryAsync(ct) == 0)
            return;
        await tx.CommitAsync(ct);
        Count.Add(1, new KeyValuePair<string, object?>("fault", kind.ToString()));
        LogSetAside(exception, org, place.ToString());
    }

    /// <summary>Letters to try now.</summary>
    /// <param name="atStart">Also those that wait for another version: this may be one.</param>
    /// <param name="after">The last letter of the previous page.</param>
    /// <param name="atMost">The page size.</param>
    /// <param name="ct">Cancels.</param>
    internal async Task<List<Letter>> DueAsync(bool atStart, (Guid Org, Guid Id) after, int atMost, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, id, payload FROM dead_letters
            WHERE (org_id, id) > ($1, $2) AND (retry_at <= $3 OR (retry_at IS NULL AND $4)) ORDER BY org_id, id LIMIT $5
            """
        );
        command.Bind(after.Org).Bind(after.Id).Bind(time.GetCurrentInstant()).Bind(atStart).Bind(atMost);
        var letters = new List<Letter>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            letters.Add(new Letter(reader.GetGuid(0), reader.GetGuid(1), reader.GetFieldValue<byte[]>(2)));
        return letters;
    }

    /// <summary>An org's dead letters, oldest first.</summary>
    /// <param name="org">The org.</param>
    /// <param name="first">1 to <see cref="MaxPageSize"/>.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<RecordDeadLetter>> ListAsync(Guid org, int first, CancellationToken ct)
    {
        if (first is < 1 or > MaxPageSize)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxPageSize}, not {first}."));
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            SELECT id, reason, topic, partition, record_offset, octet_length(payload), seen_at, attempts, retry_at
            FROM dead_letters WHERE org_id = $1 ORDER BY seen_at, id LIMIT $2
            """
        );
        command.Bind(org).Bind(first);
        var letters = new List<RecordDeadLetter>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            letters.Add(
                new RecordDeadLetter(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    string.Create(CultureInfo.InvariantCulture, $"{reader.GetString(2)} [{reader.GetInt32(3)}] @{reader.GetInt64(4)}"),
                    reader.GetInt32(5),
                    reader.GetFieldValue<Instant>(6),
                    reader.GetInt32(7),
                    await reader.IsDBNullAsync(8, ct) ? null : reader.GetFieldValue<Instant>(8)
                )
            );
        return letters;
    }

    /// <summary>An org's letters to replay now; all of them without ids, at most <see cref="MaxPageSize"/>.</summary>
    internal async Task<List<Letter>> OfOrgAsync(Guid org, IReadOnlyCollection<Guid>? ids, CancellationToken ct)
    {
        if (ids?.Count > MaxPageSize)
            throw new RefusedException(Refusal.Invalid("ids", "too_many", $"At most {MaxPageSize} ids per call."));
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            "SELECT id, payload FROM dead_letters WHERE org_id = $1 AND (id = ANY($2) OR $3) ORDER BY seen_at, id LIMIT $4"
        );
        command.Bind(org).Bind<Guid[]>([.. ids ?? []]).Bind(ids is null).Bind(MaxPageSize);
        var letters = new List<Letter>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            letters.Add(new Letter(org, reader.GetGuid(0), reader.GetFieldValue<byte[]>(1)));
        return letters;
    }

    /// <summary>Records a try: the letter is gone after a success, and waits again after a failure.</summary>
    internal async Task TriedAsync(Letter letter, Exception? failure, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct);
        await using var command = tx.Command(
            failure is null
                ? "DELETE FROM dead_letters WHERE org_id = $1 AND id = $2"
                : """
                UPDATE dead_letters SET attempts = attempts + 1, reason = $3,
                  retry_at = CASE WHEN $4 THEN $5 + least($6, $7 * power(2, least(attempts, 20))) END
                WHERE org_id = $1 AND id = $2
                """
        );
        command.Bind(letter.Org).Bind(letter.Id);
        if (failure is not null)
        {
            command.Bind(Storable(failure)).Bind(Fault.Of(failure) == FaultKind.Code);
            command.Bind(time.GetCurrentInstant()).Bind(MaxWait).Bind(MinWait);
            LogFailedAgain(failure, letter.Id, letter.Org);
        }

        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    internal async Task<long> CountAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct);
        await using var command = tx.Command("SELECT count(*) FROM dead_letters");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private static string Storable(Exception exception)
    {
        var text = $"{exception.GetType().Name}: {exception.Message}".Replace('\0', ' ');
        return text.Length <= MaxReason ? text : text[..MaxReason];
    }

    private static Guid IdOf(string topic, byte[] payload) =>
        new(SHA256.HashData([.. Encoding.UTF8.GetBytes(topic + "\n"), .. payload]).AsSpan(0, 16), bigEndian: true);

    [LoggerMessage(Level = LogLevel.Error, Message = "Dead letter of org {OrgId}: {Position}.")]
    private partial void LogSetAside(Exception exception, Guid orgId, string position);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Dead letter {Id} of org {OrgId} failed again.")]
    private partial void LogFailedAgain(Exception exception, Guid id, Guid orgId);
}

/// <summary>
/// Tries dead letters again: those that met an error of ours when their wait is over, all of them once at start, since this may be a
/// version that can handle them. Counts those that wait, the gauge to alert on.
/// </summary>
public sealed class RetryRecordDeadLetters<THandler>(RecordDeadLetters letters, THandler handler) : PeriodicJob
    where THandler : RecordHandler
{
    private const int PageSize = 50;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private bool started;
    private long waiting;

    public override void Starting() =>
        PolarisTelemetry.Meter.CreateObservableGauge(
            "polaris.records.dead_letters_waiting",
            () => Interlocked.Read(ref waiting),
            "{record}",
            "Dead letters that wait."
        );

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var after = (Org: Guid.Empty, Id: Guid.Empty);
        while (await letters.DueAsync(!started, after, PageSize, ct) is { Count: > 0 } due)
        {
            foreach (var letter in due)
                await letters.TriedAsync(letter, await TryAsync(letter.Payload, ct), ct);
            after = (due[^1].Org, due[^1].Id);
        }

        started = true;
        Interlocked.Exchange(ref waiting, await letters.CountAsync(ct));
        return Every;
    }

    /// <summary>Tries an org's dead letters now; returns how many were tried, and how many are handled.</summary>
    /// <param name="org">The org.</param>
    /// <param name="ids">The letters; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<(int Replayed, int Resolved)> ReplayAsync(Guid org, IReadOnlyCollection<Guid>? ids, CancellationToken ct)
    {
        var (waiting, resolved) = (await letters.OfOrgAsync(org, ids, ct), 0);
        foreach (var letter in waiting)
        {
            var failure = await TryAsync(letter.Payload, ct);
            await letters.TriedAsync(letter, failure, ct);
            if (failure is null)
                resolved++;
        }

        return (waiting.Count, resolved);
    }

    /// <summary>Null when it is handled now. Storage that is away is no try, and throws.</summary>
    internal async Task<Exception?> TryAsync(byte[] payload, CancellationToken ct)
    {
        try
        {
            await handler.HandleAsync(payload, ct);
            return null;
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            return exception;
        }
    }
}

public static class RecordHandlerExtensions
{
    /// <summary>Registers the handler, the loop that polls for it, and the retries of its dead letters.</summary>
    public static IServiceCollection AddRecordHandler<THandler>(this IServiceCollection services)
        where THandler : RecordHandler
    {
        services.TryAddSingleton<RecordDeadLetters>();
        return services.AddKafkaConsumerWorker<THandler>().AddPeriodicWorker<RetryRecordDeadLetters<THandler>>();
    }
}
