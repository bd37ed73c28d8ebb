using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Polaris.Plans.Domain;

/// <summary>The content of a plan version, as it is hashed and stored.</summary>
public static class PlanContent
{
    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Serialize(IReadOnlyList<Charge> charges) => JsonSerializer.Serialize(charges, Stored);

    public static string Serialize(PlanTerms terms) => JsonSerializer.Serialize(terms, Stored);

    public static IReadOnlyList<Charge> Deserialize(string json) => JsonSerializer.Deserialize<Charge[]>(json, Stored)!;

    public static PlanTerms DeserializeTerms(string json) => JsonSerializer.Deserialize<PlanTerms>(json, Stored)!;

    /// <summary>
    /// Lower-case hex SHA-256 over the version's meaning: currency, interval, charges in order and terms, decimals without trailing zeros.
    /// Versions with the same hash are priced alike. Ids are not part of it; keys and names are, since they are shown on invoices. Content
    /// has the first format that can express it, so that what was hashed before a field existed keeps its hash.
    /// </summary>
    public static string Hash(string currency, string interval, IReadOnlyList<Charge> charges, PlanTerms? terms = null)
    {
        ArgumentNullException.ThrowIfNull(charges);
        var text = new CanonicalText();
        var format = FormatOf(charges, terms ?? PlanTerms.None);
        text.Add($"polaris-plan/{format}").Add(currency).Add(interval);
        foreach (var charge in charges)
        {
            text.Add("charge").Add(charge.Key).Add(charge.Name).Add(charge.Meter ?? "");
            AddPrice(text, charge.Price, format);
            if (format >= 2)
                AddRest(text, charge, format);
        }

        if (format >= 2)
            AddTerms(text, terms ?? PlanTerms.None);
        return text.Hash();
    }

    /// <summary>Plain notation without trailing zeros; empty for none.</summary>
    public static string Text(decimal? value) =>
        value is { } number ? (number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture) : "";

    private static int FormatOf(IReadOnlyList<Charge> charges, PlanTerms terms) =>
        charges.Any(IsThirdForm) ? 3
        : terms.IsNone && charges.All(IsFirstForm) ? 1
        : 2;

    private static bool IsFirstForm(Charge charge) =>
        charge
            is {
                DimensionPrices: null or [],
                Timing: null or BillingTiming.Arrears,
                Proration: null,
                IncludedUnits: null,
                Minimum: null,
                Maximum: null
            }
        && charge.Price is { Model: <= PriceModel.Package, PackageRounding: null or PackageRounding.Up };

    private static bool IsThirdForm(Charge charge) =>
        charge.Discounts is { Count: > 0 }
        || IsThirdForm(charge.Price)
        || (charge.DimensionPrices ?? []).Any(dimension => IsThirdForm(dimension.Price));

    private static bool IsThirdForm(Price price) =>
        price.FlatFeeAtZero == true || (price.Tiers ?? []).Any(tier => tier.PackageSize is not null);

    private static void AddPrice(CanonicalText text, Price price, int format)
    {
        text.Add(price.Model.ToString())
            .Add(price.Amount)
            .Add(price.UnitPrice)
            .Add(price.PackageSize)
            .Add(price.PackagePrice)
            .Add(price.FreeUnits);
        if (format >= 2)
        {
            text.Add((price.PackageRounding ?? PackageRounding.Up).ToString())
                .Add(price.Percent)
                .Add(price.FeePerEvent)
                .Add(price.FreeAmount)
                .Add(price.FreeEvents);
            text.Add(price.Tiers?.Count ?? 0);
        }

        if (format >= 3)
            text.Add(price.FlatFeeAtZero == true ? "at zero" : "");
        foreach (var tier in price.Tiers ?? [])
        {
            text.Add(tier.UpTo).Add(tier.UnitPrice).Add(tier.FlatFee ?? 0);
            if (format >= 2)
                text.Add(tier.Percent);
            if (format >= 3)
                text.Add(tier.PackageSize);
        }
    }

    private static void AddRest(CanonicalText text, Charge charge, int format)
    {
        text.Add((charge.Timing ?? BillingTiming.Arrears).ToString()).Add(charge.Proration?.ToString() ?? "");
        text.Add(charge.IncludedUnits).Add(charge.Minimum).Add(charge.Maximum).Add(charge.DimensionPrices?.Count ?? 0);
        foreach (var dimension in charge.DimensionPrices ?? [])
        {
            text.Add(dimension.Values.Count);
            foreach (var value in dimension.Values)
                text.Add(value);
            AddPrice(text, dimension.Price, format);
        }

        if (format >= 3)
            AddDiscounts(text, charge.Discounts ?? []);
    }

    private static void AddDiscounts(CanonicalText text, IReadOnlyList<Discount> discounts)
    {
        text.Add(discounts.Count);
        foreach (var discount in discounts)
            text.Add(discount.Key).Add(discount.Name).Add(discount.Percent).Add(discount.Amount);
    }

    private static void AddTerms(CanonicalText text, PlanTerms terms)
    {
        text.Add("terms")
            .Add(terms.Proration.ToString())
            .Add(terms.Commitment?.Amount)
            .Add(terms.Commitment?.OverageFactor)
            .Add(terms.Minimum)
            .Add(terms.Maximum);
        AddDiscounts(text, terms.Discounts ?? []);
        text.Add(terms.TaxMode.ToString());
        foreach (var tax in terms.Taxes ?? [])
            text.Add(tax.Key).Add(tax.Name).Add(tax.Percent);
    }

    /// <summary>Length-prefixed fields, so that different contents cannot produce the same text.</summary>
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
