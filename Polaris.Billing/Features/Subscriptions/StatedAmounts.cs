using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>Bounds of keys, names and amounts that a caller states; those of plans are the same.</summary>
internal static class StatedAmounts
{
    /// <summary>Exclusive bound of an amount's magnitude.</summary>
    public const decimal MaxAmount = 1_000_000_000_000m;
    public const int MaxPlaces = 12;
    public const int MaxPercentPlaces = 10;
    public const int MaxKeyLength = 64;
    public const int MaxNameLength = 200;

    public static void Key(string key, string path)
    {
        if (
            key.Length is 0 or > MaxKeyLength
            || !key.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.')
        )
            throw new RefusedException(
                Refusal.Invalid(path, "invalid_key", $"A key has 1 to {MaxKeyLength} letters, digits, '_', '-' or '.'.")
            );
    }

    public static void Name(string name, string path)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name.Contains('\0', StringComparison.Ordinal))
            throw new RefusedException(Refusal.Invalid(path, "invalid_name", $"A name has 1 to {MaxNameLength} characters."));
    }

    public static void Amount(decimal amount, string path)
    {
        if (amount == 0 || Math.Abs(amount) >= MaxAmount)
            throw new RefusedException(Refusal.Invalid(path, "out_of_range", "An amount is below 10^12, and not 0."));
        if (Places(amount) > MaxPlaces)
            throw new RefusedException(Refusal.Invalid(path, "too_precise", $"An amount has at most {MaxPlaces} decimal places."));
    }

    /// <summary>Decimal places without trailing zeros.</summary>
    public static int Places(decimal value)
    {
        var places = value.Scale;
        while (places > 0 && decimal.Round(value, places - 1) == value)
            places--;
        return places;
    }
}
