namespace Polaris.ServiceDefaults.Contracts;

/// <summary>The limits of <c>/ingest</c>, some of which apply in other services too; docs/ingest.md documents the same numbers.</summary>
public static class Limits
{
    public const int MaxEvents = 1_000;
    public const int MaxRequestBytes = 5 * 1024 * 1024;
    public const int MaxEventBytes = 16 * 1024;
    public const int MaxProperties = 64;

    /// <summary>Characters (UTF-16 units) of an idempotency key, type, customer or property name.</summary>
    public const int MaxTextLength = 255;

    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(35);
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    /// <summary>Exclusive upper bound of the magnitude of a JSON number.</summary>
    public const decimal MaxNumber = 1_000_000_000_000_000m;

    /// <summary>
    /// Maximum decimal places of a JSON number. With <see cref="MaxNumber"/> it keeps sums of any realistic number of events exact.
    /// </summary>
    public const int MaxDecimalPlaces = 9;

    /// <summary>Whether a number is within <see cref="MaxNumber"/> and <see cref="MaxDecimalPlaces"/>, so that meters count it.</summary>
    public static bool IsCountable(decimal number) =>
        number is > -MaxNumber and < MaxNumber && ExactDecimal.HasPlaces(number, MaxDecimalPlaces);

    /// <summary>The earliest date of all: a subscription's start, and the timestamp of an event sent with a backfilling key.</summary>
    public static readonly DateTimeOffset Earliest = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The latest date that an org may name, such as a subscription's end or its test clock: no period lasts longer.</summary>
    public static readonly DateTimeOffset Latest = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The customer of an event without one.</summary>
    public const string SelfCustomer = "_self";
}
