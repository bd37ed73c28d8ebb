using GraphQL;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>
    /// A meter's usage by customer and dimension, in windows of a time zone, with the period before it. At most 5,000 groups × points.
    /// </summary>
    /// <param name="input">Which usage to report, and how to group it.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<UsageReportType> UsageReport(
        [FromServices] ReportUsage usage,
        [FromServices] TenantScope tenant,
        UsageReportInput input,
        CancellationToken ct
    ) => UsageReportType.Of(await usage.HandleAsync(tenant.RequireOrg(), input.ToQuestion(), ct));
}
