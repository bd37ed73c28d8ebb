using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Polaris.Plans.Domain;

public enum PriceModel
{
    Flat,
    PerUnit,
    Graduated,
    Volume,
    Package,
}

/// <summary>A span of quantities with one price; see docs/pricing for each model's meaning.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null on the last tier.</param>
public sealed record Tier(decimal? UpTo, decimal UnitPrice, decimal FlatFee);

/// <summary>A price model with its figures, in major currency units. Only the figures of its model are set.</summary>
public sealed record Price(
    PriceModel Model, decimal? Amount = null, decimal? UnitPrice = null, IReadOnlyList<Tier>? Tiers = null,
    decimal? PackageSize = null, decimal? PackagePrice = null, decimal? FreeUnits = null);

/// <summary>One thing a plan charges for. A flat fee has no meter, everything else has one.</summary>
public sealed record Charge(string Key, string Name, string? Meter, Price Price);

/// <summary>The content of a plan version: what its hash is over, and how it is stored.</summary>
public static class PlanContent
{
    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web);

    public static string Serialize(IReadOnlyList<Charge> charges) => JsonSerializer.Serialize(charges, Stored);

    public static IReadOnlyList<Charge> Deserialize(string json) => JsonSerializer.Deserialize<Charge[]>(json, Stored)!;

    /// <summary>
    /// Lower-case hex SHA-256 over the version's meaning: currency, interval and charges in order, decimals without trailing zeros. Two
    /// versions with the same hash price alike; names and ids do not matter, except the charge's key and name, which stand on invoices.
    /// </summary>
    public static string Hash(string currency, string interval, IReadOnlyList<Charge> charges)
    {
        var text = new StringBuilder();
        Field("polaris-plan/1");
        Field(currency);
        Field(interval);
        foreach (var charge in charges)
        {
            Field("charge");
            Field(charge.Key);
            Field(charge.Name);
            Field(charge.Meter ?? "");
            Field(charge.Price.Model.ToString());
            foreach (var figure in new[] { charge.Price.Amount, charge.Price.UnitPrice, charge.Price.PackageSize, charge.Price.PackagePrice, charge.Price.FreeUnits })
                Field(Text(figure));
            foreach (var tier in charge.Price.Tiers ?? [])
            {
                Field(Text(tier.UpTo));
                Field(Text(tier.UnitPrice));
                Field(Text(tier.FlatFee));
            }
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));

        // Each with its length, so that no two contents run together alike.
        void Field(string value) => text.Append(CultureInfo.InvariantCulture, $"{value.Length}:{value}");
    }

    /// <summary>Plain notation without trailing zeros; empty for none.</summary>
    public static string Text(decimal? value) => value is { } number ? (number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture) : "";
}
