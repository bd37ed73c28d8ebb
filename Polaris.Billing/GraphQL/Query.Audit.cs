using GraphQL;
using Polaris.Billing.Features.Audit;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>What was changed in billing, newest first: the mutation, its input, when and by whom.</summary>
    /// <param name="first">The page size, 1 to 200.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="subject">Only what was done to this id or key.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AuditPageType> BillingAuditLog(
        [FromServices] ReadAuditLog log,
        string? after,
        string? subject,
        CancellationToken ct,
        int first = 50
    ) => AuditPageType.Of(await log.PageAsync(first, after, subject, ct));
}
