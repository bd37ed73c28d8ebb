using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Npgsql;
using Polaris.Identity.Features.Audit;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.RateLimiting;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.RateLimits;

/// <summary>Section <c>RateLimits</c>: what an org without limits of its own may do, per second, over all replicas.</summary>
public sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>Events at <c>/ingest</c>.</summary>
    [Range(1, 100_000_000)]
    public long EventsPerSecond { get; set; } = RateBudgets.DefaultPerSecond(RateBudgets.Events);

    /// <summary>GraphQL requests at the gateway.</summary>
    [Range(1, 1_000_000)]
    public long RequestsPerSecond { get; set; } = RateBudgets.DefaultPerSecond(RateBudgets.Requests);

    /// <summary>Values that GraphQL documents ask for at the gateway.</summary>
    [Range(1, 100_000_000)]
    public long CostPerSecond { get; set; } = RateBudgets.DefaultPerSecond(RateBudgets.Cost);

    public long Of(string budget) =>
        budget switch
        {
            RateBudgets.Events => EventsPerSecond,
            RateBudgets.Requests => RequestsPerSecond,
            RateBudgets.Cost => CostPerSecond,
            _ => throw new ArgumentOutOfRangeException(nameof(budget), budget, null),
        };
}

/// <summary>An org's limits per second; null where it has the installation's.</summary>
public sealed record RateLimits(long Events, long Requests, long Cost);

/// <summary>
/// The budgets of orgs: token buckets in the database, from which replicas of all services lease.
/// </summary>
internal sealed class OrgBudgets(NpgsqlDataSource database, IOptions<RateLimitOptions> options)
{
    public const long MaxPerSecond = 100_000_000;

    public async Task<RateLease> LeaseAsync(Guid org, string budget, long wanted, CancellationToken ct)
    {
        Check(budget);
        if (wanted < 0)
            throw new RefusedException(Refusal.Invalid("wanted", "out_of_range", "'wanted' must not be negative."));
        await using var tx = await database.BeginOrgAsync(org, ct);
        // A lease that a crash of the server forgets is no loss worth waiting for the disk.
        await using (var fast = tx.Command("SET LOCAL synchronous_commit = off"))
            await fast.ExecuteNonQueryAsync(ct);
        var lease = await TakeAsync(tx, org, budget, wanted, ct);
        if (lease is null)
        {
            await using var create = tx.Command(
                """
                INSERT INTO rate_budgets (org_id, budget, tokens, updated_at) VALUES ($1, $2, greatest($3, $4), clock_timestamp())
                ON CONFLICT DO NOTHING
                """
            );
            create.Bind(org).Bind(budget).Bind((double)options.Value.Of(budget)).Bind((double)RateBudgets.Burst(budget, 0));
            await create.ExecuteNonQueryAsync(ct);
            lease = await TakeAsync(tx, org, budget, wanted, ct) ?? throw new InvalidOperationException("The budget was not created.");
        }

        await tx.CommitAsync(ct);
        return lease;
    }

    public async Task<RateLimits> ReadAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("SELECT budget, per_second FROM rate_budgets WHERE org_id = $1 AND per_second IS NOT NULL");
        command.Bind(org);
        var own = new Dictionary<string, long>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            own.Add(reader.GetString(0), reader.GetInt64(1));
        long Of(string budget) => own.TryGetValue(budget, out var limit) ? limit : options.Value.Of(budget);
        return new RateLimits(Of(RateBudgets.Events), Of(RateBudgets.Requests), Of(RateBudgets.Cost));
    }

    /// <summary>Sets an org's own limit; null gives it the installation's again.</summary>
    /// <exception cref="RefusedException">There is no such budget, or the limit is out of range.</exception>
    public async Task SetAsync(Guid org, string budget, long? perSecond, CancellationToken ct)
    {
        Check(budget);
        if (perSecond is < 1 or > MaxPerSecond)
            throw new RefusedException(
                Refusal.Invalid(
                    "perSecond",
                    "out_of_range",
                    $"'perSecond' must be 1 to {MaxPerSecond}, or null for the installation's limit."
                )
            );
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using (var exists = tx.Command("SELECT 1 FROM orgs WHERE org_id = $1"))
        {
            exists.Bind(org);
            if (await exists.ExecuteScalarAsync(ct) is null)
                throw new RefusedException(Refusal.NotFound("org"));
        }

        await using var command = tx.Command(
            """
            INSERT INTO rate_budgets (org_id, budget, per_second, tokens, updated_at) VALUES ($1, $2, $3, $4, clock_timestamp())
            ON CONFLICT (org_id, budget) DO UPDATE SET per_second = excluded.per_second
            """
        );
        command.Bind(org).Bind(budget).Bind(perSecond).Bind((double)RateBudgets.Burst(budget, 0));
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private async Task<RateLease?> TakeAsync(ScopedTransaction tx, Guid org, string budget, long wanted, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            WITH bucket AS (
              SELECT coalesce(per_second, $3) AS rate, tokens, extract(epoch FROM clock_timestamp() - updated_at) AS seconds
              FROM rate_budgets WHERE org_id = $1 AND budget = $2 FOR UPDATE),
            filled AS (
              SELECT rate, least(greatest(rate, $5), tokens + rate * greatest(seconds, 0)) AS tokens FROM bucket),
            taken AS (SELECT rate, tokens, least($4, floor(tokens)) AS granted FROM filled)
            UPDATE rate_budgets SET tokens = taken.tokens - taken.granted, updated_at = clock_timestamp() FROM taken
            WHERE org_id = $1 AND budget = $2
            RETURNING taken.granted::bigint, taken.rate, floor(taken.tokens - taken.granted)::bigint
            """
        );
        command.Bind(org).Bind(budget).Bind(options.Value.Of(budget)).Bind((double)wanted).Bind((double)RateBudgets.Burst(budget, 0));
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? new RateLease(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)) : null;
    }

    private static void Check(string budget)
    {
        if (!RateBudgets.All.Contains(budget))
            throw new RefusedException(
                Refusal.Invalid("budget", "unknown_budget", $"'budget' must be {string.Join(" or ", RateBudgets.All)}, not '{budget}'.")
            );
    }
}
