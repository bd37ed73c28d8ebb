using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>A comparison of all final invoices of the org with raw events.</summary>
/// <param name="Id">The comparison's id.</param>
/// <param name="StartedAt">When it was asked for.</param>
/// <param name="FinishedAt">When it was done; null while it runs.</param>
/// <param name="Total">The number of invoices to compare.</param>
/// <param name="Done">The number that is compared so far.</param>
/// <param name="Identical">The number that has the same figures.</param>
/// <param name="Corrected">The number that differs, where later final invoices have the difference.</param>
/// <param name="Different">The number of which something is left to invoice or give back.</param>
/// <param name="Failed">The number that could not be compared.</param>
/// <param name="DifferentIds">The ids of the different ones, the first 1,000.</param>
/// <param name="FailedIds">The ids of the failed ones, the first 1,000.</param>
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
