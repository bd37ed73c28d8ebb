using GraphQL;
using Polaris.Billing.Features.Settings;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>What the org's invoices say of the org, and how they look.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<InvoiceSettingsType> InvoiceSettings([FromServices] InvoiceSettings settings, CancellationToken ct) =>
        InvoiceSettingsType.Of(await settings.ReadAsync(ct));
}
