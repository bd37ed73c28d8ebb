using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// A comparison of all final invoices with raw events. Of <c>total</c>, <c>done</c> are compared so far. <c>corrected</c> ones differ, and
/// later final invoices have the difference; of <c>different</c> ones something is left to invoice or give back; <c>failed</c> ones could
/// not be compared. The first 1,000 of the last two are named.
/// </summary>
[Name("InvoiceVerification")]
public sealed record InvoiceVerificationType(
    [property: Id] Guid Id,
    Instant StartedAt,
    Instant? FinishedAt,
    int Total,
    int Done,
    int Identical,
    int Corrected,
    int Different,
    int Failed,
    [property: Id] IReadOnlyList<Guid> DifferentIds,
    [property: Id] IReadOnlyList<Guid> FailedIds
)
{
    internal static InvoiceVerificationType Of(InvoiceVerificationRow row) =>
        new(
            row.Id,
            row.StartedAt,
            row.FinishedAt,
            row.Total,
            row.Identical + row.Corrected + row.Different + row.Failed,
            row.Identical,
            row.Corrected,
            row.Different,
            row.Failed,
            row.DifferentIds,
            row.FailedIds
        );
}
