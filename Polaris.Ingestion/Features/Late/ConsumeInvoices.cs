using System.Diagnostics;
using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Ingestion.Features.Late;

/// <summary>
/// Consumes <c>polaris.billing.v1</c>, at least once, to learn which periods are invoiced. Nothing depends on it: while the broker is
/// unavailable, events are stored as usual and some late ones are not marked late.
/// </summary>
internal sealed class ConsumeInvoices(InvoicedPeriods periods, RecordDeadLetters letters) : RecordHandler(letters)
{
    public override string Topic => Topics.Billing;

    public override async Task HandleAsync(byte[] payload, CancellationToken ct)
    {
        var message = UnreadableRecordException.Parse(BillingEvent.Parser, payload);
        if (message.InvoiceGenerated is not { PeriodEnd: { } end } invoice)
            return;
        var org = Guid.Parse(message.OrgId);
        Activity.Current.SetOrgs(org);
        await periods.RecordAsync(org, invoice.Customer, Instant.FromDateTimeOffset(end.ToDateTimeOffset()), ct);
    }

    public override Guid OrgOf(byte[] payload)
    {
        try
        {
            return Guid.TryParse(BillingEvent.Parser.ParseFrom(payload).OrgId, out var org) ? org : Guid.Empty;
        }
        catch (InvalidProtocolBufferException)
        {
            return Guid.Empty;
        }
    }
}
