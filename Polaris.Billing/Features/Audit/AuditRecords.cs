using System.Diagnostics.Metrics;
using System.Globalization;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Audit;

/// <summary>What kind of difference was found.</summary>
public enum DriftKind
{
    /// <summary>A bucket's count or digest was not the sum of the batches that are applied.</summary>
    Bucket,

    /// <summary>Batches were not applied that should have been.</summary>
    LostBatches,

    /// <summary>A customer's aggregate of a meter was not what the stored events give.</summary>
    Aggregate,
}

/// <summary>A difference between Ingestion and Billing; healed at once unless it names a customer, whose bucket is rebuilt.</summary>
internal sealed record Finding(DriftKind Kind, Instant BucketStart, string Place, string? Customer, string Stored, string Expected)
{
    public static Finding Bucket(BucketDifference one) => new(
        DriftKind.Bucket, one.Place.Start, string.Create(CultureInfo.InvariantCulture, $"partition {one.Place.Partition}"), null, one.Stored.ToString(), one.Expected.ToString());

    public static Finding LostBatches(Instant bucket, int count) =>
        new(DriftKind.LostBatches, bucket, "batches", null, "not applied", string.Create(CultureInfo.InvariantCulture, $"{count} batches"));

    public static Finding Aggregate(Instant bucket, string customer, string meter, string stored, string expected) =>
        new(DriftKind.Aggregate, bucket, $"customer {customer}, meter {meter}", customer, stored, expected);
}

/// <summary>A finding as it is shown.</summary>
public sealed record AuditFinding(DriftKind Kind, Instant BucketStart, string Place, string Stored, string Expected, Instant FoundAt, Instant? HealedAt);

/// <summary>An org's audit so far.</summary>
public sealed record AuditState(Instant? LastCheckedAt, Instant? LastPassAt, long BucketsInLastPass, long DriftFound, long DriftHealed, IReadOnlyList<AuditFinding> Findings);

/// <summary>Keeps what the auditor did and found: an org's counters, its findings, the metrics and the log.</summary>
internal sealed partial class AuditRecords(NpgsqlDataSource database, TimeProvider time, ILogger<AuditRecords> log)
{
    public const int ShownFindings = 100;
    private static readonly Duration KeepFindings = Duration.FromDays(90);

    private static readonly Counter<long> Checked = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.audit_buckets", "{bucket}", "Buckets compared with Ingestion.");
    private static readonly Counter<long> Found = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.drift_found", "{difference}", "Differences found.");
    private static readonly Counter<long> Healed = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.drift_healed", "{difference}", "Differences healed.");

    /// <param name="org">Whose buckets were compared.</param>
    /// <param name="buckets">How many.</param>
    /// <param name="inPass">How many of them by the slow cycle.</param>
    /// <param name="passDone">The slow cycle came to the org's last bucket.</param>
    /// <param name="findings">What was found.</param>
    /// <param name="ct">Cancels.</param>
    public async Task NoteAsync(Guid org, int buckets, int inPass, bool passDone, IReadOnlyList<Finding> findings, CancellationToken ct)
    {
        var now = Now();
        await using var tx = await database.BeginOrgAsync(org, ct);
        await InsertAsync(tx, org, findings, now, ct);
        if (passDone) await ForgetAsync(tx, org, now, ct);
        var healed = findings.Count(one => one.Customer is null);
        // Aggregates whose rebuild is done are healed.
        await using (var command = tx.Command("""
            WITH settled AS (
              UPDATE audit_findings f SET healed_at = $2 WHERE f.org_id = $1 AND f.healed_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM dirty_buckets d WHERE d.org_id = $1 AND d.customer_key = f.customer_key AND d.bucket_start = f.bucket_start)
              RETURNING 1),
            counted AS (SELECT count(*) AS n FROM settled)
            INSERT INTO audits AS a (org_id, last_checked_at, last_pass_at, running_buckets, pass_buckets, drift_found, drift_healed)
            SELECT $1, $2, CASE WHEN $4 THEN $2 END, CASE WHEN $4 THEN 0 ELSE $3 END, CASE WHEN $4 THEN $3 ELSE 0 END, $5, $6 + n FROM counted
            ON CONFLICT (org_id) DO UPDATE SET last_checked_at = excluded.last_checked_at, last_pass_at = coalesce(excluded.last_pass_at, a.last_pass_at),
              running_buckets = CASE WHEN $4 THEN 0 ELSE a.running_buckets + $3 END, pass_buckets = CASE WHEN $4 THEN a.running_buckets + $3 ELSE a.pass_buckets END,
              drift_found = a.drift_found + excluded.drift_found, drift_healed = a.drift_healed + excluded.drift_healed
            RETURNING (SELECT n FROM counted)
            """))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = inPass });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = passDone });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = findings.Count });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = healed });
            healed += (int)(long)(await command.ExecuteScalarAsync(ct))!;
        }

        await tx.CommitAsync(ct);
        Checked.Add(buckets);
        Healed.Add(healed);
        foreach (var one in findings)
        {
            Found.Add(1, new KeyValuePair<string, object?>("kind", one.Kind.ToString()));
            LogDrift(one.Kind, org, one.BucketStart, one.Place, one.Stored, one.Expected);
        }
    }

    public async Task<AuditState> ReadAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        var findings = new List<AuditFinding>();
        await using (var command = tx.Command("""
            SELECT kind, bucket_start, place, stored, expected, found_at, healed_at FROM audit_findings WHERE org_id = $1 ORDER BY id DESC LIMIT $2
            """))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = ShownFindings });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                findings.Add(new AuditFinding(
                    Enum.Parse<DriftKind>(reader.GetString(0)), reader.GetFieldValue<Instant>(1), reader.GetString(2), reader.GetString(3), reader.GetString(4),
                    reader.GetFieldValue<Instant>(5), await reader.IsDBNullAsync(6, ct) ? null : reader.GetFieldValue<Instant>(6)));
            }
        }

        await using var audit = tx.Command("SELECT last_checked_at, last_pass_at, pass_buckets, drift_found, drift_healed FROM audits WHERE org_id = $1");
        audit.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        await using var row = await audit.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new AuditState(row.GetFieldValue<Instant>(0), await row.IsDBNullAsync(1, ct) ? null : row.GetFieldValue<Instant>(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), findings)
            : new AuditState(null, null, 0, 0, 0, findings);
    }

    private async Task InsertAsync(ScopedTransaction tx, Guid org, IReadOnlyList<Finding> findings, Instant now, CancellationToken ct)
    {
        if (findings.Count == 0) return;
        await using var command = tx.Command("""
            INSERT INTO audit_findings (org_id, id, kind, bucket_start, place, customer_key, stored, expected, found_at, healed_at)
            SELECT $1, i, k, b, p, c, s, e, $2, CASE WHEN c IS NULL THEN $2 END
            FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[]) t(i, k, b, p, c, s, e)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now });
        UsageSql.Array(command, findings, _ => Guid.CreateVersion7(time.GetUtcNow()));
        UsageSql.Array(command, findings, one => one.Kind.ToString());
        UsageSql.Array(command, findings, one => one.BucketStart);
        UsageSql.Array(command, findings, one => one.Place);
        UsageSql.Array(command, findings, one => one.Customer);
        UsageSql.Array(command, findings, one => one.Stored);
        UsageSql.Array(command, findings, one => one.Expected);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task ForgetAsync(ScopedTransaction tx, Guid org, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command("DELETE FROM audit_findings WHERE org_id = $1 AND id < $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = AppliedBatches.FirstIdAt(now - KeepFindings) });
        await command.ExecuteNonQueryAsync(ct);
    }

    private Instant Now() => Instant.FromDateTimeOffset(time.GetUtcNow());

    [LoggerMessage(Level = LogLevel.Error, Message = "Drift ({Kind}) of org {OrgId}, bucket {Bucket}, {Place}: {Stored}, should be {Expected}. It is being healed.")]
    private partial void LogDrift(DriftKind kind, Guid orgId, Instant bucket, string place, string stored, string expected);
}
