using System.Collections.Concurrent;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// Records which buckets received usage lately, so that reconciliation compares them often. Writes once per bucket and half minute instead
/// of once per batch.
/// </summary>
internal sealed class FreshBuckets(TimeProvider time)
{
    /// <summary>How long after its last usage a bucket counts as fresh.</summary>
    public static readonly Duration For = Duration.FromHours(2);

    private static readonly TimeSpan RecordInterval = TimeSpan.FromSeconds(30);
    private const int Remembered = 100_000;

    private readonly ConcurrentDictionary<(Guid Org, long Bucket), DateTimeOffset> recorded = new();

    /// <summary>
    /// Writes those buckets that were not written lately; call <see cref="Recorded"/> with the result once the transaction is committed.
    /// </summary>
    public async Task<(Guid Org, long Bucket)[]> RecordAsync(ScopedTransaction tx, IEnumerable<BucketKey> touched, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var due = touched
            .Select(key => (Org: key.OrgId, Bucket: key.BucketMicroseconds))
            .Distinct()
            .Where(key => !recorded.TryGetValue(key, out var at) || now - at > RecordInterval)
            .Order()
            .ToArray();
        if (due.Length == 0)
            return due;
        await using var command = tx.Command(
            """
            INSERT INTO fresh_buckets (org_id, bucket_start, touched_at) SELECT o, b, $3 FROM unnest($1::uuid[], $2::timestamptz[]) t(o, b)
            ON CONFLICT (org_id, bucket_start) DO UPDATE SET touched_at = excluded.touched_at
            """
        );
        command
            .BindColumn(due, key => key.Org)
            .BindColumn(due, key => Buckets.FromMicroseconds(key.Bucket))
            .Bind(Instant.FromDateTimeOffset(now));
        await command.ExecuteNonQueryAsync(ct);
        return due;
    }

    public void Recorded((Guid Org, long Bucket)[] due)
    {
        if (recorded.Count > Remembered)
            recorded.Clear();
        var now = time.GetUtcNow();
        foreach (var key in due)
            recorded[key] = now;
    }
}
