using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Rating;

/// <summary>An amount or quantity that does not fit an invoice. A query for it is rejected; an invoice that needs it is held.</summary>
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
            throw new RefusedException(Refusal.Conflict(Code, $"A quantity or an amount is too large for an invoice. {exception.Message}"));
        }
    }
}
