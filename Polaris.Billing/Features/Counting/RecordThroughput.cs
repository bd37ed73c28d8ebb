using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// Writes what was counted: for the installation by 10 seconds, kept for a day; for each org by 5 minutes, kept for an hour. So an operator
/// reads a few thousand rows, however many events there were. Replicas add to the same rows. A process that is killed takes the figures of
/// its last seconds with it, and nothing else.
/// </summary>
internal sealed class RecordThroughput(NpgsqlDataSource database, Throughput throughput, TimeProvider time) : PeriodicJob
{
    public static readonly Duration Slot = Duration.FromSeconds(10);
    public static readonly Duration OrgSlot = Duration.FromMinutes(5);
    public static readonly Duration Kept = Duration.FromDays(1);
    public static readonly Duration OrgKept = Duration.FromHours(1);

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(3);
    private static readonly Duration ForgetEvery = Duration.FromMinutes(1);

    private Instant forgot;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await WriteAsync(ct);
        return Every;
    }

    public override async Task StoppedAsync(CancellationToken ct)
    {
        try
        {
            await WriteAsync(ct);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            // Figures of seconds are not worth a failed shutdown.
        }
    }

    /// <summary>The beginning of the slot that a time is in.</summary>
    internal static Instant SlotOf(Instant at, Duration length) =>
        Instant.FromUnixTimeTicks(at.ToUnixTimeTicks() - (at.ToUnixTimeTicks() % length.BclCompatibleTicks));

    private async Task WriteAsync(CancellationToken ct)
    {
        var taken = throughput.Take();
        var now = time.GetCurrentInstant();
        if (taken.Events.Count == 0 && now - forgot < ForgetEvery)
            return;
        try
        {
            await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RecordThroughput, ct);
            if (taken.Events.Count > 0)
                await AddAsync(tx, taken, now, ct);
            if (now - forgot >= ForgetEvery)
                await ForgetAsync(tx, now, ct);
            await tx.CommitAsync(ct);
        }
        catch
        {
            throughput.PutBack(taken);
            throw;
        }
    }

    private static async Task AddAsync(ScopedTransaction tx, CountedSince taken, Instant now, CancellationToken ct)
    {
        // In the order of ids, so that two replicas do not wait for each other in a circle.
        var orgs = taken.Events.OrderBy(org => org.Key).ToArray();
        await using (
            var command = tx.Command(
                """
                INSERT INTO org_throughput AS t (org_id, slot, events) SELECT o, $3, e FROM unnest($1::uuid[], $2::bigint[]) u(o, e)
                ON CONFLICT (org_id, slot) DO UPDATE SET events = t.events + excluded.events
                """
            )
        )
        {
            command.BindColumn(orgs, org => org.Key).BindColumn(orgs, org => org.Value).Bind(SlotOf(now, OrgSlot));
            await command.ExecuteNonQueryAsync(ct);
        }

        await using var all = tx.Command(
            """
            INSERT INTO throughput AS t (slot, events, slowest_ms) VALUES ($1, $2, $3)
            ON CONFLICT (slot) DO UPDATE SET events = t.events + excluded.events, slowest_ms = greatest(t.slowest_ms, excluded.slowest_ms)
            """
        );
        all.Bind(SlotOf(now, Slot)).Bind(orgs.Sum(org => org.Value)).Bind(taken.SlowestMs);
        await all.ExecuteNonQueryAsync(ct);
    }

    private async Task ForgetAsync(ScopedTransaction tx, Instant now, CancellationToken ct)
    {
        await using (var orgs = tx.Command("DELETE FROM org_throughput WHERE slot < $1"))
            await orgs.Bind(now - OrgKept - OrgSlot).ExecuteNonQueryAsync(ct);
        await using (var all = tx.Command("DELETE FROM throughput WHERE slot < $1"))
            await all.Bind(now - Kept - Slot).ExecuteNonQueryAsync(ct);
        forgot = now;
    }
}
