using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Counts the dead letters that wait (the gauge to alert on), resolves those whose batch got applied another way, forgets resolved ones after
/// a while, and at the start tries those of no org again: another version may read them.
/// </summary>
internal sealed partial class WatchDeadLetters(NpgsqlDataSource database, ReplayDeadLetters replay, TimeProvider time, ILogger<WatchDeadLetters> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);
    private static readonly Duration KeepResolved = Duration.FromDays(30);

    private long waiting;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        PolarisTelemetry.Meter.CreateObservableGauge("polaris.billing.dead_letters_waiting", () => Interlocked.Read(ref waiting), "{record}", "Records that could not be applied and wait.");
        var nobodys = true;
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                if (nobodys) await replay.ReplayAsync(Guid.Empty, null, stoppingToken);
                nobodys = false;
                await LookAsync(stoppingToken);
            }
            catch (NpgsqlException exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task LookAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.DeadLetters, ct);
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        await using (var resolve = tx.Command("""
            UPDATE dead_letters d SET resolved_at = $1
            WHERE resolved_at IS NULL AND EXISTS (SELECT 1 FROM applied_batches a WHERE a.org_id = d.org_id AND a.batch_id = d.id)
            """))
        {
            resolve.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now });
            await resolve.ExecuteNonQueryAsync(ct);
        }

        await using (var forget = tx.Command("DELETE FROM dead_letters WHERE resolved_at < $1"))
        {
            forget.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now - KeepResolved });
            await forget.ExecuteNonQueryAsync(ct);
        }

        await using (var count = tx.Command("SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"))
            Interlocked.Exchange(ref waiting, (long)(await count.ExecuteScalarAsync(ct))!);
        await tx.CommitAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Dead letters could not be looked at for now.")]
    private partial void LogFailed(Exception exception);
}
