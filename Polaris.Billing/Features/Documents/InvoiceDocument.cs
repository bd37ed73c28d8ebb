using System.Globalization;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Documents;

/// <summary>A name and what it is, both as printed.</summary>
public sealed record DocumentFact(string Label, string Value);

/// <summary>A step of a line's explanation, as printed.</summary>
/// <param name="Depth">0 for the line's own steps, one more for each step around it.</param>
/// <param name="Label">What it is.</param>
/// <param name="Arithmetic">quantity × price ÷ divisor; empty when the amount is the sum of the steps below.</param>
/// <param name="Amount">Unrounded, with at least the currency's decimal places.</param>
public sealed record DocumentStep(int Depth, string Label, string Arithmetic, string Amount);

/// <summary>A line, as printed.</summary>
/// <param name="Name">What is charged.</param>
/// <param name="Details">What it adjusts, and the part of the period that it covers; often empty.</param>
/// <param name="Quantity">Empty where there is none.</param>
/// <param name="Unit">The meter's name; empty for a fee.</param>
/// <param name="Amount">With the currency's decimal places.</param>
/// <param name="Steps">The explanation.</param>
public sealed record DocumentLine(
    string Name,
    IReadOnlyList<string> Details,
    string Quantity,
    string Unit,
    string Amount,
    IReadOnlyList<DocumentStep> Steps
);

/// <summary>A sum below the lines, as printed.</summary>
public sealed record DocumentTotal(string Label, string Amount, bool IsStrong);

/// <summary>
/// Everything that an invoice's document says, as text, whatever the format. Dates are those of the subscription's time zone; a figure has
/// the digits that the API gives.
/// </summary>
public sealed record InvoiceDocument(
    string Title,
    string Status,
    string FileName,
    InvoiceParties Parties,
    IReadOnlyList<DocumentFact> Facts,
    IReadOnlyList<DocumentLine> Lines,
    IReadOnlyList<DocumentTotal> Totals,
    string Currency,
    string Certificate,
    Instant ChangedAt
)
{
    public const string DefaultAccent = "#1f4e79";

    public string Accent => Parties.AccentColor ?? DefaultAccent;

    /// <summary>The rows of a table that shows all lines and steps.</summary>
    public int Rows => Lines.Count + Lines.Sum(line => line.Steps.Count);

    /// <param name="invoice">With its lines, in order.</param>
    /// <param name="parties">Those of the invoice.</param>
    /// <param name="zone">The subscription's.</param>
    /// <param name="meterNames">Names by key; a meter without one is shown by its key.</param>
    internal static InvoiceDocument Of(
        InvoiceRow invoice,
        InvoiceParties parties,
        DateTimeZone zone,
        IReadOnlyDictionary<string, string> meterNames
    )
    {
        var text = new Texts(invoice.Currency, parties.Figures, zone);
        var isDraft = invoice.Status == InvoiceStatuses.Draft;
        var title = isDraft ? "DRAFT" : invoice.Number ?? "";
        return new InvoiceDocument(
            title,
            invoice.Status switch
            {
                InvoiceStatuses.Draft => "Draft: not an invoice yet, it may change",
                InvoiceStatuses.Finalized => "",
                InvoiceStatuses.Paid => "Paid",
                _ => "Void: nothing is due",
            },
            isDraft ? $"draft-{invoice.Id:N}" : title,
            parties,
            FactsOf(invoice, title, parties, text),
            [.. invoice.Lines.Select(line => LineOf(line, text, meterNames))],
            TotalsOf(invoice, text),
            invoice.Currency,
            $"Certificate {invoice.ResultHash} · plan {invoice.PlanVersionHash} · engine {invoice.EngineVersion} · invoice {invoice.Id}",
            invoice.FinalizedAt ?? invoice.CreatedAt
        );
    }

    /// <summary>The day on which the invoice became final, and that by which it is to be paid; null where there is none.</summary>
    internal static (LocalDate? Issued, LocalDate? Due) DatesOf(InvoiceRow invoice, InvoiceParties parties, DateTimeZone zone)
    {
        if (invoice.FinalizedAt is not { } at)
            return (null, null);
        var issued = at.InZone(zone).Date;
        return (issued, parties.PaymentDays is { } days ? issued.PlusDays(days) : null);
    }

    /// <summary>What is still to be paid; of a draft its total.</summary>
    internal static decimal DueOf(InvoiceRow invoice) => invoice.Status == InvoiceStatuses.Draft ? invoice.Total : invoice.AmountDue;

    private static DocumentFact[] FactsOf(InvoiceRow invoice, string title, InvoiceParties parties, Texts text)
    {
        var (issued, due) = DatesOf(invoice, parties, text.Zone);
        var facts = new List<DocumentFact> { new("Invoice number", title) };
        if (issued is { } date)
            facts.Add(new DocumentFact("Issued", Texts.Date(date)));
        facts.Add(new DocumentFact("Billing period", text.Span(invoice.PeriodStart, invoice.PeriodEnd)));
        facts.Add(new DocumentFact("Customer", invoice.CustomerKey));
        if (due is { } day)
            facts.Add(new DocumentFact("Due by", Texts.Date(day)));
        if (parties.PaymentDays is { } days)
            facts.Add(new DocumentFact("Terms", days == 0 ? "Due on the day of issue" : $"{days} days from the day of issue"));
        facts.Add(new DocumentFact("Currency", invoice.Currency));
        return [.. facts];
    }

    private static DocumentLine LineOf(InvoiceLineRow line, Texts text, IReadOnlyDictionary<string, string> meterNames)
    {
        var details = new List<string>();
        if (line.AdjustsInvoiceId is not null)
            details.Add($"Adjustment of {line.AdjustsNumber}");
        if (line is { SpanStart: { } from, SpanEnd: { } to })
            details.Add(text.Part(from, to));
        if (line.Kind != InvoiceLineKinds.Charge && line.Kind != InvoiceLineKinds.Adjustment)
            details.Add(KindOf(line.Kind));
        var steps = new List<DocumentStep>();
        foreach (var step in InvoiceRows.Steps(line))
            AddStep(steps, step, 0, text);
        return new DocumentLine(
            line.Name,
            details,
            line.Meter is not null || line.Quantity != 0 ? text.Number(line.Quantity) : "",
            line.Meter is { } meter ? meterNames.GetValueOrDefault(meter, meter) : "",
            text.Money(line.Amount),
            steps
        );
    }

    private static void AddStep(List<DocumentStep> steps, StoredStep step, int depth, Texts text)
    {
        var quantity = ExactDecimal.Parse(step.Quantity);
        var children = step.Children ?? [];
        var arithmetic = children.Count > 0 ? "" : $"{text.Number(quantity)} × {text.Number(ExactDecimal.Parse(step.UnitPrice))}";
        if (children.Count == 0 && step.Divisor is { } divisor)
            arithmetic += $" ÷ {text.Number(ExactDecimal.Parse(divisor))}";
        steps.Add(new DocumentStep(depth, step.Label, arithmetic, text.Money(ExactDecimal.Parse(step.Amount))));
        foreach (var child in children)
            AddStep(steps, child, depth + 1, text);
    }

    /// <summary>Net, each tax by its name, their sum where there are several, total, what was paid of it and how, due.</summary>
    private static DocumentTotal[] TotalsOf(InvoiceRow invoice, Texts text)
    {
        var taxes = invoice.Lines.Where(line => line.Tax != 0).GroupBy(line => line.Name).ToArray();
        return
        [
            new("Subtotal without tax", text.Money(invoice.Total - invoice.Tax), false),
            .. taxes.Select(tax => new DocumentTotal(tax.Key, text.Money(tax.Sum(line => line.Tax)), false)),
            .. taxes.Length > 1 ? [new DocumentTotal("Tax", text.Money(invoice.Tax), false)] : Array.Empty<DocumentTotal>(),
            new($"Total {invoice.Currency}", text.Money(invoice.Total), true),
            .. PaidOf(invoice)
                .Where(paid => paid.Amount != 0)
                .Select(paid => new DocumentTotal(paid.Name, text.Money(-paid.Amount), false)),
            new($"Amount due {invoice.Currency}", text.Money(DueOf(invoice)), true),
        ];
    }

    private static (string Name, decimal Amount)[] PaidOf(InvoiceRow invoice) =>
        [
            ("Prepaid credits", invoice.CreditsApplied),
            (invoice.BalanceApplied < 0 ? "To your balance" : "From your balance", invoice.BalanceApplied),
            ("Credit notes", invoice.Credited),
            ("Paid", invoice.AmountPaid),
        ];

    private static string KindOf(string kind) =>
        kind switch
        {
            "commitment" => "Commitment",
            "minimum" => "Minimum",
            "maximum" => "Maximum",
            "discount" => "Discount",
            "tax" => "Tax",
            _ => kind,
        };

    /// <summary>How an invoice's values are written.</summary>
    private sealed record Texts(string Currency, FigureStyle Figures, DateTimeZone Zone)
    {
        private static readonly LocalDateTimePattern Minute = LocalDateTimePattern.CreateWithInvariantCulture("uuuu-MM-dd HH:mm");

        public string Money(decimal amount) => Domain.Figures.Text(amount, Figures, Currencies.MinorUnits(Currency));

        public string Number(decimal value) => Domain.Figures.Text(value, Figures);

        public static string Date(LocalDate date) => LocalDatePattern.Iso.Format(date);

        /// <summary>Of a line, whose name may say the same with the day after the last one.</summary>
        public string Part(Instant start, Instant end) =>
            IsWholeDays(start, end) ? $"{Span(start, end)}, both days included" : Span(start, end);

        private bool IsWholeDays(Instant start, Instant end) =>
            start < end && start.InZone(Zone).TimeOfDay == LocalTime.Midnight && end.InZone(Zone).TimeOfDay == LocalTime.Midnight;

        /// <summary>Whole days by their first and last one; else the times, the end being the first that is not within.</summary>
        public string Span(Instant start, Instant end)
        {
            var (from, to) = (start.InZone(Zone).LocalDateTime, end.InZone(Zone).LocalDateTime);
            var zone = Zone.Id == "UTC" ? "" : string.Create(CultureInfo.InvariantCulture, $" ({Zone.Id})");
            if (IsWholeDays(start, end))
                return $"{Date(from.Date)} to {Date(to.Date.PlusDays(-1))}{zone}";
            if (start < end)
                return $"{Minute.Format(from)} to {Minute.Format(to)}{zone}";
            return from.TimeOfDay == LocalTime.Midnight ? $"from {Date(from.Date)}{zone}" : $"from {Minute.Format(from)}{zone}";
        }
    }
}
