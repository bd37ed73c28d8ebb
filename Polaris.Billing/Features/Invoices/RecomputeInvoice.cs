using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Plans.Domain;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A figure of a line that raw events do not confirm.</summary>
public sealed record RecomputationDifference(string Charge, string Field, string Stored, string Recomputed);

public sealed record Recomputation(Guid InvoiceId, bool Identical, string ResultHash, string RecomputedHash, IReadOnlyList<RecomputationDifference> Differences);

/// <summary>
/// Proves an invoice: rebuilds it from Ingestion's raw events, the plan version and the subscription alone (no aggregate is read), and
/// compares every figure. Writes nothing.
/// </summary>
internal sealed class RecomputeInvoice(BillingDbContext db, TenantScope tenant, MeterCatalog catalog, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    /// <exception cref="RefusedException">The org has no such invoice, or raw events cannot be read at the moment.</exception>
    public async Task<Recomputation> HandleAsync(Guid invoiceId, CancellationToken ct)
    {
        var (invoice, plan) = await db.InTransactionAsync(async token =>
        {
            var row = await db.Invoices.AsNoTracking().Include(row => row.Lines.OrderBy(line => line.Ordinal)).SingleOrDefaultAsync(row => row.Id == invoiceId, token)
                ?? throw new RefusedException(Refusal.NotFound("invoice"));
            return (row, (await PlanCatalog.ReadAsync(db, [row.PlanVersionId], token))[row.PlanVersionId]);
        }, ct);
        if (invoice.EngineVersion != RatingEngine.Version)
            throw new InvalidOperationException($"Invoice {invoice.Id} was made by engine {invoice.EngineVersion}, which this build does not hold.");

        var period = new BillingPeriod(invoice.PeriodStart, invoice.PeriodEnd);
        var usage = await FromEventsAsync(invoice.CustomerKey, period, plan, ct);
        var rated = RatingEngine.Rate(new InvoiceSubject(invoice.SubscriptionId, invoice.CustomerKey, period), plan, usage, Currencies.MinorUnits(plan.Currency));
        return new Recomputation(invoice.Id, rated.ResultHash == invoice.ResultHash, invoice.ResultHash, rated.ResultHash, Compare(invoice, rated));
    }

    private async Task<Dictionary<string, MeterUsage>> FromEventsAsync(string customer, BillingPeriod period, PlanVersion plan, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var known = await catalog.ReadOrgAsync(org, ct);
        var meters = plan.Charges.Where(charge => charge.Meter is not null).Select(charge => known[charge.Meter!]).Distinct().ToArray();
        var totals = meters.ToDictionary(meter => meter.Key, _ => new UsageTotals());
        if (meters.Length == 0) return [];
        var request = new StreamEventsRequest
        {
            OrgId = org.ToString(),
            Customer = customer,
            From = Timestamp.FromDateTime(period.Start.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(period.End.ToDateTimeUtc()),
        };
        request.Types_.AddRange(meters.Select(meter => meter.EventType).Distinct());
        try
        {
            using var call = ingestion.StreamEvents(request, cancellationToken: ct);
            await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
            {
                foreach (var usageEvent in batch.Events)
                {
                    var hash = UsageDigest.EventHash(usageEvent.ContentHash.Span);
                    foreach (var meter in meters)
                    {
                        if (meter.Measure(usageEvent.Type, usageEvent.Properties.Span) is { } measurement) totals[meter.Key].Add(measurement, hash);
                    }
                }
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again."));
        }

        return meters.ToDictionary(meter => meter.Key, meter => totals[meter.Key].ToUsage(meter.Aggregation));
    }

    private static List<RecomputationDifference> Compare(InvoiceRow invoice, RatedInvoice rated)
    {
        var differences = new List<RecomputationDifference>();
        foreach (var (stored, line) in invoice.Lines.Zip(rated.Lines))
        {
            Check(stored.Charge, "quantity", RatingEngine.Text(stored.Quantity), RatingEngine.Text(line.Usage.Quantity));
            Check(stored.Charge, "unroundedAmount", RatingEngine.Text(stored.UnroundedAmount), RatingEngine.Text(line.UnroundedAmount));
            Check(stored.Charge, "amount", InvoiceRows.Text(stored.Amount), InvoiceRows.Text(line.Amount));
            Check(stored.Charge, "eventCount", InvoiceRows.Text(stored.EventCount), InvoiceRows.Text(line.Usage.EventCount));
            Check(stored.Charge, "eventDigest", InvoiceRows.Text(stored.EventDigest), InvoiceRows.Text(line.Usage.EventDigest));
        }

        return differences;

        void Check(string charge, string field, string stored, string recomputed)
        {
            if (stored != recomputed) differences.Add(new RecomputationDifference(charge, field, stored, recomputed));
        }
    }
}
