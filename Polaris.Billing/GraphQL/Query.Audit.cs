using GraphQL;
using Polaris.Billing.Features.Audit;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>
    /// What was changed in billing, newest first: the mutation, its input, when and by whom. With a <c>subject</c>, what was done to that
    /// id or key.
    /// </summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<AuditPageType> BillingAuditLog(
        [FromServices] ReadAuditLog log,
        string? after,
        string? subject,
        CancellationToken ct,
        int first = 50
    ) => AuditPageType.Of(await log.PageAsync(first, after, subject, ct));
}
