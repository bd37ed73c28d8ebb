using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>An amount or a quantity that fits no invoice. Who asks for it is refused; an invoice that would need it is held.</summary>
internal static class TooLarge
{
    public const string Code = "amount_too_large";

    public static async Task<T> RefuseAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (OverflowException exception)
        {
            throw new RefusedException(Refusal.Conflict(Code, $"There is a quantity or an amount that fits no invoice. {exception.Message}"));
        }
    }
}
