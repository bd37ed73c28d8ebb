using System.Globalization;
using System.Text.Json;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.Plans.Domain;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A step as stored and shown: decimals as strings.</summary>
public sealed record StoredStep(string Label, string Quantity, string UnitPrice, string Amount);

/// <summary>Between a rated invoice and its rows.</summary>
internal static class InvoiceRows
{
    /// <summary>Rates a period as its invoice has it. An empty one has no charges of its own, not even flat fees.</summary>
    public static RatedInvoice Rate(Guid subscription, string customer, BillingPeriod period, PlanVersion plan, IReadOnlyDictionary<string, MeterUsage> usage) => RatingEngine.Rate(
        new InvoiceSubject(subscription, customer, period), period.IsEmpty ? plan with { Charges = [] } : plan, usage, Currencies.MinorUnits(plan.Currency));

    public static InvoiceRow Create(
        Guid org, Guid id, string number, SubscriptionRow subscription, BillingPeriod period, PlanVersion plan, AdjustedInvoice rated, Instant now)
    {
        var invoice = new InvoiceRow
        {
            OrgId = org,
            Id = id,
            Number = number,
            SubscriptionId = subscription.Id,
            CustomerKey = subscription.CustomerKey,
            Currency = plan.Currency,
            PeriodStart = period.Start,
            PeriodEnd = period.End,
            PlanVersionId = plan.Id,
            PlanVersionHash = plan.Hash,
            CreatedAt = now,
        };
        Fill(invoice, rated);
        return invoice;
    }

    /// <summary>A draft is replaced whole: same id and number, new lines.</summary>
    public static void Replace(InvoiceRow draft, AdjustedInvoice rated)
    {
        if (draft.Status != InvoiceStatuses.Draft) throw new InvalidOperationException($"Invoice {draft.Id} is {draft.Status}: only a draft is ever replaced.");
        Fill(draft, rated);
        draft.Stale = false;
    }

    public static IReadOnlyList<StoredStep> Steps(InvoiceLineRow line) => JsonSerializer.Deserialize<StoredStep[]>(line.Explanation)!;

    private static void Fill(InvoiceRow invoice, AdjustedInvoice rated)
    {
        invoice.Total = rated.Total;
        invoice.EngineVersion = RatingEngine.Version;
        invoice.ResultHash = rated.ResultHash;
        var ordinal = 0;
        foreach (var charge in rated.Own.Lines) Fill(Line(invoice, ordinal++), InvoiceLineKinds.Charge, null, charge);
        foreach (var adjustment in rated.Adjustments) Fill(Line(invoice, ordinal++), InvoiceLineKinds.Adjustment, adjustment, adjustment.Line);
        invoice.Lines.RemoveAll(line => line.Ordinal >= ordinal);
    }

    private static InvoiceLineRow Line(InvoiceRow invoice, int ordinal)
    {
        if (invoice.Lines.SingleOrDefault(existing => existing.Ordinal == ordinal) is not { } line)
            invoice.Lines.Add(line = new InvoiceLineRow { OrgId = invoice.OrgId, InvoiceId = invoice.Id, Ordinal = ordinal });
        return line;
    }

    private static void Fill(InvoiceLineRow line, string kind, AdjustmentLine? adjustment, RatedLine rated)
    {
        line.Kind = kind;
        line.AdjustsInvoiceId = adjustment?.AdjustsInvoiceId;
        line.AdjustsNumber = adjustment?.AdjustsNumber;
        line.Charge = rated.Charge.Key;
        line.Name = rated.Charge.Name;
        line.Meter = rated.Charge.Meter;
        line.Quantity = rated.Usage.Quantity;
        line.UnroundedAmount = rated.UnroundedAmount;
        line.Amount = rated.Amount;
        line.EventCount = rated.Usage.EventCount;
        line.EventDigest = rated.Usage.EventDigest;
        line.Explanation = JsonSerializer.Serialize(rated.Steps.Select(step => new StoredStep(
            step.Label, RatingEngine.Text(step.Quantity), RatingEngine.Text(step.UnitPrice), RatingEngine.Text(step.Amount))));
    }

    public static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
