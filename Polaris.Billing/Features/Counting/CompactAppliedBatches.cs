using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// Bounds the table of applied batches. Batches that the search for lost batches has verified and that are older than
/// <see cref="BillingOptions.BatchIdRetention"/> count as applied by age, and their ids are deleted. A record that is delivered again later
/// still changes nothing.
/// </summary>
internal sealed partial class CompactAppliedBatches(
    NpgsqlDataSource database,
    IOptions<BillingOptions> options,
    TimeProvider time,
    ILogger<CompactAppliedBatches> log
) : PeriodicJob
{
    private const int BatchSize = 5_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await CompactAsync(options.Value.BatchIdRetention, ct);
        return Every;
    }

    /// <summary>Deletes verified ids older than <paramref name="keep"/>; returns how many.</summary>
    public async Task<long> CompactAsync(TimeSpan keep, CancellationToken ct)
    {
        var before = await MoveWatermarkAsync(keep, ct);
        var (removed, org) = (0L, Guid.Empty);
        while (await NextOrgAsync(org, ct) is { } next)
        {
            org = next;
            try
            {
                int count;
                do
                {
                    count = await RemoveSomeAsync(org, before, ct);
                    removed += count;
                } while (count == BatchSize);
            }
            catch (RefusedException exception) when (OrgLock.IsBusy(exception))
            {
                // Its ids wait for the next turn; other orgs' are removed now.
            }
        }

        if (removed > 0)
            LogCompacted(removed);
        return removed;
    }

    private async Task<Guid> MoveWatermarkAsync(TimeSpan keep, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.CompactAppliedBatches, ct);
        var aged = AppliedBatches.FirstIdAt(time.GetCurrentInstant() - Duration.FromTimeSpan(keep));
        var verified = await AppliedBatches.VerifiedBeforeAsync(tx, ct);
        var before = aged.CompareTo(verified) < 0 ? aged : verified;
        await using var command = tx.Command(
            "UPDATE recovery_position SET compacted_before = greatest(compacted_before, $1) WHERE id = 1 RETURNING compacted_before"
        );
        command.Bind(before);
        var watermark = await command.ExecuteScalarAsync(ct) as Guid? ?? Guid.Empty;
        await tx.CommitAsync(ct);
        return watermark;
    }

    private async Task<Guid?> NextOrgAsync(Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.CompactAppliedBatches, ct);
        await using var command = tx.Command("SELECT org_id FROM applied_batches WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Bind(after);
        return await command.ExecuteScalarAsync(ct) as Guid?;
    }

    /// <summary>
    /// Under the org's exclusive lock: later appliers of its batches see the watermark committed before. The id of a dead letter that was
    /// just applied is kept until it is marked resolved.
    /// </summary>
    private async Task<int> RemoveSomeAsync(Guid org, Guid before, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await OrgLock.TakeExclusiveAsync(tx, org, ct, OrgLock.WorkerWait);
        await using var command = tx.Command(
            """
            DELETE FROM applied_batches WHERE org_id = $1 AND batch_id IN (
              SELECT a.batch_id FROM applied_batches a WHERE a.org_id = $1 AND a.batch_id < $2
                AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.org_id = $1 AND d.id = a.batch_id AND d.resolved_at IS NULL)
              ORDER BY a.batch_id LIMIT $3)
            """
        );
        command.Bind(org).Bind(before).Bind(BatchSize);
        var removed = await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        return removed;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Folded {Count} ids of applied batches into the watermark.")]
    private partial void LogCompacted(long count);
}
