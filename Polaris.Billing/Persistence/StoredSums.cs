using System.Numerics;
using Npgsql;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

/// <summary>SQL columns of summed aggregates.</summary>
internal static class StoredSums
{
    /// <summary>The sum of totals in units of 10^-9, as an integer: it may have more digits than a decimal holds.</summary>
    public const string Units = "trunc(sum(a.total) * 1000000000)";

    /// <summary>Sums over rows of <c>usage_aggregates a</c>, in the order in which <see cref="Read"/> expects them.</summary>
    public const string Columns = $"""
        sum(a.event_count)::bigint, sum(a.digest) % 18446744073709551616, {Units}, max(a.max_value), min(a.min_value), sum(a.moment),
        max(a.latest_at),
        (array_agg(a.latest_hash ORDER BY a.latest_at DESC, a.latest_hash DESC) FILTER (WHERE a.latest_at IS NOT NULL))[1],
        (array_agg(a.latest_value ORDER BY a.latest_at DESC, a.latest_hash DESC) FILTER (WHERE a.latest_at IS NOT NULL))[1]
        """;

    /// <param name="reader">Positioned at a row.</param>
    /// <param name="from">Index of the event count's column.</param>
    public static UsageSums Read(NpgsqlDataReader reader, int from) =>
        new(
            reader.GetInt64(from),
            decimal.ToUInt64(reader.GetDecimal(from + 1)),
            Total(reader, from + 2),
            reader.GetDecimal(from + 3),
            reader.IsDBNull(from + 4) ? null : reader.GetDecimal(from + 4),
            reader.IsDBNull(from + 6)
                ? null
                : new LatestValue(reader.GetInt64(from + 6), decimal.ToUInt64(reader.GetDecimal(from + 7)), reader.GetDecimal(from + 8)),
            reader.IsDBNull(from + 5) ? null : reader.GetFieldValue<BigInteger>(from + 5),
            0
        );

    /// <summary>Reads the column <see cref="Units"/>.</summary>
    public static ExactTotal Total(NpgsqlDataReader reader, int column) => new((Int128)reader.GetFieldValue<BigInteger>(column));
}
