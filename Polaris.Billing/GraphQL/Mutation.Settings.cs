using GraphQL;
using Polaris.Billing.Features.Settings;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Mutation
{
    /// <summary>Changes what the org's invoices say of it and how they look: a field that is left out stays, null clears it.</summary>
    /// <param name="input">What to change.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<InvoiceSettingsType> UpdateInvoiceSettings(
        [FromServices] InvoiceSettings settings,
        UpdateInvoiceSettingsInput input,
        CancellationToken ct
    ) => InvoiceSettingsType.Of(await settings.UpdateAsync(input.ToChange(), ct));
}
