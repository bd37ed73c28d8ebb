using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Verification;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>The events that an invoice line counts, ordered by timestamp and key.</summary>
    /// <param name="invoiceId">The invoice's id.</param>
    /// <param name="ordinal">The line's place on the invoice, from 0.</param>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
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

/// <summary>An event that an invoice line counts.</summary>
/// <param name="IdempotencyKey">The event's key.</param>
/// <param name="Type">The event's type.</param>
/// <param name="Timestamp">When the event happened.</param>
/// <param name="ReceivedAt">When the event was stored.</param>
/// <param name="Properties">The event's properties as JSON text; empty when it has none.</param>
[Name("LineEvent")]
public sealed record LineEventType(string IdempotencyKey, string Type, Instant Timestamp, Instant ReceivedAt, string Properties);

/// <summary>A page of a line's events.</summary>
/// <param name="Nodes">The events of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
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
