using Microsoft.Extensions.Caching.Memory;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>A meter's usage in [from, to); of one customer, or of all.</summary>
internal sealed record UsageAsked(string Meter, Instant From, Instant To, string? Customer);

/// <summary>
/// Usage for who asks for it every second. Who asks the same shares the answer, which is read again when batches of the org were applied,
/// by whichever replica. What changes usage without a new batch (a bucket or meter counted anew, a batch that was lost for long) is seen
/// within <see cref="ReadAnyway"/>.
/// </summary>
internal sealed class LiveUsage(ReadUsage usage, NpgsqlDataSource database, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan ReadAnyway = TimeSpan.FromSeconds(10);

    /// <summary>Below the second in which everyone asks once, so that each sees a position of the same second.</summary>
    private static readonly TimeSpan PositionFreshFor = TimeSpan.FromMilliseconds(500);

    /// <summary>Batches are applied in about the order of their receipt: of the last ones, the number is compared too.</summary>
    private static readonly Duration OutOfOrder = Duration.FromSeconds(30);

    /// <summary>A question rests for so many times what its answer took: one that reads much is answered less often.</summary>
    private const int RestPerRead = 10;

    /// <summary>Characters of all questions that are remembered, whose texts are the callers'.</summary>
    private const int Remembered = 4_000_000;

    private const int SizeOfEntry = 200;

    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = Remembered });

    /// <summary>Differs when batches were applied in between.</summary>
    private readonly record struct Position(Guid? LastBatch, long Recent);

    public async Task<MeterUsage> TotalAsync(Guid org, UsageAsked asked, CancellationToken ct)
    {
        var position = await RecentAsync(
            org,
            SizeOfEntry,
            (Last<Position> last) => last.Age(time) < PositionFreshFor,
            () => ReadPositionAsync(org, ct),
            ct
        );
        var answer = await RecentAsync(
            (org, asked),
            SizeOfEntry + asked.Meter.Length + (asked.Customer?.Length ?? 0),
            (Last<(Position Position, MeterUsage Usage)> last) =>
                last.Age(time) < last.Took * RestPerRead || (last.Age(time) < ReadAnyway && last.Value.Position == position),
            async () => (Position: position, Usage: await usage.TotalAsync(org, asked.Meter, asked.From, asked.To, asked.Customer, ct)),
            ct
        );
        return answer.Usage;
    }

    public void Dispose() => known.Dispose();

    /// <summary>What was last read by the key while it serves, else what is read now: by one at a time, for all who wait.</summary>
    private async Task<T> RecentAsync<T>(object key, int size, Func<Last<T>, bool> serves, Func<Task<T>> read, CancellationToken ct)
    {
        var last = known.TryGetValue(key, out Last<T>? remembered)
            ? remembered!
            : known.Set(key, new Last<T>(), new MemoryCacheEntryOptions { Size = size, SlidingExpiration = ReadAnyway });
        await last.Turn.WaitAsync(ct);
        try
        {
            if (last.IsRead && serves(last))
                return last.Value;
            var start = time.GetTimestamp();
            last.Set(await read(), start, time.GetElapsedTime(start));
            return last.Value;
        }
        finally
        {
            last.Turn.Release();
        }
    }

    private async Task<Position> ReadPositionAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            SELECT (SELECT batch_id FROM applied_batches WHERE org_id = $1 ORDER BY batch_id DESC LIMIT 1),
              (SELECT count(*) FROM applied_batches WHERE org_id = $1 AND batch_id >= $2)
            """
        );
        command.Bind(org).Bind(AppliedBatches.FirstIdAt(Instant.FromDateTimeOffset(time.GetUtcNow()) - OutOfOrder));
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new Position(reader.IsDBNull(0) ? null : reader.GetGuid(0), reader.GetInt64(1));
    }

    private sealed class Last<T>
    {
        private long readAt;

        public SemaphoreSlim Turn { get; } = new(1);

        public bool IsRead { get; private set; }

        public T Value { get; private set; } = default!;

        public TimeSpan Took { get; private set; }

        public TimeSpan Age(TimeProvider time) => time.GetElapsedTime(readAt);

        public void Set(T value, long at, TimeSpan took) => (Value, readAt, Took, IsRead) = (value, at, took, true);
    }
}
