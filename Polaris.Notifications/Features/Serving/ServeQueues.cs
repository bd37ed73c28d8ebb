using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Notifications.Features.Events;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Serving;

/// <summary>
/// Gives each receiver that has something due a turn: the one whose last turn is the longest ago comes first, whichever org it is of. Many
/// turns run at once, few of them of one org, and each is bounded, so neither a receiver that hangs nor an org with a million deliveries
/// keeps others waiting. Replicas share the order: a turn begins by taking the receiver's row for a bounded time, if nobody else has it.
/// </summary>
internal sealed partial class ServeQueues(
    NpgsqlDataSource database,
    ServeQueue serve,
    QueueSignal signal,
    TimeProvider time,
    ILogger<ServeQueues> log
) : PeriodicJob, IDisposable
{
    /// <summary>Turns at once in this process. Nearly all of them wait for an answer.</summary>
    private const int TurnsAtOnce = 256;

    /// <summary>Of one org.</summary>
    private const int TurnsOfOrg = 8;

    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Guid, (Guid Org, Task Turn)> running = [];

    /// <summary>Requests under way end with it; what is not recorded is sent again.</summary>
    private readonly CancellationTokenSource end = new();

    public override WakeSignal? Signal => signal;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        foreach (var (id, _) in running.Where(one => one.Value.Turn.IsCompleted).ToArray())
            running.Remove(id);
        var began = 0;
        if (running.Count < TurnsAtOnce)
        {
            foreach (var (org, id) in await DueAsync(TurnsAtOnce - running.Count, ct))
            {
                if (running.Values.Count(one => one.Org == org) >= TurnsOfOrg)
                    continue;
                running[id] = (org, Task.Run(() => TurnAsync(org, id), CancellationToken.None));
                began++;
            }
        }

        return began > 0 ? Immediately : PollEvery;
    }

    /// <summary>Requests under way get the time of an orderly stop.</summary>
    public override async Task StoppedAsync(CancellationToken ct)
    {
        serve.Stop();
        try
        {
            await Task.WhenAll(running.Values.Select(one => one.Turn)).WaitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            await end.CancelAsync();
        }
    }

    public void Dispose() => end.Dispose();

    private async Task TurnAsync(Guid org, Guid id)
    {
        try
        {
            await serve.HandleAsync(org, id, end.Token);
        }
        catch (Exception exception) when (!end.IsCancellationRequested)
        {
            // Its row is free again when the time it was taken for is over.
            LogTurnFailed(exception, org, id);
        }
        catch (Exception) when (end.IsCancellationRequested)
        {
            // The process ends.
        }
        finally
        {
            signal.Wake();
        }
    }

    private async Task<List<(Guid Org, Guid Id)>> DueAsync(int atMost, CancellationToken ct)
    {
        Guid[] busy = [.. running.Values.GroupBy(one => one.Org).Where(org => org.Count() >= TurnsOfOrg).Select(org => org.Key)];
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ServeQueues, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, id FROM queues
            WHERE due_at <= $1 AND held_until <= $1 AND id <> ALL ($2) AND org_id <> ALL ($3) ORDER BY turn_at LIMIT $4
            """
        );
        command.Bind(time.GetCurrentInstant()).Bind<Guid[]>([.. running.Keys]).Bind(busy).Bind(atMost);
        var due = new List<(Guid Org, Guid Id)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            due.Add((reader.GetGuid(0), reader.GetGuid(1)));
        return due;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A turn of queue {QueueId} of org {OrgId} failed.")]
    private partial void LogTurnFailed(Exception exception, Guid orgId, Guid queueId);
}
