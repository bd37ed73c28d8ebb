using System.Collections.Concurrent;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>
/// When keys were last used: buffered here and written periodically by <see cref="WriteApiKeyUse"/>, so that no request waits for it.
/// </summary>
internal sealed class ApiKeyUse
{
    /// <summary>Maximum number of keys buffered between two writes; further ones are recorded at their next use.</summary>
    public const int Capacity = 20_000;

    private readonly ConcurrentDictionary<(Guid Org, Guid Key), Instant> used = new();

    public void Record(Guid org, Guid key, Instant at)
    {
        if (used.Count < Capacity || used.ContainsKey((org, key)))
            used[(org, key)] = at;
    }

    public (Guid[] Orgs, Guid[] Keys, DateTimeOffset[] At) Take()
    {
        var taken = used
            .Keys.ToArray()
            .Select(id => (Id: id, Found: used.TryRemove(id, out var at), At: at))
            .Where(entry => entry.Found)
            .ToArray();
        return (
            [.. taken.Select(entry => entry.Id.Org)],
            [.. taken.Select(entry => entry.Id.Key)],
            [.. taken.Select(entry => entry.At.ToDateTimeOffset())]
        );
    }
}

/// <summary>
/// Writes the last use of all buffered keys in one statement. What a crash or a failure loses is recorded at the next use.
/// </summary>
internal sealed class WriteApiKeyUse(NpgsqlDataSource database, ApiKeyUse use) : PeriodicJob
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await WriteAsync(ct);
        return Every;
    }

    private async Task WriteAsync(CancellationToken ct)
    {
        var (orgs, keys, at) = use.Take();
        if (orgs.Length == 0)
            return;
        using var span = PolarisTelemetry.Source.StartActivity("write API key use");
        span.SetOrgs(orgs);
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ApiKeyUse, ct);
        // A key in constant use is written once a minute, not on every run.
        await using var command = tx.Command(
            """
            UPDATE api_keys k SET last_used_at = u.at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS u (org_id, key_id, at)
            WHERE k.org_id = u.org_id AND k.id = u.key_id AND (k.last_used_at IS NULL OR k.last_used_at < u.at - interval '1 minute')
            """
        );
        command.Bind(orgs).Bind(keys).Bind(at);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }
}
