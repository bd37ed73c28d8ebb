using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features;

/// <summary>Bounds of texts that a person writes for other people: reasons and references.</summary>
internal static class StatedTexts
{
    public const int MaxReasonLength = 500;
    public const int MaxReferenceLength = 200;

    /// <exception cref="RefusedException">It is blank, too long, or has the character U+0000.</exception>
    public static void Check(string path, string text, int maxLength)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > maxLength || text.Contains('\0', StringComparison.Ordinal))
            throw new RefusedException(
                Refusal.Invalid(path, "invalid_text", $"'{path[(path.LastIndexOf('.') + 1)..]}' must have 1 to {maxLength} characters.")
            );
    }
}
