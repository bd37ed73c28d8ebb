using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// Repairs a bucket. Batches that the search for lost ones has passed and that are not applied are fetched and applied; then, under the
/// org's exclusive lock, each of the bucket's rows is set to the sum of exactly the applied batches. A difference that the batch-by-batch
/// comparison explains (such as a dead letter) is left alone.
/// </summary>
internal sealed class RepairBuckets(NpgsqlDataSource database, ApplyFromStore store, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    private const int Page = 10_000;

    /// <summary>
    /// Deadline for listing a bucket's batches, which partly happens under the org's lock: only the org itself waits meanwhile.
    /// </summary>
    private static readonly TimeSpan ListDeadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A bucket's batches from some id on: sums of the applied ones by partition, and the ids that are neither applied nor dead letters.
    /// </summary>
    private sealed record Tally(Dictionary<int, BucketSum> Applied, List<Guid> Missing);

    /// <summary>Returns the differences it found and repaired.</summary>
    public async Task<IReadOnlyList<Finding>> HandleAsync(Guid org, Instant bucket, CancellationToken ct)
    {
        Guid verified;
        List<Guid> lost;
        await using (var tx = await database.BeginSnapshotAsync(org, ct))
        {
            var stored = await StoredAsync(tx, org, bucket, ct);
            verified = await AppliedBatches.VerifiedBeforeAsync(tx, ct);
            var all = await TallyAsync(tx, org, bucket, Guid.Empty, ct);
            lost = all.Missing.FindAll(id => id.CompareTo(verified) < 0);
            if (lost.Count == 0 && Differing(bucket, stored, all.Applied).Count == 0)
                return [];
        }

        using var span = PolarisTelemetry.Source.StartActivity("repair bucket");
        span.SetOrgs(org);
        var findings = new List<Finding>();
        if (lost.Count > 0)
        {
            await store.ApplyAsync(lost.Select(id => (org, id)), ct);
            findings.Add(Finding.LostBatches(bucket, lost.Count));
        }

        // Long lists are read before taking the lock: batches below the watermark stay applied.
        Dictionary<int, BucketSum> below;
        await using (var tx = await database.BeginOrgAsync(org, ct))
            below = (await TallyAsync(tx, org, bucket, Guid.Empty, ct, until: verified)).Applied;
        await using (var tx = await database.BeginOrgAsync(org, ct))
        {
            await OrgLock.TakeExclusiveAsync(tx, org, ct, OrgLock.WorkerWait);
            var expected = (await TallyAsync(tx, org, bucket, verified, ct)).Applied;
            foreach (var (partition, sum) in below)
                expected[partition] = expected.GetValueOrDefault(partition).Plus(sum.EventCount, sum.Digest);
            var differing = Differing(bucket, await StoredAsync(tx, org, bucket, ct), expected);
            await WriteAsync(tx, org, bucket, differing, ct);
            await tx.CommitAsync(ct);
            findings.AddRange(differing.Select(Finding.Bucket));
        }

        return findings;
    }

    private async Task<Tally> TallyAsync(
        ScopedTransaction tx,
        Guid org,
        Instant bucket,
        Guid from,
        CancellationToken ct,
        Guid? until = null
    )
    {
        var (tally, deadline) = (new Tally([], []), (TimeProvider.System.GetUtcNow() + ListDeadline).UtcDateTime);
        var request = new ListBucketBatchesRequest
        {
            OrgId = org.ToString(),
            BucketStart = CompareBuckets.ToTimestamp(bucket),
            FromBatchId = from.ToString(),
            Limit = Page,
        };
        while (true)
        {
            var page = (await ingestion.ListBucketBatchesAsync(request, null, deadline, ct))
                .Batches.Select(batch => (Id: Guid.Parse(batch.BatchId), Digest: batch))
                .ToArray();
            var ids = page.Where(batch => until is null || batch.Id.CompareTo(until.Value) < 0)
                .ToDictionary(batch => batch.Id, batch => batch.Digest);
            var applied = await AppliedBatches.AmongAsync(tx, [.. ids.Keys.Select(id => (org, id))], ct);
            var waiting = applied.Count == ids.Count ? [] : await AppliedBatches.DeadLettersAmongAsync(tx, org, [.. ids.Keys], ct);
            foreach (var (id, digest) in ids)
            {
                if (applied.Contains((org, id)))
                    tally.Applied[digest.Partition] = tally
                        .Applied.GetValueOrDefault(digest.Partition)
                        .Plus(digest.EventCount, digest.Digest);
                else if (!waiting.Contains(id))
                    tally.Missing.Add(id);
            }

            if (page.Length < Page || ids.Count < page.Length)
                return tally;
            request.AfterBatchId = page[^1].Id.ToString();
        }
    }

    private static List<BucketDifference> Differing(Instant bucket, Dictionary<int, BucketSum> stored, Dictionary<int, BucketSum> right) =>
        [
            .. stored
                .Keys.Union(right.Keys)
                .Order()
                .Select(partition => new BucketDifference(
                    new BucketPlace(bucket, partition),
                    stored.GetValueOrDefault(partition),
                    right.GetValueOrDefault(partition)
                ))
                .Where(difference => difference.Stored != difference.Expected),
        ];

    private static async Task<Dictionary<int, BucketSum>> StoredAsync(ScopedTransaction tx, Guid org, Instant bucket, CancellationToken ct)
    {
        await using var command = tx.Command(
            "SELECT partition, event_count, digest FROM usage_buckets WHERE org_id = $1 AND bucket_start = $2"
        );
        command.Bind(org).Bind(bucket);
        var stored = new Dictionary<int, BucketSum>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            stored.Add(reader.GetInt32(0), new BucketSum(reader.GetInt64(1), CompareBuckets.ToDigest(reader.GetDecimal(2))));
        return stored;
    }

    private static async Task WriteAsync(
        ScopedTransaction tx,
        Guid org,
        Instant bucket,
        List<BucketDifference> differing,
        CancellationToken ct
    )
    {
        if (differing.Count == 0)
            return;
        await using (var delete = tx.Command("DELETE FROM usage_buckets WHERE org_id = $1 AND bucket_start = $2 AND partition = ANY($3)"))
        {
            delete.Bind(org).Bind(bucket).BindColumn(differing, difference => difference.Place.Partition);
            await delete.ExecuteNonQueryAsync(ct);
        }

        var rows = differing.FindAll(difference => difference.Expected.EventCount > 0);
        await using var insert = tx.Command(
            """
            INSERT INTO usage_buckets (org_id, bucket_start, partition, event_count, digest)
            SELECT $1, $2, p, c, d FROM unnest($3::int[], $4::bigint[], $5::numeric[]) t(p, c, d)
            """
        );
        insert
            .Bind(org)
            .Bind(bucket)
            .BindColumn(rows, difference => difference.Place.Partition)
            .BindColumn(rows, difference => difference.Expected.EventCount)
            .BindColumn(rows, difference => (decimal)difference.Expected.Digest);
        await insert.ExecuteNonQueryAsync(ct);
    }
}
