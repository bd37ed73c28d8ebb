using System.Diagnostics.Metrics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>Records a delivery for a billing event, once: the event's id is unique in the org.</summary>
internal sealed class RecordDelivery(NpgsqlDataSource database, TimeProvider time)
{
    private static readonly Counter<long> Recorded = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.notifications.deliveries",
        "{delivery}"
    );

    public async Task HandleAsync(BillingEvent billingEvent, InvoiceGenerated invoice, CancellationToken ct)
    {
        var (org, now) = (Guid.Parse(billingEvent.OrgId), time.GetUtcNow());
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            INSERT INTO deliveries (org_id, id, event_id, kind, invoice_id, recipient, subject, status, created_at)
            VALUES ($1, $2, $3, 'invoice.generated', $4, $5, $6, 'recorded', $7) ON CONFLICT (org_id, event_id) DO NOTHING
            """
        );
        command
            .Bind(org)
            .Bind(Guid.CreateVersion7(now))
            .Bind(Guid.Parse(billingEvent.EventId))
            .Bind(Guid.Parse(invoice.InvoiceId))
            .Bind(invoice.CustomerEmail.Length > 0 ? invoice.CustomerEmail : invoice.Customer)
            .Bind(
                invoice.Number.Length > 0
                    ? $"Invoice {invoice.Number}: {invoice.Total} {invoice.Currency}"
                    : $"Draft invoice: {invoice.Total} {invoice.Currency}"
            )
            .Bind(Instant.FromDateTimeOffset(now));
        Recorded.Add(await command.ExecuteNonQueryAsync(ct));
        await tx.CommitAsync(ct);
    }
}
