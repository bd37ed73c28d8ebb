using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.Billing.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Grpc;

/// <summary>Billing's API for other services. The org in the request becomes the tenant of the call.</summary>
internal sealed class BillingGrpcService(
    TenantScope tenant,
    ReadCurrentUsage currentUsage,
    ReadInvoices invoices,
    RecomputeInvoice recompute,
    LocateEvents locate,
    TestClocks testClocks,
    UnconfirmedEvents unconfirmed,
    ReadDocument documents,
    PrintQueue printing
) : V1.Billing.BillingBase
{
    public override async Task<GetCurrentUsageResponse> GetCurrentUsage(GetCurrentUsageRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var response = new GetCurrentUsageResponse();
        response.Charges.AddRange(
            (await currentUsage.HandleAsync(request.Customer, context.CancellationToken)).Select(charge => new ChargeUsage
            {
                SubscriptionId = charge.SubscriptionId.ToString(),
                Charge = charge.Charge,
                Meter = charge.Meter,
                PeriodStart = Timestamp.FromDateTime(charge.Period.Start.ToDateTimeUtc()),
                PeriodEnd = Timestamp.FromDateTime(charge.Period.End.ToDateTimeUtc()),
                Quantity = Text(charge.Quantity),
                Amount = Text(charge.Amount),
                Currency = charge.Currency,
            })
        );
        return response;
    }

    public override async Task<GetInvoicesResponse> GetInvoices(GetInvoicesRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var page = await invoices.PageAsync(
            request.First == 0 ? 50 : request.First,
            NullIfEmpty(request.After),
            NullIfEmpty(request.Customer),
            null,
            context.CancellationToken
        );
        var response = new GetInvoicesResponse { EndCursor = page.EndCursor ?? "", HasNextPage = page.HasNextPage };
        response.Invoices.AddRange(page.Rows.Select(ToMessage));
        return response;
    }

    public override async Task<RecomputeInvoiceResponse> RecomputeInvoice(RecomputeInvoiceRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var id = ParseId("invoice_id", request.InvoiceId);
        var result = await TooLarge.RefuseAsync(() => recompute.HandleAsync(id, context.CancellationToken));
        var response = new RecomputeInvoiceResponse
        {
            Identical = result.Identical,
            StoredHash = result.ResultHash,
            RecomputedHash = result.RecomputedHash,
            ChangedEventCount = result.ChangedEventCount,
            Settled = result.Settled,
        };
        response.ChangedEvents.AddRange(
            result.ChangedEvents.Select(one => new V1.ChangedEvent
            {
                IdempotencyKey = one.IdempotencyKey,
                Type = one.Type,
                Timestamp = Timestamp.FromDateTime(one.At.ToDateTimeUtc()),
                Change = one.Change switch
                {
                    ChangeOfEvent.Late => "late",
                    ChangeOfEvent.Replacement => "replacement",
                    _ => "taken_back",
                },
                ChangedAt = Timestamp.FromDateTime(one.ChangedAt.ToDateTimeUtc()),
            })
        );
        response.CorrectedOn.AddRange(
            result.CorrectedOn.Select(on => new V1.CorrectingInvoice
            {
                InvoiceId = on.InvoiceId.ToString(),
                Number = on.Number ?? "",
                Status = on.Status,
            })
        );
        response.Differences.AddRange(
            result.Differences.Select(difference => new Difference
            {
                Charge = difference.Charge,
                Field = difference.Field,
                Stored = difference.Stored,
                Recomputed = difference.Recomputed,
            })
        );
        return response;
    }

    public override async Task<LocateEventsResponse> LocateEvents(LocateEventsRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var located = await locate.HandleAsync(
            tenant.RequireOrg(),
            [
                .. request.Events.Select(target => new EventToLocate(
                    target.IdempotencyKey,
                    ParseId("batch_id", target.BatchId),
                    target.Customer,
                    target.TimestampUs,
                    target.Type,
                    target.Properties.Memory
                )),
            ],
            context.CancellationToken
        );
        var response = new LocateEventsResponse();
        response.Events.AddRange(located.Select(ToMessage));
        return response;
    }

    public override async Task<GetTestClocksResponse> GetTestClocks(GetTestClocksRequest request, ServerCallContext context)
    {
        var clocks = await testClocks.ChangedAsync(
            request.After is { } after ? Instant.FromDateTimeOffset(after.ToDateTimeOffset()) : null,
            request.AfterOrgId.Length == 0 ? Guid.Empty : ParseId("after_org_id", request.AfterOrgId),
            context.CancellationToken
        );
        var response = new GetTestClocksResponse { HasMore = clocks.Count == TestClocks.PageSize };
        response.Clocks.AddRange(
            clocks.Select(clock => new V1.TestClock
            {
                OrgId = clock.Org.ToString(),
                Now = clock.Now is { } now ? Timestamp.FromDateTime(now.ToDateTimeUtc()) : null,
                SetAt = Timestamp.FromDateTime(clock.SetAt.ToDateTimeUtc()),
            })
        );
        return response;
    }

    public override async Task<GetUnconfirmedEventsResponse> GetUnconfirmedEvents(
        GetUnconfirmedEventsRequest request,
        ServerCallContext context
    )
    {
        var before = request.PublishedBefore ?? throw Missing("published_before");
        var response = new GetUnconfirmedEventsResponse();
        response.Events.AddRange(
            (await unconfirmed.ReadAsync(Instant.FromDateTimeOffset(before.ToDateTimeOffset()), context.CancellationToken)).Select(
                one => new UnconfirmedEvent
                {
                    OrgId = one.Org.ToString(),
                    EventId = one.EventId.ToString(),
                    Message = ByteString.CopyFrom(one.Message),
                    TraceLinks = one.TraceLinks ?? "",
                }
            )
        );
        return response;
    }

    public override async Task<ConfirmEventsResponse> ConfirmEvents(ConfirmEventsRequest request, ServerCallContext context)
    {
        if (request.Events.Count > UnconfirmedEvents.PageSize)
            throw new RefusedException(Refusal.Invalid("events", "too_many", $"'events' has at most {UnconfirmedEvents.PageSize} ids."));
        await unconfirmed.ConfirmAsync(
            [.. request.Events.Select(one => (ParseId("org_id", one.OrgId), ParseId("event_id", one.EventId)))],
            context.CancellationToken
        );
        return new ConfirmEventsResponse();
    }

    public override async Task<GetInvoiceDocumentResponse> GetInvoiceDocument(GetInvoiceDocumentRequest request, ServerCallContext context)
    {
        Enter(request.OrgId);
        var source =
            await documents.FindAsync(ParseId("invoice_id", request.InvoiceId), null, context.CancellationToken)
            ?? throw new RefusedException(Refusal.NotFound("invoice"));
        var document = source.ToDocument();
        var pdf =
            document.Rows > DocumentEndpoint.MaxRows
                ? []
                : await printing.PrintAsync(tenant.RequireOrg(), () => PdfInvoice.Render(source), context.CancellationToken);
        return new GetInvoiceDocumentResponse
        {
            Pdf = ByteString.CopyFrom(pdf),
            FileName = document.FileName,
            Customer = source.Invoice.CustomerKey,
            CustomerName = source.Parties.Buyer.Name ?? "",
            CustomerEmail = source.Parties.Buyer.Email ?? "",
            AmountDue = Text(source.Invoice.AmountDue),
        };
    }

    private static RefusedException Missing(string field) => new(Refusal.Invalid(field, "missing", $"'{field}' must be given."));

    private static EventLocation ToMessage(LocatedEvent located)
    {
        var message = new EventLocation { Applied = located.Applied, Corrected = located.Corrected };
        foreach (var counted in located.Counted)
        {
            var of = new CountedIn { Meter = counted.Meter, BucketStart = Timestamp.FromDateTime(counted.BucketStart.ToDateTimeUtc()) };
            of.Lines.AddRange(
                counted.Lines.Select(line => new InvoiceLineRef
                {
                    InvoiceId = line.InvoiceId.ToString(),
                    Number = line.Number,
                    Status = line.Status,
                    Charge = line.Charge,
                })
            );
            message.Counted.Add(of);
        }

        return message;
    }

    private static Invoice ToMessage(InvoiceRow row)
    {
        var message = new Invoice
        {
            Id = row.Id.ToString(),
            Number = row.Number ?? "",
            Customer = row.CustomerKey,
            Status = row.Status,
            Currency = row.Currency,
            Total = Text(row.Total),
            PeriodStart = Timestamp.FromDateTime(row.PeriodStart.ToDateTimeUtc()),
            PeriodEnd = Timestamp.FromDateTime(row.PeriodEnd.ToDateTimeUtc()),
            ResultHash = row.ResultHash,
        };
        message.Lines.AddRange(
            row.Lines.Select(line => new InvoiceLine
            {
                Charge = line.Charge,
                Meter = line.Meter ?? "",
                Quantity = Text(line.Quantity),
                Amount = Text(line.Amount),
                EventCount = line.EventCount,
                AdjustsInvoiceId = line.AdjustsInvoiceId?.ToString() ?? "",
                SpanStart = line.SpanStart is { } start ? Timestamp.FromDateTime(start.ToDateTimeUtc()) : null,
                SpanEnd = line.SpanEnd is { } end ? Timestamp.FromDateTime(end.ToDateTimeUtc()) : null,
                EventDigest = decimal.ToUInt64(line.EventDigest).ToString("x16", CultureInfo.InvariantCulture),
            })
        );
        return message;
    }

    private void Enter(string orgId) => tenant.EnterOrg(ParseId("org_id", orgId));

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id)
            ? id
            : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
