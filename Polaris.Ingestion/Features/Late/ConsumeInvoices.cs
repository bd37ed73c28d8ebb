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
internal sealed class ConsumeInvoices(InvoicedPeriods periods, RecordDeadLetters letters) : RecordHandler<InvoicedPeriod>(letters)
{
    public override string Topic => Topics.Billing;

    protected override InvoicedPeriod? Read(byte[] payload)
    {
        var message = UnreadableRecordException.Parse(BillingEvent.Parser, payload);
        if (message.InvoiceGenerated is not { PeriodEnd: { } end } invoice)
            return null;
        var org = Guid.Parse(message.OrgId);
        Activity.Current.SetOrgs(org);
        return new InvoicedPeriod(org, invoice.Customer, Instant.FromDateTimeOffset(end.ToDateTimeOffset()));
    }

    protected override Task StoreAsync(IReadOnlyList<InvoicedPeriod> read, CancellationToken ct) => periods.RecordAsync(read, ct);

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
