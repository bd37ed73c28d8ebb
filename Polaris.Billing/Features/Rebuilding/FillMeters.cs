using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Rebuilding;

/// <summary>
/// Counts earlier usage for a new meter: span by span, from exactly those stored events whose batch is recorded as applied
/// (<see cref="RefoldUsage"/>). Later batches add to the result, so filling does not race the consumer.
/// </summary>
internal sealed partial class FillMeters(
    NpgsqlDataSource database,
    MeterCatalog catalog,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    TimeProvider time,
    ILogger<FillMeters> log
) : PeriodicJob
{
    /// <summary>The longest span filled per transaction.</summary>
    private static readonly Duration MaxSpan = Duration.FromDays(1);

    /// <summary>Events of a span, approximately: its aggregates are kept in memory.</summary>
    private const long SpanEvents = 100_000;

    /// <summary>Spans filled of one org before the next org's turn.</summary>
    private const int SpansATurn = 2;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);
    private const int OrgPageSize = 100;

    /// <summary>What is left to fill of an org; lost with the process, which then begins anew.</summary>
    private sealed record FillPlan(Guid[] Meters, Queue<(Instant From, Instant To)> Left, int Spans);

    private readonly Dictionary<Guid, FillPlan> plans = [];
    private readonly OrgBackoff failing = new(nameof(FillMeters), time, log);

    public override WakeSignal Signal => catalog.Unfilled;

    /// <summary>A few spans of each org in turn, so that a large org's fill keeps no other org's meter waiting.</summary>
    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var (after, seen) = (Guid.Empty, new HashSet<Guid>());
        while (await OrgsToFillAsync(after, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
                await failing.RunAsync(org, stop => FillSomeAsync(org, stop), ct);
            seen.UnionWith(orgs);
            after = orgs[^1];
        }

        foreach (var org in plans.Keys.Except(seen).ToArray())
            plans.Remove(org);
        return plans.Count > 0 && failing.Held().Length < plans.Count ? Immediately : RetryInterval;
    }

    private async Task<List<Guid>> OrgsToFillAsync(Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.FillMeters, ct);
        await using var command = tx.Command(
            "SELECT DISTINCT org_id FROM meters WHERE NOT filled AND org_id > $1 ORDER BY org_id LIMIT $2"
        );
        command.Bind(after).Bind(OrgPageSize);
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    private async Task FillSomeAsync(Guid org, CancellationToken ct)
    {
        using var span = PolarisTelemetry.Source.StartActivity("fill meters");
        span.SetOrgs(org);
        if (!plans.TryGetValue(org, out var plan))
            plans.Add(org, plan = await PlanAsync(org, ct));
        for (var i = 0; i < SpansATurn && plan.Left.TryPeek(out var next); i++)
        {
            await FillSpanAsync(org, plan.Meters, next, ct);
            plan.Left.Dequeue();
        }

        if (plan.Left.Count > 0)
            return;
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("UPDATE meters SET filled = true WHERE org_id = $1 AND id = ANY($2)");
        command.Bind(org).Bind(plan.Meters);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        plans.Remove(org);
        LogFilled(plan.Meters.Length, org, plan.Spans);
    }

    /// <summary>Spans of at most a day and, unless a single bucket has more, <see cref="SpanEvents"/> events.</summary>
    private async Task<FillPlan> PlanAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        Guid[] meters;
        await using (var command = tx.Command("SELECT array(SELECT id FROM meters WHERE org_id = $1 AND NOT filled)"))
        {
            command.Bind(org);
            meters = (Guid[])(await command.ExecuteScalarAsync(ct))!;
        }

        await using var buckets = tx.Command(
            """
            SELECT bucket_start, sum(event_count)::bigint FROM usage_buckets WHERE org_id = $1 GROUP BY bucket_start ORDER BY bucket_start
            """
        );
        buckets.Bind(org);
        var (spans, events) = (new List<(Instant From, Instant To)>(), 0L);
        await using var reader = await buckets.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var (start, count) = (reader.GetFieldValue<Instant>(0), reader.GetInt64(1));
            events += count;
            if (spans.Count > 0 && events <= SpanEvents && start - spans[^1].From < MaxSpan)
                spans[^1] = (spans[^1].From, start + Buckets.Size);
            else
            {
                events = count;
                spans.Add((start, start + Buckets.Size));
            }
        }

        return new FillPlan(meters, new Queue<(Instant, Instant)>(spans), spans.Count);
    }

    private Task<bool> FillSpanAsync(Guid org, Guid[] meters, (Instant From, Instant To) span, CancellationToken ct) =>
        RefoldUsage.RunAsync(
            database,
            ingestion,
            org,
            async tx =>
            {
                var all = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
                return new RefoldScope(org, null, [.. all.Where(meter => meters.Contains(meter.Id))], span.From, span.To);
            },
            (_, _) => Task.CompletedTask,
            ct
        );

    [LoggerMessage(Level = LogLevel.Information, Message = "Filled {Count} meters of org {OrgId} in {Spans} spans of stored events.")]
    private partial void LogFilled(int count, Guid orgId, int spans);
}
