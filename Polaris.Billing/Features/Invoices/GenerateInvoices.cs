using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>
/// Closes periods: finds orgs with a period that ended (plus grace, by the org's clock), with a stale draft or with one whose review time
/// is over, and runs one chunk of <see cref="DraftInvoices"/> and one of <see cref="FinalizeInvoices"/> for each in turn. The org whose
/// last turn is the longest ago is next, on every replica, so an org with one due invoice waits for a few chunks of others, however many
/// periods those have due. After a crash each chunk is either done or not.
/// </summary>
internal sealed partial class GenerateInvoices(
    IServiceScopeFactory scopes,
    NpgsqlDataSource database,
    InvoiceSignal signal,
    IOptions<BillingOptions> options,
    TimeProvider time,
    ILogger<GenerateInvoices> log
) : PeriodicJob
{
    /// <summary>After this time the orgs are looked up again: one that became due meanwhile may be before those that are left.</summary>
    private static readonly TimeSpan TurnsBetweenLookups = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private const int OrgPageSize = 100;

    /// <summary>Turns of different orgs at a time: while one waits for the database, another one is rated.</summary>
    private const int TurnsAtOnce = 2;

    /// <summary>Invoices that are finalized in a turn: about as long as drafting a chunk takes.</summary>
    private const int FinalizedPerTurn = 250;

    /// <summary>
    /// Subscriptions of a chunk that failed which are tried one by one in the same turn; the others follow in later ones.
    /// </summary>
    private const int TriedAlone = 10;

    /// <summary>Keeps what fails for a whole org from delaying the invoices of others.</summary>
    private readonly OrgBackoff failing = new(nameof(GenerateInvoices), time, log);

    /// <param name="Org">The org.</param>
    /// <param name="Last">When its last turn began.</param>
    /// <param name="Reviews">Whether its drafts are finalized after a review time.</param>
    private sealed record Turn(Guid Org, Instant? Last, bool Reviews);

    public override WakeSignal Signal => signal;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var (began, done, left) = (TimeProvider.System.GetTimestamp(), 0, false);
        var due = await DueOrgsAsync(ct);
        await Parallel.ForEachAsync(
            due,
            new ParallelOptions { MaxDegreeOfParallelism = TurnsAtOnce, CancellationToken = ct },
            async (turn, stop) =>
            {
                if (TimeProvider.System.GetElapsedTime(began) > TurnsBetweenLookups)
                    left = true;
                else
                    await failing.RunAsync(
                        turn.Org,
                        async halt =>
                        {
                            // An org alone needs no lookup after each of its chunks.
                            var next = turn;
                            do
                            {
                                (var some, next) = await TakeTurnAsync(next, halt);
                                Interlocked.Add(ref done, some);
                                if (some == 0)
                                    return;
                            } while (due.Count == 1 && TimeProvider.System.GetElapsedTime(began) <= TurnsBetweenLookups);
                        },
                        stop
                    );
            }
        );
        return left || done > 0 ? Immediately : PollInterval;
    }

    /// <summary>One chunk; returns the number of invoices drafted, held or finalized, and the turn that may follow.</summary>
    private async Task<(int Done, Turn Next)> TakeTurnAsync(Turn turn, CancellationToken ct)
    {
        if (await BeginTurnAsync(turn, ct) is not { } begun)
            return (0, turn); // Another replica has just given the org its turn.
        var (done, next) = (0, turn with { Last = begun });
        await InOrgAsync(
            turn.Org,
            async services =>
            {
                var draft = services.GetRequiredService<DraftInvoices>();
                try
                {
                    done = await draft.DraftSomeAsync(ct);
                }
                catch (Exception exception)
                    when (HeldInvoices.MayConcernOne(exception) && draft.Chosen.Count > 0 && !ct.IsCancellationRequested)
                {
                    foreach (var subscription in draft.Chosen.Take(TriedAlone))
                        done += await DraftAloneAsync(turn.Org, subscription, ct);
                }
            }
        );
        if (done > 0)
            LogDrafted(done, turn.Org);
        if (!turn.Reviews)
            return (done, next);
        var finalized = 0;
        await InOrgAsync(
            turn.Org,
            async services => finalized = await services.GetRequiredService<FinalizeInvoices>().ReviewedAsync(FinalizedPerTurn, ct)
        );
        if (finalized > 0)
            LogFinalized(finalized, turn.Org);
        return (done + finalized, next);
    }

    /// <summary>A subscription's invoice in a transaction of its own, or the subscription is held.</summary>
    private async Task<int> DraftAloneAsync(Guid org, Guid subscription, CancellationToken ct)
    {
        var done = 0;
        try
        {
            await InOrgAsync(
                org,
                async services => done = await services.GetRequiredService<DraftInvoices>().DraftSomeAsync(ct, subscription)
            );
        }
        catch (Exception exception) when (HeldInvoices.MayConcernOne(exception) && !ct.IsCancellationRequested)
        {
            LogHeld(exception, subscription, org);
            await InOrgAsync(org, services => services.GetRequiredService<HeldInvoices>().HoldAsync(subscription, exception, ct));
            done = 1;
        }

        return done;
    }

    private async Task InOrgAsync(Guid org, Func<IServiceProvider, Task> act)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        await act(scope.ServiceProvider);
    }

    /// <summary>
    /// When the turn begins. Null when another replica began a turn of the org since the lookup, or somebody holds its books right now: it
    /// is not waited for.
    /// </summary>
    private async Task<Instant?> BeginTurnAsync(Turn turn, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(turn.Org, ct);
        // A crash may forget whose turn it was, which costs an org its place once.
        await using (var fast = tx.Command("SET LOCAL synchronous_commit = off"))
            await fast.ExecuteNonQueryAsync(ct);
        await using var command = tx.Command(
            """
            UPDATE orgs SET invoice_turn_at = $2 WHERE org_id = $1 AND org_id IN (
              SELECT org_id FROM orgs WHERE org_id = $1 AND invoice_turn_at IS NOT DISTINCT FROM $3 FOR UPDATE SKIP LOCKED)
            RETURNING invoice_turn_at
            """
        );
        command.Bind(turn.Org).Bind(time.GetCurrentInstant()).Bind(turn.Last);
        Instant? begun = null;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            if (await reader.ReadAsync(ct))
                begun = reader.GetFieldValue<Instant>(0);
        }

        await tx.CommitAsync(ct);
        return begun;
    }

    /// <summary>
    /// Orgs with something due, those first whose last turn is the longest ago. Each org is looked up by itself, by the first entry of
    /// its index (a minimum, and OFFSET 0, keep the planner from anything else), so the cost does not grow with the number of periods that
    /// one of them has due.
    /// </summary>
    private async Task<List<Turn>> DueOrgsAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ClosePeriods, ct);
        await using var command = tx.Command(
            """
            SELECT o.org_id, o.invoice_turn_at, o.review_hours IS NOT NULL FROM orgs o
            WHERE o.org_id <> ALL($5) AND ((
                SELECT min(s.next_period_end) FROM subscriptions s WHERE s.org_id = o.org_id
                  AND s.next_period_end IS NOT NULL AND (s.held_until IS NULL OR s.held_until <= $1)
              ) <= coalesce(o.frozen_at, $1) - coalesce(make_interval(mins => o.grace_minutes), $2)
              OR (o.review_hours IS NOT NULL AND EXISTS (
                SELECT 1 FROM invoices i WHERE i.org_id = o.org_id AND i.status = 'draft' AND NOT i.stale
                  AND i.drafted_at <= coalesce(o.frozen_at, $1) - make_interval(hours => o.review_hours) OFFSET 0))
              OR o.org_id IN (
                SELECT i.org_id FROM invoices i JOIN subscriptions s ON s.org_id = i.org_id AND s.id = i.subscription_id
                WHERE i.stale AND i.status = 'draft' AND (s.held_until IS NULL OR s.held_until <= $1))
              OR o.org_id IN (
                SELECT i.org_id FROM invoices i JOIN subscriptions s ON s.org_id = i.org_id AND s.id = i.subscription_id
                WHERE i.stale AND i.status IN ('finalized', 'paid') AND (s.held_until IS NULL OR s.held_until <= $1)
                  AND i.engine_version = ANY($4) AND (s.next_period_end IS NULL OR EXISTS (
                    SELECT 1 FROM invoices d WHERE d.org_id = i.org_id AND d.subscription_id = i.subscription_id
                      AND d.status = 'draft' AND d.period_start > i.period_start))))
            ORDER BY o.invoice_turn_at NULLS FIRST, o.org_id LIMIT $3
            """
        );
        command
            .Bind(time.GetCurrentInstant())
            .Bind(Duration.FromTimeSpan(options.Value.Grace))
            .Bind(OrgPageSize)
            .Bind(RatingEngine.Versions)
            .Bind(failing.Held());
        var turns = new List<Turn>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            turns.Add(
                new Turn(
                    reader.GetGuid(0),
                    await reader.IsDBNullAsync(1, ct) ? null : reader.GetFieldValue<Instant>(1),
                    reader.GetBoolean(2)
                )
            );
        return turns;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Drafted {Count} invoices for org {OrgId}.")]
    private partial void LogDrafted(int count, Guid orgId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Finalized {Count} invoices of org {OrgId} after their review time.")]
    private partial void LogFinalized(int count, Guid orgId);

    [LoggerMessage(Level = LogLevel.Error, Message = "The invoice of subscription {SubscriptionId} of org {OrgId} is held: it failed.")]
    private partial void LogHeld(Exception exception, Guid subscriptionId, Guid orgId);
}
