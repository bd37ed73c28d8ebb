using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.Plans.Domain;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A step as stored and shown: decimals as strings. Without a divisor it is 1; a leaf has no children.</summary>
public sealed record StoredStep(string Label, string Quantity, string UnitPrice, string Amount, string? Divisor = null, IReadOnlyList<StoredStep>? Children = null)
{
    internal static StoredStep Of(ExplanationStep step) => new(
        step.Label, RatingEngine.Text(step.Quantity), RatingEngine.Text(step.UnitPrice), RatingEngine.Text(step.Amount),
        step.Divisor == 1 ? null : RatingEngine.Text(step.Divisor), step.Children is { Count: > 0 } children ? [.. children.Select(Of)] : null);
}

/// <summary>Between a rated invoice and its rows.</summary>
internal static class InvoiceRows
{
    private static readonly JsonSerializerOptions LeaveOutNulls = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Rates a period as its invoice has it. An empty one has nothing of its own: no charges, not even flat fees, and no terms.</summary>
    /// <param name="engine">The engine that made the invoice, or is to make it.</param>
    /// <param name="subscription">Whose period it is; its calendar tells what is prorated and what is due in advance.</param>
    /// <param name="period">One of its periods, or an empty one.</param>
    /// <param name="plan">What is charged.</param>
    /// <param name="usage">What was used in the period.</param>
    public static RatedInvoice Rate(string engine, SubscriptionRow subscription, BillingPeriod period, PlanVersion plan, PeriodUsage usage) => RatingEngine.Rate(
        engine, new InvoiceSubject(subscription.Id, subscription.CustomerKey, period), period.IsEmpty ? plan with { Charges = [], Terms = null } : plan, usage,
        period.IsEmpty ? BilledTime.Alone(period) : BilledTime.Of(Calendars.Of(subscription), period), Currencies.MinorUnits(plan.Currency));

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

    /// <summary>A line as it would be stored, for showing it.</summary>
    public static InvoiceLineRow Show(RatedLine rated)
    {
        var line = new InvoiceLineRow();
        Fill(line, null, rated);
        return line;
    }

    private static void Fill(InvoiceRow invoice, AdjustedInvoice rated)
    {
        invoice.Total = rated.Total;
        invoice.Tax = rated.Own.Tax;
        invoice.EngineVersion = RatingEngine.Version;
        invoice.ResultHash = rated.ResultHash;
        var ordinal = 0;
        foreach (var charge in rated.Own.Lines) Fill(Line(invoice, ordinal++), null, charge);
        foreach (var adjustment in rated.Adjustments) Fill(Line(invoice, ordinal++), adjustment, adjustment.Line);
        invoice.Lines.RemoveAll(line => line.Ordinal >= ordinal);
    }

    private static InvoiceLineRow Line(InvoiceRow invoice, int ordinal)
    {
        if (invoice.Lines.SingleOrDefault(existing => existing.Ordinal == ordinal) is not { } line)
            invoice.Lines.Add(line = new InvoiceLineRow { OrgId = invoice.OrgId, InvoiceId = invoice.Id, Ordinal = ordinal });
        return line;
    }

    private static void Fill(InvoiceLineRow line, AdjustmentLine? adjustment, RatedLine rated)
    {
        line.Kind = InvoiceLineKinds.Of(rated.Kind);
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
        line.Explanation = JsonSerializer.Serialize(rated.Steps.Select(StoredStep.Of), LeaveOutNulls);
    }

    public static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
