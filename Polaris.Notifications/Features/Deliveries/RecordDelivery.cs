using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>A billing event becomes a delivery, once: the event's id is unique in the org.</summary>
internal sealed class RecordDelivery(NpgsqlDataSource database, TimeProvider time)
{
    private static readonly Counter<long> Recorded = PolarisTelemetry.Meter.CreateCounter<long>("polaris.notifications.deliveries", "{delivery}");
    private static readonly Counter<long> SetAside = PolarisTelemetry.Meter.CreateCounter<long>("polaris.notifications.dead_letters", "{record}");

    public async Task HandleAsync(ConsumeResult<Ignore, byte[]> record, CancellationToken ct)
    {
        var (billingEvent, reason) = Parse(record.Message.Value);
        if (billingEvent is null)
        {
            await SetAsideAsync(record, reason!, ct);
            return;
        }

        // Kinds that this version does not know are not for it to deliver.
        if (billingEvent.InvoiceGenerated is { } invoice) await RecordAsync(billingEvent, invoice, ct);
    }

    internal static (BillingEvent? Event, string? Reason) Parse(byte[]? payload)
    {
        try
        {
            var parsed = BillingEvent.Parser.ParseFrom(payload ?? []);
            if (!Guid.TryParse(parsed.OrgId, out _) || !Guid.TryParse(parsed.EventId, out _)) return (null, "The event names no org or id.");
            if (parsed.InvoiceGenerated is { } invoice && !Guid.TryParse(invoice.InvoiceId, out _)) return (null, "The event names no invoice.");
            return (parsed, null);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return (null, $"The value is no BillingEvent: {exception.Message}");
        }
    }

    private async Task RecordAsync(BillingEvent billingEvent, InvoiceGenerated invoice, CancellationToken ct)
    {
        var (org, now) = (Guid.Parse(billingEvent.OrgId), time.GetUtcNow());
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            INSERT INTO deliveries (org_id, id, event_id, kind, invoice_id, recipient, subject, status, created_at)
            VALUES ($1, $2, $3, 'invoice.generated', $4, $5, $6, 'recorded', $7) ON CONFLICT (org_id, event_id) DO NOTHING
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7(now) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.Parse(billingEvent.EventId) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.Parse(invoice.InvoiceId) });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = invoice.CustomerEmail.Length > 0 ? invoice.CustomerEmail : invoice.Customer });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"Invoice {invoice.Number}: {invoice.Total} {invoice.Currency}" });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(now) });
        Recorded.Add(await command.ExecuteNonQueryAsync(ct));
        await tx.CommitAsync(ct);
    }

    private async Task SetAsideAsync(ConsumeResult<Ignore, byte[]> record, string reason, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            "INSERT INTO dead_letters (topic, partition, record_offset, reason, payload, seen_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = record.Topic });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = record.Partition.Value });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = record.Offset.Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = record.Message.Value ?? [] });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        await command.ExecuteNonQueryAsync(ct);
        SetAside.Add(1);
    }
}
