using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Invoices;

/// <summary>An explanation step as stored and shown, with decimals as strings. A missing divisor is 1; a leaf has no children.</summary>
public sealed record StoredStep(
    string Label,
    string Quantity,
    string UnitPrice,
    string Amount,
    string? Divisor = null,
    IReadOnlyList<StoredStep>? Children = null
)
{
    internal static StoredStep Of(ExplanationStep step) =>
        new(
            step.Label,
            RatingEngine.Text(step.Quantity),
            RatingEngine.Text(step.UnitPrice),
            RatingEngine.Text(step.Amount),
            step.Divisor == 1 ? null : RatingEngine.Text(step.Divisor),
            step.Children is { Count: > 0 } children ? [.. children.Select(Of)] : null
        );
}

/// <summary>Converts between rated invoices and rows.</summary>
internal static class InvoiceRows
{
    private static readonly JsonSerializerOptions LeaveOutNulls = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <param name="org">The org.</param>
    /// <param name="id">A new id.</param>
    /// <param name="sequence">The org's next sequence.</param>
    /// <param name="subscription">The invoiced subscription.</param>
    /// <param name="period">The invoiced period.</param>
    /// <param name="plans">The plan versions in the period, ordered by time.</param>
    /// <param name="rated">The rated invoice.</param>
    /// <param name="now">The time of creation.</param>
    /// <param name="draftedAt">The same by the org's clock.</param>
    public static InvoiceRow Create(
        Guid org,
        Guid id,
        long sequence,
        SubscriptionRow subscription,
        BillingPeriod period,
        IReadOnlyList<PlanVersion> plans,
        AdjustedInvoice rated,
        Instant now,
        Instant draftedAt
    )
    {
        var invoice = new InvoiceRow
        {
            OrgId = org,
            Id = id,
            Sequence = sequence,
            SubscriptionId = subscription.Id,
            CustomerKey = subscription.CustomerKey,
            Currency = plans[^1].Currency,
            PeriodStart = period.Start,
            PeriodEnd = period.End,
            PlanVersionId = plans[^1].Id,
            PlanVersionHash = plans[^1].Hash,
            PlanVersionHashes = plans.Count > 1 ? [.. plans.Select(plan => plan.Hash)] : null,
            CreatedAt = now,
            DraftedAt = draftedAt,
        };
        Fill(invoice, rated);
        return invoice;
    }

    /// <summary>Replaces a draft's content: same id and place, new lines.</summary>
    public static void Replace(InvoiceRow draft, AdjustedInvoice rated)
    {
        if (draft.Status != InvoiceStatuses.Draft)
            throw new InvalidOperationException($"Invoice {draft.Id} is {draft.Status}: only a draft is ever replaced.");
        Fill(draft, rated);
        draft.Stale = false;
    }

    /// <summary>The line's identity within its invoice; of an adjustment, that of the earlier invoice's line it corrects.</summary>
    public static LineId IdOf(InvoiceLineRow line) =>
        new(
            Enum.Parse<LineKind>(line.AdjustsKind ?? line.Kind, ignoreCase: true),
            line.Charge,
            line.SpanStart,
            line.SpanStart is { } from && from == line.SpanEnd
        );

    public static IReadOnlyList<StoredStep> Steps(InvoiceLineRow line) => JsonSerializer.Deserialize<StoredStep[]>(line.Explanation)!;

    /// <summary>The row of a rated line, to show a line that is not stored.</summary>
    public static InvoiceLineRow Show(RatedLine rated)
    {
        var line = new InvoiceLineRow();
        Fill(line, null, rated);
        return line;
    }

    /// <inheritdoc cref="Show(RatedLine)"/>
    public static InvoiceLineRow Show(AdjustmentLine adjustment)
    {
        var line = new InvoiceLineRow();
        Fill(line, adjustment, adjustment.Line);
        return line;
    }

    private static void Fill(InvoiceRow invoice, AdjustedInvoice rated)
    {
        invoice.Total = rated.Total;
        invoice.Tax = rated.Tax;
        invoice.EngineVersion = RatingEngine.Version;
        invoice.ResultHash = rated.ResultHash;
        var ordinal = 0;
        foreach (var charge in rated.Own.Lines)
            Fill(Line(invoice, ordinal++), null, charge);
        foreach (var adjustment in rated.Adjustments)
            Fill(Line(invoice, ordinal++), adjustment, adjustment.Line);
        invoice.Lines.RemoveAll(line => line.Ordinal >= ordinal);
    }

    private static InvoiceLineRow Line(InvoiceRow invoice, int ordinal)
    {
        if (invoice.Lines.SingleOrDefault(existing => existing.Ordinal == ordinal) is not { } line)
            invoice.Lines.Add(
                line = new InvoiceLineRow
                {
                    OrgId = invoice.OrgId,
                    InvoiceId = invoice.Id,
                    Ordinal = ordinal,
                }
            );
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
