using System.Collections.Frozen;

namespace Polaris.ServiceDefaults.Contracts;

/// <summary>Currencies in use and their decimal places. Source: ISO 4217 list one, fund codes and metals left out.</summary>
public static class Currencies
{
    private const string Two = """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP
        DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD
        LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD
        SCR SDG SEK
        SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
        """;

    private const string None = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
    private const string Three = "BHD IQD JOD KWD LYD OMR TND";

    private static readonly FrozenDictionary<string, int> Places = new[] { (Two, 2), (None, 0), (Three, 3) }
        .SelectMany(group =>
            group
                .Item1.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)
                .Select(code => KeyValuePair.Create(code, group.Item2))
        )
        .ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string code) => Places.ContainsKey(code);

    /// <summary>Decimal places of the currency.</summary>
    /// <exception cref="ArgumentException">Unknown currency code.</exception>
    public static int MinorUnits(string code) =>
        Places.TryGetValue(code, out var places)
            ? places
            : throw new ArgumentException($"'{code}' is not an ISO 4217 currency.", nameof(code));
}
