using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.DeadLetterQueue;

/// <summary>
/// Counts unresolved dead letters (the gauge to alert on), resolves those whose batch was applied another way, deletes resolved ones after
/// a retention time, and at startup retries those of unknown orgs, which another version may be able to parse.
/// </summary>
internal sealed class MonitorDeadLetters(NpgsqlDataSource database, ReplayDeadLetters replay, TimeProvider time) : PeriodicJob
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);
    private static readonly Duration ResolvedRetention = Duration.FromDays(30);

    private bool replayedOrgless;
    private long waiting;

    public override void Starting() =>
        PolarisTelemetry.Meter.CreateObservableGauge(
            "polaris.billing.dead_letters_waiting",
            () => Interlocked.Read(ref waiting),
            "{record}",
            "Unresolved dead letters."
        );

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        if (!replayedOrgless)
            await replay.ReplayAsync(Guid.Empty, null, ct);
        replayedOrgless = true;
        await UpdateAsync(ct);
        return Every;
    }

    private async Task UpdateAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct);
        var now = time.GetCurrentInstant();
        await using (
            var resolve = tx.Command(
                """
                UPDATE dead_letters d SET resolved_at = $1
                WHERE resolved_at IS NULL AND EXISTS (SELECT 1 FROM applied_batches a WHERE a.org_id = d.org_id AND a.batch_id = d.id)
                """
            )
        )
        {
            resolve.Bind(now);
            await resolve.ExecuteNonQueryAsync(ct);
        }

        await using (var delete = tx.Command("DELETE FROM dead_letters WHERE resolved_at < $1"))
        {
            delete.Bind(now - ResolvedRetention);
            await delete.ExecuteNonQueryAsync(ct);
        }

        await using (var count = tx.Command("SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"))
            Interlocked.Exchange(ref waiting, (long)(await count.ExecuteScalarAsync(ct))!);
        await tx.CommitAsync(ct);
    }
}
