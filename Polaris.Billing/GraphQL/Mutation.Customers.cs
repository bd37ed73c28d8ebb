using GraphQL;
using Polaris.Billing.Features.Customers;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Mutation
{
    /// <summary>Edits a customer: a field that is left out stays, null clears it. Final invoices keep what they say of it.</summary>
    /// <param name="input">The customer and the changes.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CustomerType> UpdateCustomer(
        [FromServices] UpdateCustomer update,
        UpdateCustomerInput input,
        CancellationToken ct
    ) => CustomerType.Of(await update.HandleAsync(input.ToChange(), ct));

    /// <summary>
    /// Leaves a customer out of lists, and subscribes it no more. Refused while a subscription of it runs. Its usage still counts, and its
    /// invoices stay.
    /// </summary>
    /// <param name="key">The customer's key.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CustomerType> ArchiveCustomer([FromServices] ArchiveCustomer archive, string key, CancellationToken ct) =>
        CustomerType.Of(await archive.HandleAsync(key, ct));

    /// <summary>Takes a customer's archiving back: it is in lists again, and can be subscribed.</summary>
    /// <param name="key">The customer's key.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CustomerType> UnarchiveCustomer([FromServices] ArchiveCustomer archive, string key, CancellationToken ct) =>
        CustomerType.Of(await archive.UndoAsync(key, ct));
}
