using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Wakes the period close at once; without it the next look comes within a second.</summary>
internal sealed class InvoiceSignal : Signal;

/// <summary>
/// Period close: finds orgs with a period that ended (plus grace, by the org's own clock) or a draft that more usage came for, and has
/// <see cref="DraftInvoices"/> do them chunk by chunk. A crash leaves whole chunks done or not done; several replicas share the work.
/// </summary>
internal sealed partial class GenerateInvoices(
    IServiceScopeFactory scopes, NpgsqlDataSource database, InvoiceSignal signal, IOptions<BillingOptions> options, TimeProvider time, ILogger<GenerateInvoices> log)
    : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private const int OrgsAtOnce = 100;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var org in await DueOrgsAsync(stoppingToken)) await TryCloseOrgAsync(org, stoppingToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or RpcException or DbUpdateException or InvalidOperationException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
                await Task.Delay(LookEvery, stoppingToken);
            }

            await signal.WaitAsync(LookEvery, stoppingToken);
        }
    }

    /// <summary>What is wrong with one org's data must not keep others from their invoices; it is tried again with every look.</summary>
    private async Task TryCloseOrgAsync(Guid org, CancellationToken ct)
    {
        try
        {
            await CloseOrgAsync(org, ct);
        }
        catch (Exception exception) when (exception is not NpgsqlException { IsTransient: true } && !ct.IsCancellationRequested)
        {
            LogOrgFailed(exception, org);
        }
    }

    private async Task CloseOrgAsync(Guid org, CancellationToken ct)
    {
        var done = 0;
        int some;
        do
        {
            await using var scope = scopes.CreateAsyncScope();
            scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
            some = await scope.ServiceProvider.GetRequiredService<DraftInvoices>().DraftSomeAsync(ct);
            done += some;
        }
        while (some > 0);
        if (done > 0) LogDrafted(done, org);
    }

    private async Task<List<Guid>> DueOrgsAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.ClosePeriods, ct);
        await using var command = tx.Command("""
            SELECT DISTINCT s.org_id FROM subscriptions s JOIN orgs o ON o.org_id = s.org_id
            WHERE s.next_period_end <= coalesce(o.frozen_at, $1) - $2 AND (s.held_until IS NULL OR s.held_until <= $1)
            UNION SELECT DISTINCT i.org_id FROM invoices i JOIN subscriptions s ON s.org_id = i.org_id AND s.id = i.subscription_id
              WHERE i.stale AND i.status = 'draft' AND (s.held_until IS NULL OR s.held_until <= $1)
            UNION SELECT DISTINCT i.org_id FROM invoices i JOIN subscriptions s ON s.org_id = i.org_id AND s.id = i.subscription_id
              WHERE i.stale AND i.status IN ('finalized', 'paid') AND (s.held_until IS NULL OR s.held_until <= $1) AND i.engine_version = ANY($4) AND (s.next_period_end IS NULL OR EXISTS (
                SELECT 1 FROM invoices d WHERE d.org_id = i.org_id AND d.subscription_id = i.subscription_id AND d.status = 'draft' AND d.period_start > i.period_start))
            LIMIT $3
            """);
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        command.Parameters.Add(new NpgsqlParameter<Duration> { TypedValue = Duration.FromTimeSpan(options.Value.Grace) });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = OrgsAtOnce });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = RatingEngine.Versions });
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} invoices drafted for org {OrgId}.")]
    private partial void LogDrafted(int count, Guid orgId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Invoices of org {OrgId} could not be made; it is tried again.")]
    private partial void LogOrgFailed(Exception exception, Guid orgId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Closing periods failed; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
