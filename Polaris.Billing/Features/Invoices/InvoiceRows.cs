using System.Globalization;
using System.Text.Json;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A step as stored and shown: decimals as strings.</summary>
public sealed record StoredStep(string Label, string Quantity, string UnitPrice, string Amount);

/// <summary>Between a rated invoice and its rows.</summary>
internal static class InvoiceRows
{
    public static InvoiceRow Create(
        Guid org, Guid id, string number, SubscriptionRow subscription, BillingPeriod period, PlanVersion plan, RatedInvoice rated, Instant now)
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
    public static void Replace(InvoiceRow draft, RatedInvoice rated)
    {
        if (draft.Status != InvoiceStatuses.Draft) throw new InvalidOperationException($"Invoice {draft.Id} is {draft.Status}: only a draft is ever replaced.");
        Fill(draft, rated);
        draft.Stale = false;
    }

    public static IReadOnlyList<StoredStep> Steps(InvoiceLineRow line) => JsonSerializer.Deserialize<StoredStep[]>(line.Explanation)!;

    private static void Fill(InvoiceRow invoice, RatedInvoice rated)
    {
        invoice.Total = rated.Total;
        invoice.EngineVersion = RatingEngine.Version;
        invoice.ResultHash = rated.ResultHash;
        for (var i = 0; i < rated.Lines.Count; i++)
        {
            // A plan version never changes, so a replaced draft has the same lines in the same places.
            if (invoice.Lines.SingleOrDefault(existing => existing.Ordinal == i) is not { } line)
                invoice.Lines.Add(line = new InvoiceLineRow { OrgId = invoice.OrgId, InvoiceId = invoice.Id, Ordinal = i });
            Fill(line, rated.Lines[i]);
        }
    }

    private static void Fill(InvoiceLineRow line, RatedLine rated)
    {
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
