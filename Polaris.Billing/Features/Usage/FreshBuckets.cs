using System.Collections.Concurrent;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>Notes which buckets usage came for, whatever its own time, so that the auditor looks at them often. A statement a bucket and half minute, not a batch.</summary>
internal sealed class FreshBuckets(TimeProvider time)
{
    /// <summary>How long after its last usage a bucket counts as fresh.</summary>
    public static readonly Duration For = Duration.FromHours(2);

    private static readonly TimeSpan NoteEvery = TimeSpan.FromSeconds(30);
    private const int Remembered = 100_000;

    private readonly ConcurrentDictionary<(Guid Org, long Bucket), DateTimeOffset> noted = new();

    /// <summary>Writes those of the buckets that were not noted lately; <see cref="Noted"/> takes them once the transaction is committed.</summary>
    public async Task<(Guid Org, long Bucket)[]> NoteAsync(ScopedTransaction tx, IEnumerable<BucketKey> touched, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var due = touched.Select(key => (Org: key.OrgId, Bucket: key.BucketMicroseconds)).Distinct()
            .Where(key => !noted.TryGetValue(key, out var at) || now - at > NoteEvery).Order().ToArray();
        if (due.Length == 0) return due;
        await using var command = tx.Command("""
            INSERT INTO fresh_buckets (org_id, bucket_start, touched_at) SELECT o, b, $3 FROM unnest($1::uuid[], $2::timestamptz[]) t(o, b)
            ON CONFLICT (org_id, bucket_start) DO UPDATE SET touched_at = excluded.touched_at
            """);
        UsageSql.Array(command, due, key => key.Org);
        UsageSql.Array(command, due, key => FoldUsage.InstantOf(key.Bucket));
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(now) });
        await command.ExecuteNonQueryAsync(ct);
        return due;
    }

    public void Noted((Guid Org, long Bucket)[] due)
    {
        if (noted.Count > Remembered) noted.Clear();
        var now = time.GetUtcNow();
        foreach (var key in due) noted[key] = now;
    }
}
