using System.Diagnostics.Metrics;
using System.Globalization;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>The kind of a difference.</summary>
public enum DriftKind
{
    /// <summary>A bucket's count or digest differed from the sum of the applied batches.</summary>
    Bucket,

    /// <summary>Stored batches had not been applied.</summary>
    LostBatches,

    /// <summary>A customer's aggregate of a meter differed from the stored events.</summary>
    Aggregate,
}

/// <summary>
/// A difference between Ingestion and Billing. It is already repaired unless it names a customer, whose bucket is rebuilt.
/// </summary>
internal sealed record Finding(DriftKind Kind, Instant BucketStart, string Place, string? Customer, string Stored, string Expected)
{
    public static Finding Bucket(BucketDifference difference) =>
        new(
            DriftKind.Bucket,
            difference.Place.Start,
            string.Create(CultureInfo.InvariantCulture, $"partition {difference.Place.Partition}"),
            null,
            difference.Stored.ToString(),
            difference.Expected.ToString()
        );

    public static Finding LostBatches(Instant bucket, int count) =>
        new(DriftKind.LostBatches, bucket, "batches", null, "not applied", string.Create(CultureInfo.InvariantCulture, $"{count} batches"));

    public static Finding Aggregate(Instant bucket, string customer, string meter, string stored, string expected) =>
        new(DriftKind.Aggregate, bucket, $"customer {customer}, meter {meter}", customer, stored, expected);
}

/// <summary>A finding as shown to the org.</summary>
public sealed record ReconciliationFinding(
    DriftKind Kind,
    Instant BucketStart,
    string Place,
    string Stored,
    string Expected,
    Instant FoundAt,
    Instant? RepairedAt
);

/// <summary>An org's reconciliation status.</summary>
public sealed record ReconciliationState(
    Instant? LastCheckedAt,
    Instant? LastPassAt,
    long BucketsInLastPass,
    long DriftFound,
    long DriftRepaired,
    IReadOnlyList<ReconciliationFinding> Findings
);

/// <summary>Records the results of reconciliation: an org's counters and findings, metrics and the log.</summary>
internal sealed partial class ReconciliationRecords(NpgsqlDataSource database, TimeProvider time, ILogger<ReconciliationRecords> log)
{
    public const int ShownFindings = 100;
    private static readonly Duration FindingRetention = Duration.FromDays(90);

    private static readonly Counter<long> Checked = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.reconciled_buckets",
        "{bucket}",
        "Buckets compared with Ingestion."
    );
    private static readonly Counter<long> Found = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.drift_found",
        "{difference}",
        "Differences found."
    );
    private static readonly Counter<long> Repaired = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.drift_repaired",
        "{difference}",
        "Differences repaired."
    );

    /// <param name="org">The org.</param>
    /// <param name="buckets">Number of buckets compared.</param>
    /// <param name="inPass">Number of them compared by the slow cycle.</param>
    /// <param name="passDone">Whether the slow cycle reached the org's last bucket.</param>
    /// <param name="findings">The differences found.</param>
    /// <param name="ct">Cancels.</param>
    public async Task RecordAsync(Guid org, int buckets, int inPass, bool passDone, IReadOnlyList<Finding> findings, CancellationToken ct)
    {
        var now = Now();
        await using var tx = await database.BeginOrgAsync(org, ct);
        await InsertAsync(tx, org, findings, now, ct);
        if (passDone)
            await ForgetAsync(tx, org, now, ct);
        var repaired = findings.Count(finding => finding.Customer is null);
        // Aggregates whose rebuild is done are repaired.
        await using (
            var command = tx.Command(
                """
                WITH settled AS (
                  UPDATE reconciliation_findings f SET repaired_at = $2 WHERE f.org_id = $1 AND f.repaired_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM dirty_buckets d
                    WHERE d.org_id = $1 AND d.customer_key = f.customer_key AND d.bucket_start = f.bucket_start)
                  RETURNING 1),
                counted AS (SELECT count(*) AS n FROM settled)
                INSERT INTO reconciliations AS a (org_id, last_checked_at, last_pass_at, running_buckets, pass_buckets, drift_found,
                  drift_repaired)
                SELECT $1, $2, CASE WHEN $4 THEN $2 END, CASE WHEN $4 THEN 0 ELSE $3 END, CASE WHEN $4 THEN $3 ELSE 0 END, $5, $6 + n
                FROM counted
                ON CONFLICT (org_id) DO UPDATE SET last_checked_at = excluded.last_checked_at,
                  last_pass_at = coalesce(excluded.last_pass_at, a.last_pass_at),
                  running_buckets = CASE WHEN $4 THEN 0 ELSE a.running_buckets + $3 END,
                  pass_buckets = CASE WHEN $4 THEN a.running_buckets + $3 ELSE a.pass_buckets END,
                  drift_found = a.drift_found + excluded.drift_found, drift_repaired = a.drift_repaired + excluded.drift_repaired
                RETURNING (SELECT n FROM counted)
                """
            )
        )
        {
            command.Bind(org).Bind(now).Bind<long>(inPass).Bind(passDone).Bind<long>(findings.Count).Bind<long>(repaired);
            repaired += (int)(long)(await command.ExecuteScalarAsync(ct))!;
        }

        await tx.CommitAsync(ct);
        Checked.Add(buckets);
        Repaired.Add(repaired);
        foreach (var finding in findings)
        {
            Found.Add(1, new KeyValuePair<string, object?>("kind", finding.Kind.ToString()));
            LogDrift(finding.Kind, org, finding.BucketStart, finding.Place, finding.Stored, finding.Expected);
        }
    }

    public async Task<ReconciliationState> ReadAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        var findings = new List<ReconciliationFinding>();
        await using (
            var command = tx.Command(
                """
                SELECT kind, bucket_start, place, stored, expected, found_at, repaired_at FROM reconciliation_findings
                WHERE org_id = $1 ORDER BY id DESC LIMIT $2
                """
            )
        )
        {
            command.Bind(org).Bind(ShownFindings);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                findings.Add(
                    new ReconciliationFinding(
                        Enum.Parse<DriftKind>(reader.GetString(0)),
                        reader.GetFieldValue<Instant>(1),
                        reader.GetString(2),
                        reader.GetString(3),
                        reader.GetString(4),
                        reader.GetFieldValue<Instant>(5),
                        await reader.IsDBNullAsync(6, ct) ? null : reader.GetFieldValue<Instant>(6)
                    )
                );
            }
        }

        await using var state = tx.Command(
            "SELECT last_checked_at, last_pass_at, pass_buckets, drift_found, drift_repaired FROM reconciliations WHERE org_id = $1"
        );
        state.Bind(org);
        await using var row = await state.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new ReconciliationState(
                row.GetFieldValue<Instant>(0),
                await row.IsDBNullAsync(1, ct) ? null : row.GetFieldValue<Instant>(1),
                row.GetInt64(2),
                row.GetInt64(3),
                row.GetInt64(4),
                findings
            )
            : new ReconciliationState(null, null, 0, 0, 0, findings);
    }

    private async Task InsertAsync(ScopedTransaction tx, Guid org, IReadOnlyList<Finding> findings, Instant now, CancellationToken ct)
    {
        if (findings.Count == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO reconciliation_findings (org_id, id, kind, bucket_start, place, customer_key, stored, expected, found_at,
              repaired_at)
            SELECT $1, i, k, b, p, c, s, e, $2, CASE WHEN c IS NULL THEN $2 END
            FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[]) t(i, k, b, p, c, s, e)
            """
        );
        command
            .Bind(org)
            .Bind(now)
            .BindColumn(findings, _ => Guid.CreateVersion7(time.GetUtcNow()))
            .BindColumn(findings, finding => finding.Kind.ToString())
            .BindColumn(findings, finding => finding.BucketStart)
            .BindColumn(findings, finding => finding.Place)
            .BindColumn(findings, finding => finding.Customer)
            .BindColumn(findings, finding => finding.Stored)
            .BindColumn(findings, finding => finding.Expected);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task ForgetAsync(ScopedTransaction tx, Guid org, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command("DELETE FROM reconciliation_findings WHERE org_id = $1 AND id < $2");
        command.Bind(org).Bind(AppliedBatches.FirstIdAt(now - FindingRetention));
        await command.ExecuteNonQueryAsync(ct);
    }

    private Instant Now() => time.GetCurrentInstant();

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Drift ({Kind}) in org {OrgId}, bucket {Bucket}, {Place}: stored {Stored}, expected {Expected}. Repairing."
    )]
    private partial void LogDrift(DriftKind kind, Guid orgId, Instant bucket, string place, string stored, string expected);
}
