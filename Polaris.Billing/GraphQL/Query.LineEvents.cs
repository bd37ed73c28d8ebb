using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Verification;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>
    /// The events that an invoice line counts, ordered by timestamp and key. The line is named by its place on the invoice, from 0.
    /// </summary>
    [RequireScope(Scopes.Read)]
    public static async Task<LineEventPageType> InvoiceLineEvents(
        [FromServices] ReadLineEvents events,
        [Id] Guid invoiceId,
        int ordinal,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => LineEventPageType.Of(await events.PageAsync(invoiceId, ordinal, first, after, ct));

    /// <summary>Comparisons of all final invoices with raw events, newest first; the last ten.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<InvoiceVerificationType>> InvoiceVerifications(
        [FromServices] StartVerification verifications,
        CancellationToken ct
    ) => (await verifications.ListAsync(ct)).Select(InvoiceVerificationType.Of);
}

/// <summary>An event that an invoice line counts. <c>properties</c> is JSON; empty when it has none.</summary>
[Name("LineEvent")]
public sealed record LineEventType(string IdempotencyKey, string Type, Instant Timestamp, Instant ReceivedAt, string Properties);

/// <summary>A page of a line's events. <c>totalCount</c> is the line's <c>eventCount</c>.</summary>
[Name("LineEventPage")]
public sealed record LineEventPageType(IReadOnlyList<LineEventType> Nodes, long TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static LineEventPageType Of(LineEventPage page) =>
        new(
            [.. page.Rows.Select(row => new LineEventType(row.IdempotencyKey, row.Type, row.At, row.ReceivedAt, row.Properties))],
            page.EventCount,
            page.EndCursor,
            page.HasNextPage
        );
}
