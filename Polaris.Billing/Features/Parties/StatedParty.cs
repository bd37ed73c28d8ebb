using System.Text.Json;
using System.Text.Json.Serialization;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Parties;

/// <summary>
/// Bounds of what is said about somebody who is named on an invoice, an org or a customer. Each is one line of print: no control
/// characters, which no printed line has.
/// </summary>
internal static class StatedParty
{
    /// <summary>Characters of a part of an address.</summary>
    public const int MaxLineLength = 200;

    public const int MaxPostalCodeLength = 20;
    public const int MaxTaxIdLength = 64;
    public const int MaxEmailLength = 254;

    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>One line of at most so many characters; null is fine, empty is not.</summary>
    /// <exception cref="RefusedException">With the path of the field and the rule that it breaks.</exception>
    public static void Line(string path, string? value, int most)
    {
        var name = path[(path.LastIndexOf('.') + 1)..];
        if (value is null)
            return;
        if (string.IsNullOrWhiteSpace(value))
            throw Invalid(path, "missing_field", $"'{name}' must not be empty. To have none, leave it out or send null.");
        if (value.Length > most)
            throw Invalid(path, "too_long", $"'{name}' has at most {most} characters.");
        if (value.Any(char.IsControl))
            throw Invalid(path, "invalid_text", $"'{name}' is one line, without control characters.");
    }

    public static void Email(string path, string? value)
    {
        Line(path, value, MaxEmailLength);
        if (value is not null && (value.IndexOf('@', StringComparison.Ordinal) < 1 || value.EndsWith('@') || value.Contains(' ')))
            throw Invalid(path, "invalid_email", $"'{value}' is not an e-mail address.");
    }

    public static void TaxId(string path, string? value) => Line(path, value, MaxTaxIdLength);

    public static void Address(string path, PostalAddress? address)
    {
        if (address is null)
            return;
        Line($"{path}.line1", address.Line1, MaxLineLength);
        Line($"{path}.line2", address.Line2, MaxLineLength);
        Line($"{path}.city", address.City, MaxLineLength);
        Line($"{path}.postalCode", address.PostalCode, MaxPostalCodeLength);
        Line($"{path}.region", address.Region, MaxLineLength);
        if (address.Country is { } country && !Countries.Exists(country))
            throw Invalid($"{path}.country", "unknown_country", "'country' must be an ISO 3166 code of two capital letters, such as DE.");
        if (address.Lines().Count == 0)
            throw Invalid(path, "missing_field", "An address has at least one part. To have none, send null.");
    }

    /// <summary>The JSON that is stored; null for null.</summary>
    public static string? Text(PostalAddress? address) => address is null ? null : JsonSerializer.Serialize(address, Stored);

    public static PostalAddress? Address(string? stored) =>
        stored is null ? null : JsonSerializer.Deserialize<PostalAddress>(stored, Stored);

    private static RefusedException Invalid(string path, string code, string message) => new(Refusal.Invalid(path, code, message));
}
