using Microsoft.Extensions.Options;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Keeps the record of applied batches from growing without end. What the search for lost batches has proved to be applied, and is older than
/// <see cref="BillingOptions.KeepBatchIds"/>, counts as applied by its age alone; then its ids go. A record that comes again after that
/// still changes nothing.
/// </summary>
internal sealed partial class FoldAppliedBatches(NpgsqlDataSource database, IOptions<BillingOptions> options, TimeProvider time, ILogger<FoldAppliedBatches> log)
    : BackgroundService
{
    private const int AtOnce = 5_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await FoldAsync(options.Value.KeepBatchIds, stoppingToken);
            }
            catch (NpgsqlException exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
    }

    /// <summary>Folds what is proved and older than <paramref name="keep"/>; returns how many ids went.</summary>
    public async Task<long> FoldAsync(TimeSpan keep, CancellationToken ct)
    {
        var before = await MoveWatermarkAsync(keep, ct);
        var (removed, org) = (0L, Guid.Empty);
        while (await NextOrgAsync(org, ct) is { } next)
        {
            org = next;
            int some;
            do
            {
                some = await RemoveSomeAsync(org, before, ct);
                removed += some;
            }
            while (some == AtOnce);
        }

        if (removed > 0) LogFolded(removed);
        return removed;
    }

    private async Task<Guid> MoveWatermarkAsync(TimeSpan keep, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.FoldAppliedBatches, ct);
        var aged = AppliedBatches.FirstIdAt(Instant.FromDateTimeOffset(time.GetUtcNow() - keep));
        var proved = await AppliedBatches.ProvedBeforeAsync(tx, ct);
        var before = aged.CompareTo(proved) < 0 ? aged : proved;
        await using var command = tx.Command("UPDATE heal_position SET folded_before = greatest(folded_before, $1) WHERE id = 1 RETURNING folded_before");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = before });
        var watermark = await command.ExecuteScalarAsync(ct) as Guid? ?? Guid.Empty;
        await tx.CommitAsync(ct);
        return watermark;
    }

    private async Task<Guid?> NextOrgAsync(Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.FoldAppliedBatches, ct);
        await using var command = tx.Command("SELECT org_id FROM applied_batches WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        return await command.ExecuteScalarAsync(ct) as Guid?;
    }

    /// <summary>
    /// Under the org's lock taken alone: whoever applies its batches afterwards sees the watermark that was committed before. The id of a
    /// dead letter that was just applied stays until it is marked resolved.
    /// </summary>
    private async Task<int> RemoveSomeAsync(Guid org, Guid before, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await UsageSql.LockOrgAloneAsync(tx, org, ct);
        await using var command = tx.Command("""
            DELETE FROM applied_batches WHERE org_id = $1 AND batch_id IN (
              SELECT a.batch_id FROM applied_batches a WHERE a.org_id = $1 AND a.batch_id < $2
                AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.org_id = $1 AND d.id = a.batch_id AND d.resolved_at IS NULL)
              ORDER BY a.batch_id LIMIT $3)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = before });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AtOnce });
        var removed = await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        return removed;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} ids of applied batches were folded into the watermark.")]
    private partial void LogFolded(long count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Folding ids of applied batches failed; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
