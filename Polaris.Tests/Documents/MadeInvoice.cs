using System.Text.Json;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;

namespace Polaris.Tests.Documents;

/// <summary>Invoices that no test could have rated: very long ones, and those with hostile texts.</summary>
internal static class MadeInvoice
{
    public static readonly Instant March = Instant.FromUtc(2026, 3, 1, 0, 0);
    public static readonly Instant April = Instant.FromUtc(2026, 4, 1, 0, 0);

    public static readonly Party Nobody = new(null, null, null, null);

    public static InvoiceRow Of(int lines, string name = "Calls", string status = InvoiceStatuses.Finalized)
    {
        var invoice = new InvoiceRow
        {
            OrgId = Guid.CreateVersion7(),
            Id = Guid.CreateVersion7(),
            Number = "INV-00000007",
            CustomerKey = "acme",
            Status = status,
            Currency = "EUR",
            PeriodStart = March,
            PeriodEnd = April,
            PlanVersionHash = new string('a', 64),
            EngineVersion = "3",
            ResultHash = new string('b', 64),
            CreatedAt = April,
            FinalizedAt = status == InvoiceStatuses.Draft ? null : April + Duration.FromHours(12),
        };
        for (var i = 0; i < lines; i++)
        {
            var amount = (i + 1) * 1.25m;
            invoice.Lines.Add(
                new InvoiceLineRow
                {
                    OrgId = invoice.OrgId,
                    InvoiceId = invoice.Id,
                    Ordinal = i,
                    Charge = $"c{i}",
                    Name = lines == 1 ? name : $"{name} {i}",
                    Meter = name,
                    Quantity = i + 1,
                    Amount = amount,
                    UnroundedAmount = amount,
                    EventCount = i + 1,
                    Explanation = JsonSerializer.Serialize(new[] { new StoredStep($"{name} of {i}", $"{i + 1}", "1.25", $"{amount}") }),
                }
            );
            invoice.Total += amount;
        }

        invoice.AmountDue = status == InvoiceStatuses.Finalized ? invoice.Total : 0;

        return invoice;
    }

    public static DocumentSource Source(this InvoiceRow invoice, InvoiceParties? parties = null, byte[]? logo = null) =>
        new(
            invoice,
            parties ?? new InvoiceParties(Nobody, new Party("Acme", null, null, null), null, null, null, null),
            DateTimeZone.Utc,
            new Dictionary<string, string>(),
            logo,
            logo is null ? null : "image/png",
            null,
            "1"
        );

    public static InvoiceParties Everything(FigureStyle figures = FigureStyle.Point) =>
        new(
            new Party(
                "Polaris Metering GmbH",
                new PostalAddress("Sternstraße 7", "Hof B", "Köln", "50667", "NRW", "DE"),
                "DE123456789",
                "billing@polaris.example"
            ),
            new Party("Ακμή", new PostalAddress("Οδός 1", null, "Αθήνα", "105 57", null, "GR"), "EL987654321", "pay@acme.eu"),
            14,
            "Please pay to DE89 3704 0044 0532 0130 00.\nThank you.",
            "HRB 12345, Köln",
            "#8a1c5c",
            figures
        );
}
