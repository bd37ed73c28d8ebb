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
    /// <param name="plans">Which version holds when: the subscription's own history, or another to compare with.</param>
    /// <param name="period">One of its periods, or an empty one.</param>
    /// <param name="versions">By id.</param>
    /// <param name="usage">What was used in a span of the period in which one version held.</param>
    public static RatedInvoice Rate(
        string engine, SubscriptionRow subscription, PlanHistory plans, BillingPeriod period, IReadOnlyDictionary<Guid, PlanVersion> versions, Func<BillingPeriod, PeriodUsage> usage)
    {
        var calendar = Calendars.Of(subscription);
        var parts = plans.Within(period).Select(one => period.IsEmpty
            ? new PeriodPart(period, versions[one.PlanVersionId] with { Charges = [], Terms = null }, PeriodUsage.Empty, BilledTime.Alone(period))
            : new PeriodPart(one.Span, versions[one.PlanVersionId], usage(one.Span), BilledTime.Of(calendar, plans, period, one.Span, subscription.PaidUntil))).ToArray();
        return SplitInvoice.Rate(engine, new InvoiceSubject(subscription.Id, subscription.CustomerKey, period), parts, Currencies.MinorUnits(parts[0].Plan.Currency));
    }

    /// <param name="org">Whose it is.</param>
    /// <param name="id">A new one.</param>
    /// <param name="number">The org's next.</param>
    /// <param name="subscription">What is invoiced.</param>
    /// <param name="period">Of when.</param>
    /// <param name="plans">The versions that held in the period, in order of time.</param>
    /// <param name="rated">What came out.</param>
    /// <param name="now">When it is made.</param>
    public static InvoiceRow Create(
        Guid org, Guid id, string number, SubscriptionRow subscription, BillingPeriod period, IReadOnlyList<PlanVersion> plans, AdjustedInvoice rated, Instant now)
    {
        var invoice = new InvoiceRow
        {
            OrgId = org,
            Id = id,
            Number = number,
            SubscriptionId = subscription.Id,
            CustomerKey = subscription.CustomerKey,
            Currency = plans[^1].Currency,
            PeriodStart = period.Start,
            PeriodEnd = period.End,
            PlanVersionId = plans[^1].Id,
            PlanVersionHash = plans[^1].Hash,
            PlanVersionHashes = plans.Count > 1 ? [.. plans.Select(plan => plan.Hash)] : null,
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

    /// <summary>Which line it is among those of its invoice; of an adjustment, which line of the earlier invoice it corrects.</summary>
    public static LineId IdOf(InvoiceLineRow line) => new(Enum.Parse<LineKind>(line.AdjustsKind ?? line.Kind, ignoreCase: true), line.Charge, line.SpanStart);

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
        invoice.Tax = rated.Tax;
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
        line.AdjustsKind = adjustment is null ? null : InvoiceLineKinds.Of(adjustment.Adjusts.Kind);
        line.SpanStart = rated.Span?.Span.Start;
        line.SpanEnd = rated.Span?.Span.End;
        line.PlanVersionId = rated.Span?.PlanVersionId;
        line.Charge = rated.Charge.Key;
        line.Name = rated.Charge.Name;
        line.Meter = rated.Charge.Meter;
        line.Quantity = rated.Usage.Quantity;
        line.UnroundedAmount = rated.UnroundedAmount;
        line.Amount = rated.Amount;
        line.Tax = rated.Tax;
        line.EventCount = rated.Usage.EventCount;
        line.EventDigest = rated.Usage.EventDigest;
        line.Explanation = JsonSerializer.Serialize(rated.Steps.Select(StoredStep.Of), LeaveOutNulls);
    }

    public static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
