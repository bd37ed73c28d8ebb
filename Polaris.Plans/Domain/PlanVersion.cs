using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Polaris.Plans.Domain;

/// <summary>The content of a plan version: what its hash is over, and how it is stored.</summary>
public static class PlanContent
{
    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static string Serialize(IReadOnlyList<Charge> charges) => JsonSerializer.Serialize(charges, Stored);

    public static string Serialize(PlanTerms terms) => JsonSerializer.Serialize(terms, Stored);

    public static IReadOnlyList<Charge> Deserialize(string json) => JsonSerializer.Deserialize<Charge[]>(json, Stored)!;

    public static PlanTerms DeserializeTerms(string json) => JsonSerializer.Deserialize<PlanTerms>(json, Stored)!;

    /// <summary>
    /// Lower-case hex SHA-256 over the version's meaning: currency, interval, charges in order and terms, decimals without trailing zeros. Two
    /// versions with the same hash price alike; ids do not matter, but keys and names do, which stand on invoices. What could be said in the
    /// first form keeps its first hash.
    /// </summary>
    public static string Hash(string currency, string interval, IReadOnlyList<Charge> charges, PlanTerms? terms = null)
    {
        ArgumentNullException.ThrowIfNull(charges);
        var text = new CanonicalText();
        var first = (terms ?? PlanTerms.None).IsNone && charges.All(IsFirstForm);
        text.Add(first ? "polaris-plan/1" : "polaris-plan/2").Add(currency).Add(interval);
        foreach (var charge in charges)
        {
            text.Add("charge").Add(charge.Key).Add(charge.Name).Add(charge.Meter ?? "");
            AddPrice(text, charge.Price, first);
            if (!first) AddRest(text, charge);
        }

        if (!first) AddTerms(text, terms ?? PlanTerms.None);
        return text.Hash();
    }

    /// <summary>Plain notation without trailing zeros; empty for none.</summary>
    public static string Text(decimal? value) => value is { } number ? (number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture) : "";

    private static bool IsFirstForm(Charge charge) =>
        charge is { DimensionPrices: null or [], Timing: null or BillingTiming.Arrears, Proration: null, IncludedUnits: null, Minimum: null, Maximum: null }
        && charge.Price is { Model: <= PriceModel.Package, PackageRounding: null or PackageRounding.Up };

    private static void AddPrice(CanonicalText text, Price price, bool first)
    {
        text.Add(price.Model.ToString()).Add(price.Amount).Add(price.UnitPrice).Add(price.PackageSize).Add(price.PackagePrice).Add(price.FreeUnits);
        if (!first)
        {
            text.Add((price.PackageRounding ?? PackageRounding.Up).ToString()).Add(price.Percent).Add(price.FeePerEvent).Add(price.FreeAmount).Add(price.FreeEvents);
            text.Add(price.Tiers?.Count ?? 0);
        }

        foreach (var tier in price.Tiers ?? [])
        {
            text.Add(tier.UpTo).Add(tier.UnitPrice).Add(tier.FlatFee ?? 0);
            if (!first) text.Add(tier.Percent);
        }
    }

    private static void AddRest(CanonicalText text, Charge charge)
    {
        text.Add((charge.Timing ?? BillingTiming.Arrears).ToString()).Add(charge.Proration?.ToString() ?? "");
        text.Add(charge.IncludedUnits).Add(charge.Minimum).Add(charge.Maximum).Add(charge.DimensionPrices?.Count ?? 0);
        foreach (var dimension in charge.DimensionPrices ?? [])
        {
            text.Add(dimension.Values.Count);
            foreach (var value in dimension.Values) text.Add(value);
            AddPrice(text, dimension.Price, first: false);
        }
    }

    private static void AddTerms(CanonicalText text, PlanTerms terms)
    {
        text.Add("terms").Add(terms.Proration.ToString()).Add(terms.Commitment?.Amount).Add(terms.Commitment?.OverageFactor).Add(terms.Minimum).Add(terms.Maximum);
        text.Add(terms.Discounts?.Count ?? 0);
        foreach (var discount in terms.Discounts ?? []) text.Add(discount.Key).Add(discount.Name).Add(discount.Percent).Add(discount.Amount);
        text.Add(terms.TaxMode.ToString());
        foreach (var tax in terms.Taxes ?? []) text.Add(tax.Key).Add(tax.Name).Add(tax.Percent);
    }

    /// <summary>Fields one after another, each with its length, so that no two contents run together alike.</summary>
    private sealed class CanonicalText
    {
        private readonly StringBuilder text = new();

        public CanonicalText Add(string value)
        {
            text.Append(CultureInfo.InvariantCulture, $"{value.Length}:{value}");
            return this;
        }

        public CanonicalText Add(decimal? value) => Add(Text(value));

        public string Hash() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
