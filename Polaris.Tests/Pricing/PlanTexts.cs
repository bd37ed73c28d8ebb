namespace Polaris.Tests.Pricing;

/// <summary>The plans and usage of <see cref="PricedOrg"/>, as a client writes them.</summary>
internal static class PlanTexts
{
    public static readonly (string Key, string Aggregation, string? Property)[] Meters =
    [
        ("count", "COUNT", null),
        ("sum", "SUM", "n"),
        ("max", "MAX", "n"),
        ("min", "MIN", "n"),
        ("average", "AVERAGE", "n"),
        ("unique", "UNIQUE_COUNT", "user"),
        ("latest", "LATEST", "n"),
        ("weighted", "WEIGHTED_SUM", "n"),
        ("traffic", "SUM", "n"),
    ];

    /// <summary>Every price model on a sum of 200 from 4 events in May, and every aggregation.</summary>
    public const string Models = """
        [
        {"key":"fee","price":{"model":"FLAT","amount":"9.90"}},
        {"key":"advance","timing":"ADVANCE","price":{"model":"FLAT","amount":"20"}},
        {"key":"per_unit","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"0.015"}},
        {"key":"graduated","meter":"sum","price":{"model":"GRADUATED","tiers":[
          {"upTo":"100","unitPrice":"0"},{"upTo":"150","unitPrice":"0.01","flatFee":"2"},{"unitPrice":"0.005","flatFee":"1"}]}},
        {"key":"volume","meter":"sum","price":{"model":"VOLUME","tiers":[
          {"upTo":"10","unitPrice":"0.5"},{"upTo":"150","unitPrice":"0.2","flatFee":"1"},{"unitPrice":"0.033","flatFee":"3"}]}},
        {"key":"package_up","meter":"sum","price":{"model":"PACKAGE","packageSize":"30","packagePrice":"5","freeUnits":"45"}},
        {"key":"package_down","meter":"sum","price":{"model":"PACKAGE",
          "packageSize":"30","packagePrice":"5","freeUnits":"45","packageRounding":"DOWN"}},
        {"key":"stairs","meter":"sum","price":{"model":"STAIR_STEP","tiers":[
          {"upTo":"10","flatFee":"50"},{"upTo":"200","flatFee":"200"},{"flatFee":"350"}]}},
        {"key":"percentage","meter":"sum","price":{"model":"PERCENTAGE",
          "percent":"2.9","feePerEvent":"0.30","freeAmount":"100","freeEvents":3}},
        {"key":"graduated_percentage","meter":"sum","price":{"model":"GRADUATED_PERCENTAGE","tiers":[
          {"upTo":"100","percent":"1","flatFee":"2"},{"percent":"2.5","flatFee":"3"}]}},
        {"key":"regions","meter":"traffic","price":{"model":"PER_UNIT","unitPrice":"0.10"},"dimensionPrices":[
          {"values":["eu","gold"],"price":{"model":"GRADUATED","tiers":[{"upTo":"50","unitPrice":"0"},{"unitPrice":"0.08"}]}},
          {"values":["us","gold"],"price":{"model":"PACKAGE","packageSize":"25","packagePrice":"1"}}]},
        {"key":"included","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"0.5"},"includedUnits":"150","minimum":"2","maximum":"20"},
        {"key":"minimum","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"0.001"},"minimum":"5"},
        {"key":"count","meter":"count","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"max","meter":"max","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"min","meter":"min","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"average","meter":"average","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"unique","meter":"unique","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"latest","meter":"latest","price":{"model":"PER_UNIT","unitPrice":"1"}},
        {"key":"weighted","meter":"weighted","price":{"model":"PER_UNIT","unitPrice":"1"}}
        ]
        """;

    /// <summary>Other prices for the same usage.</summary>
    public const string Other = """
        [
        {"key":"fee","timing":"ADVANCE","price":{"model":"FLAT","amount":"3"}},
        {"key":"sum","meter":"sum","price":{"model":"VOLUME","tiers":[{"upTo":"199","unitPrice":"1"},{"unitPrice":"0.75"}]}},
        {"key":"regions","meter":"traffic","price":{"model":"PER_UNIT","unitPrice":"0.01"},
          "dimensionPrices":[{"values":["eu",""],"price":{"model":"PER_UNIT","unitPrice":"2"}}]},
        {"key":"weighted","meter":"weighted","price":{"model":"PER_UNIT","unitPrice":"0.1"}}
        ]
        """;

    public static readonly (string Key, string Currency, string Charges, string Terms)[] Others =
    [
        ("other", "USD", Other, "{}"),
        (
            "terms",
            "EUR",
            """
            [{"key":"fee","price":{"model":"FLAT","amount":"31"}},
            {"key":"usage","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"1"}},
            {"key":"capped","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"1"},"maximum":"31"},
            {"key":"whole","proration":"NONE","price":{"model":"FLAT","amount":"1"}}]
            """,
            """
            {"proration":"DAYS","commitment":{"amount":"1550","overageFactor":"1.5"},"minimum":"31","maximum":"2945",
            "discounts":[{"key":"loyal","percent":"10"},{"key":"welcome","amount":"30"}],
            "taxes":[{"key":"vat","percent":"19"},{"key":"city","percent":"2"}]}
            """
        ),
        (
            "inclusive",
            "EUR",
            """[{"key":"usage","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"1"}}]""",
            """{"commitment":{"amount":"200"},"minimum":"238","taxMode":"INCLUSIVE","taxes":[{"key":"vat","percent":"19"}]}"""
        ),
        ("advance", "EUR", """[{"key":"fee","timing":"ADVANCE","price":{"model":"FLAT","amount":"31"}}]""", """{"proration":"SECONDS"}"""),
        (
            "yen",
            "JPY",
            """[{"key":"usage","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"1.5"}}]""",
            """{"taxes":[{"key":"tax","percent":"10"}]}"""
        ),
        (
            "dinar",
            "KWD",
            """
            [{"key":"fee","price":{"model":"FLAT","amount":"1.2345"}},
             {"key":"usage","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"0.0005"}}]
            """,
            """{"taxes":[{"key":"tax","percent":"5"}]}"""
        ),
        ("giant", "USD", """[{"key":"usage","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"999999999999"}}]""", "{}"),
    ];

    public static readonly (string Key, string Plan, string Start, string End)[] Customers =
    [
        ("acme", "models", "2015-05-01", "2015-07-01"),
        ("twin", "other", "2015-05-01", "2015-07-01"),
        ("terms", "terms", "2015-05-16", "2015-06-01"),
        ("inclusive", "inclusive", "2015-05-01", "2015-06-01"),
        ("advance", "advance", "2015-05-16", "2015-06-16"),
        ("yen", "yen", "2015-05-01", "2015-06-01"),
        ("dinar", "dinar", "2015-05-01", "2015-06-01"),
        ("giant", "giant", "2015-05-01", "2015-06-01"),
    ];

    // A level of 31 from April, then 100.5, 40 at noon of the 5th, 9.5 from the 10th and 50 from the 20th on; and one event that the
    // filters reject.
    private static readonly (string At, string Properties)[] Usage =
    [
        ("2015-04-20T00:00:00Z", """{"n":31,"user":"a","region":"eu","tier":"gold","status":"ok"}"""),
        ("2015-05-01T00:00:00Z", """{"n":"100.5","user":"a","region":"eu","tier":"gold","status":"ok"}"""),
        ("2015-05-05T12:00:00Z", """{"n":40,"user":"b","region":"us","tier":"gold","status":"ok"}"""),
        ("2015-05-10T00:00:00Z", """{"n":9.5,"user":"a","region":"eu","status":"ok"}"""),
        ("2015-05-20T00:00:00Z", """{"n":50,"user":"c","status":"ok"}"""),
        ("2015-05-25T00:00:00Z", """{"n":1000,"user":"d","region":"eu","tier":"gold","status":"failed"}"""),
    ];

    public static readonly (string Customer, string At, string Properties)[] Events =
    [
        .. Usage.Select(one => ("acme", one.At, one.Properties)),
        .. Usage.Select(one => ("twin", one.At, one.Properties)),
        ("terms", "2015-05-17T00:00:00Z", """{"n":1300,"status":"ok"}"""),
        ("inclusive", "2015-05-02T00:00:00Z", """{"n":119,"status":"ok"}"""),
        ("yen", "2015-05-02T00:00:00Z", """{"n":3,"status":"ok"}"""),
        ("dinar", "2015-05-02T00:00:00Z", """{"n":3,"status":"ok"}"""),
        ("giant", "2015-05-02T00:00:00Z", """{"n":999999999999999,"status":"ok"}"""),
    ];
}
