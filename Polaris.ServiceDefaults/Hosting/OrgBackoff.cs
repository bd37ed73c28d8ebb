using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.ServiceDefaults.Hosting;

/// <summary>
/// Isolates failures of a worker's orgs: a failure is logged and counted, and only that org backs off. Different orgs may run at once.
/// </summary>
public sealed partial class OrgBackoff(string worker, TimeProvider time, ILogger log)
{
    /// <summary>Maximum number of orgs that back off; further failing orgs are retried every turn.</summary>
    public const int MaxHeld = 10_000;

    public static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(15);

    private readonly Lock sync = new();
    private readonly FailureLog failures = new(worker, time);
    private readonly Dictionary<Guid, (Backoff Backoff, DateTimeOffset Until)> held = [];

    /// <summary>The orgs that back off at the moment, for a lookup that is to find others.</summary>
    public Guid[] Held()
    {
        var now = time.GetUtcNow();
        lock (sync)
            return [.. held.Where(org => now < org.Value.Until).Select(org => org.Key)];
    }

    /// <summary>
    /// True when it succeeded; false when it failed, or is backing off. An unavailable database is not the org's failure and throws.
    /// </summary>
    public async Task<bool> RunAsync(Guid org, Func<CancellationToken, Task> run, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(run);
        (Backoff? Backoff, DateTimeOffset Until) before;
        lock (sync)
            before = held.GetValueOrDefault(org);
        if (time.GetUtcNow() < before.Until)
            return false;
        try
        {
            await run(ct);
            lock (sync)
                held.Remove(org);
            return true;
        }
        catch (Exception exception) when (exception is not NpgsqlException { IsTransient: true } && !ct.IsCancellationRequested)
        {
            // Refused as unavailable: nothing is broken, and the work is for later.
            var waits = RefusalMapping.TryGetRefusal(exception, out var refusal) && refusal.Kind == RefusalKind.Unavailable;
            var backoff = before.Backoff ?? new Backoff(MinWait, MaxWait);
            var wait = backoff.Next();
            lock (sync)
            {
                if (!waits)
                    failures.Count(exception);
                if (held.ContainsKey(org) || held.Count < MaxHeld)
                    held[org] = (backoff, time.GetUtcNow() + wait);
            }

            if (waits)
                LogOrgWaits(worker, org, refusal!.Code, wait);
            else
                LogOrgFailed(exception, worker, org, wait);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Worker} failed for org {OrgId}; next try in {Wait}.")]
    private partial void LogOrgFailed(Exception exception, string worker, Guid orgId, TimeSpan wait);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Worker} comes back to org {OrgId} in {Wait}: {Code}.")]
    private partial void LogOrgWaits(string worker, Guid orgId, string code, TimeSpan wait);
}
