namespace Polaris.Billing.Domain;

/// <summary>An address as it is printed. Absent parts are null; the country is an ISO 3166 alpha-2 code.</summary>
public sealed record PostalAddress(
    string? Line1 = null,
    string? Line2 = null,
    string? City = null,
    string? PostalCode = null,
    string? Region = null,
    string? Country = null
)
{
    /// <summary>The lines of a letter: the parts that there are, postal code and city on one line.</summary>
    public IReadOnlyList<string> Lines()
    {
        string?[] lines = [Line1, Line2, Joined(PostalCode, City), Region, Country];
        return [.. lines.OfType<string>()];
    }

    private static string? Joined(string? first, string? second) =>
        first is null ? second
        : second is null ? first
        : $"{first} {second}";
}
