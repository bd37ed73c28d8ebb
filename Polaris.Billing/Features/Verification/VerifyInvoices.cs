using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Verification;

/// <summary>
/// Compares the invoices of running verifications with raw events, a chunk of each org in turn; the one whose turn is the longest ago is
/// next. What a chunk found is stored with the place that it reached, so after a crash no invoice is counted twice or left out.
/// </summary>
internal sealed partial class VerifyInvoices(
    IServiceScopeFactory scopes,
    NpgsqlDataSource database,
    VerificationSignal signal,
    TimeProvider time,
    ILogger<VerifyInvoices> log
) : PeriodicJob
{
    public const int ChunkSize = 50;

    /// <summary>Invoices that are named as different, or as failed.</summary>
    public const int MaxNamed = 1_000;

    /// <summary>An invoice whose events cannot be read that many times has failed.</summary>
    public const int MaxTries = 5;

    /// <summary>A chunk ends after the invoice that reaches this, so that other orgs' turns come.</summary>
    private static readonly TimeSpan ChunkTime = TimeSpan.FromSeconds(1);

    /// <summary>After a crash another replica goes on within this time. Longer than a chunk with one slow invoice takes.</summary>
    private static readonly Duration Hold = Duration.FromMinutes(2);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);
    private const int OrgPageSize = 100;
    private readonly OrgBackoff failing = new(nameof(VerifyInvoices), time, log);

    public override WakeSignal Signal => signal;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var done = false;
        foreach (var (org, id) in await RunningAsync(ct))
            done |= await failing.RunAsync(org, stop => TakeTurnAsync(org, id, stop), ct);
        return done ? Immediately : PollInterval;
    }

    private async Task TakeTurnAsync(Guid org, Guid id, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        var db = scope.ServiceProvider.GetRequiredService<BillingDbContext>();
        if (await BeginAsync(db, id, ct) is not { } begun)
            return; // Another replica works on it.
        var found = new List<(Guid Id, long Sequence, Verdict Verdict)>();
        Exception? unanswered = null;
        var started = Stopwatch.GetTimestamp();
        foreach (var (invoice, sequence) in await NextAsync(db, begun, ct))
        {
            try
            {
                found.Add((invoice, sequence, await CompareAsync(scope.ServiceProvider, invoice, ct)));
            }
            catch (RefusedException exception) when (exception.Refusal.Kind == RefusalKind.Unavailable)
            {
                unanswered = exception;
                if (found.Count > 0 || begun.Tries + 1 < MaxTries)
                    break;
                found.Add((invoice, sequence, Verdict.Failed));
                LogFailed(exception, invoice, org);
                break;
            }
            catch (Exception exception) when (exception is RefusedException or OverflowException or InvalidOperationException)
            {
                found.Add((invoice, sequence, Verdict.Failed));
                LogFailed(exception, invoice, org);
            }

            if (Stopwatch.GetElapsedTime(started) > ChunkTime)
                break;
        }

        await StoreAsync(db, begun, found, unanswered is not null, ct);
        // Nothing could be compared: the org waits.
        if (unanswered is not null && found.Count == 0)
            throw unanswered;
    }

    private enum Verdict
    {
        Identical,
        Corrected,
        Different,
        Failed,
    }

    private static async Task<Verdict> CompareAsync(IServiceProvider services, Guid invoice, CancellationToken ct)
    {
        var result = await services.GetRequiredService<RecomputeInvoice>().HandleAsync(invoice, ct);
        return result.Identical ? Verdict.Identical
            : result.Settled ? Verdict.Corrected
            : Verdict.Different;
    }

    /// <summary>Null when another replica works on it or it is finished.</summary>
    private Task<InvoiceVerificationRow?> BeginAsync(BillingDbContext db, Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var now = time.GetCurrentInstant();
                var mine = await db
                    .InvoiceVerifications.Where(row => row.Id == id && row.FinishedAt == null)
                    .Where(row => row.HeldUntil == null || row.HeldUntil < now)
                    .ExecuteUpdateAsync(
                        set => set.SetProperty(row => row.TurnAt, now).SetProperty(row => row.HeldUntil, now + Hold),
                        token
                    );
                return mine == 1 ? await db.InvoiceVerifications.AsNoTracking().SingleAsync(row => row.Id == id, token) : null;
            },
            ct
        );

    private static Task<List<(Guid Id, long Sequence)>> NextAsync(BillingDbContext db, InvoiceVerificationRow at, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var next = await db
                    .Invoices.AsNoTracking()
                    .Where(row => row.Sequence > at.Position && row.Sequence <= at.ThroughSequence)
                    .Where(row => row.Status != InvoiceStatuses.Draft && row.FinalizedAt < at.StartedAt)
                    .OrderBy(row => row.Sequence)
                    .Take(ChunkSize)
                    .Select(row => new { row.Id, row.Sequence })
                    .ToListAsync(token);
                return next.ConvertAll(row => (row.Id, row.Sequence));
            },
            ct
        );

    /// <summary>Adds what was found, if nobody else has gone on meanwhile.</summary>
    private Task StoreAsync(
        BillingDbContext db,
        InvoiceVerificationRow begun,
        List<(Guid Id, long Sequence, Verdict Verdict)> found,
        bool unanswered,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                await using (var tx = db.BorrowTransaction())
                    await OrgBooks.LockAsync(tx, begun.OrgId, token);
                var row = await db.InvoiceVerifications.SingleOrDefaultAsync(
                    one => one.Id == begun.Id && one.Position == begun.Position && one.FinishedAt == null,
                    token
                );
                if (row is null)
                    return;
                row.HeldUntil = null;
                row.Tries = found.Count > 0 ? 0 : row.Tries + (unanswered ? 1 : 0);
                row.Identical += found.Count(one => one.Verdict == Verdict.Identical);
                row.Corrected += found.Count(one => one.Verdict == Verdict.Corrected);
                row.Different += found.Count(one => one.Verdict == Verdict.Different);
                row.Failed += found.Count(one => one.Verdict == Verdict.Failed);
                row.DifferentIds = Named(row.DifferentIds, Verdict.Different);
                row.FailedIds = Named(row.FailedIds, Verdict.Failed);
                row.Position = found.Count > 0 ? found[^1].Sequence : row.Position;
                if (found.Count == 0 && !unanswered)
                    row.FinishedAt = time.GetCurrentInstant();
                await db.SaveChangesAsync(token);

                Guid[] Named(Guid[] before, Verdict verdict) =>
                    [.. before.Concat(found.Where(one => one.Verdict == verdict).Select(one => one.Id)).Take(MaxNamed)];
            },
            ct
        );

    private async Task<List<(Guid Org, Guid Id)>> RunningAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.VerifyInvoices, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, id FROM invoice_verifications
            WHERE finished_at IS NULL AND (held_until IS NULL OR held_until < $1) AND org_id <> ALL($3)
            ORDER BY turn_at NULLS FIRST, org_id LIMIT $2
            """
        );
        command.Bind(time.GetCurrentInstant()).Bind(OrgPageSize).Bind(failing.Held());
        var running = new List<(Guid, Guid)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            running.Add((reader.GetGuid(0), reader.GetGuid(1)));
        return running;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Invoice {InvoiceId} of org {OrgId} cannot be compared with its events.")]
    private partial void LogFailed(Exception exception, Guid invoiceId, Guid orgId);
}
