namespace Polaris.Ingestion.Domain;

/// <summary>Every limit of <c>/ingest</c>; the reference documents the same numbers.</summary>
internal static class Limits
{
    public const int MaxEvents = 1_000;
    public const int MaxRequestBytes = 5 * 1024 * 1024;
    public const int MaxEventBytes = 16 * 1024;
    public const int MaxProperties = 64;

    /// <summary>Characters (UTF-16 units) of an idempotency key, type, customer or property name.</summary>
    public const int MaxTextLength = 255;

    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(35);
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    /// <summary>JSON numbers are smaller than this in magnitude…</summary>
    public const decimal MaxNumber = 1_000_000_000_000_000m;

    /// <summary>…and have at most this many decimal places: so sums of any realistic number of events stay exact.</summary>
    public const int MaxDecimalPlaces = 9;

    /// <summary>Timestamps before this are no real events; backfilling keys may send anything after.</summary>
    public static readonly DateTimeOffset Earliest = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The customer of an event that names none.</summary>
    public const string SelfCustomer = "_self";
}
