using System.Collections.Concurrent;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>When keys were last used: kept here, written now and then by <see cref="WriteApiKeyUse"/>, so that no request waits for it.</summary>
internal sealed class ApiKeyUse
{
    /// <summary>So many keys are remembered between two writes; those beyond are noted at their next use.</summary>
    public const int Capacity = 20_000;

    private readonly ConcurrentDictionary<(Guid Org, Guid Key), Instant> used = new();

    public void Note(Guid org, Guid key, Instant at)
    {
        if (used.Count < Capacity || used.ContainsKey((org, key))) used[(org, key)] = at;
    }

    public (Guid[] Orgs, Guid[] Keys, DateTimeOffset[] At) Take()
    {
        var taken = used.Keys.ToArray().Select(id => (Id: id, Found: used.TryRemove(id, out var at), At: at)).Where(one => one.Found).ToArray();
        return ([.. taken.Select(one => one.Id.Org)], [.. taken.Select(one => one.Id.Key)], [.. taken.Select(one => one.At.ToDateTimeOffset())]);
    }
}

/// <summary>One statement for all keys used since the last time. What a crash loses is a time of use, no more.</summary>
internal sealed partial class WriteApiKeyUse(NpgsqlDataSource database, ApiKeyUse use, TimeProvider time, ILogger<WriteApiKeyUse> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await WriteAsync(stoppingToken);
            }
            catch (NpgsqlException exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
    }

    public async Task WriteAsync(CancellationToken ct)
    {
        var (orgs, keys, at) = use.Take();
        if (orgs.Length == 0) return;
        await using var tx = await database.BeginGateAsync(Gate.ApiKeyUse, ct);
        // A key in steady use is written once a minute, not every time.
        await using var command = tx.Command("""
            UPDATE api_keys k SET last_used_at = u.at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS u (org_id, key_id, at)
            WHERE k.org_id = u.org_id AND k.id = u.key_id AND (k.last_used_at IS NULL OR k.last_used_at < u.at - interval '1 minute')
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = orgs });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = keys });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = at });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last use of API keys could not be written; it is noted again at their next use.")]
    private partial void LogFailed(Exception exception);
}
