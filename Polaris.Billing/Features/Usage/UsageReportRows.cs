using System.Globalization;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>What a group of a report is grouped by; empty texts where it is not.</summary>
internal readonly record struct ReportKey(string Customer, string First, string Second, bool IsOthers);

/// <summary>The sums of a group of a report.</summary>
internal sealed class ReportSums
{
    /// <summary>By index of the window; windows without usage are missing.</summary>
    public Dictionary<int, UsageSums> Windows { get; } = [];

    /// <summary>Of the period before.</summary>
    public UsageSums Before { get; set; }

    /// <summary>The level where the first of the periods begins.</summary>
    public ExactTotal Opening { get; set; }

    /// <summary>Distinct values of all windows.</summary>
    public long Uniques { get; set; }
}

/// <summary>
/// The statement of a report. Its rows are of three kinds: sums of a group's window, its number of distinct values there (without a window:
/// in all of them), and its opening level. Window 1 is the period before, when it is asked for.
/// </summary>
internal sealed class UsageReportRows
{
    private const int Sums = 0;
    private const int Distinct = 1;
    private const int Level = 2;
    private const int FirstSum = 6;
    private const int DistinctColumn = 15;

    private const string NoSums =
        "NULL::bigint, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, "
        + "NULL::numeric, NULL::bigint, NULL::numeric, NULL::numeric";

    private readonly MeterDefinition meter;
    private readonly UsageQuestion asked;
    private readonly Instant[] starts;
    private readonly int earlier;
    private readonly string groups;
    private readonly string conditions;

    public UsageReportRows(MeterDefinition meter, UsageQuestion asked, List<Instant> starts, Instant? previous)
    {
        (this.meter, this.asked) = (meter, asked);
        this.starts = previous is { } before ? [before, .. starts] : [.. starts];
        earlier = previous is null ? 0 : 1;
        var groupBy = asked.GroupBy ?? [];
        var dimensions = groupBy.Where(name => name != ReportUsage.ByCustomer).Select(ValueOf).ToArray();
        groups =
            $"{(groupBy.Contains(ReportUsage.ByCustomer) ? "a.customer_key" : "''")} AS g1, "
            + $"{dimensions.ElementAtOrDefault(0) ?? "''"} AS g2, {dimensions.ElementAtOrDefault(1) ?? "''"} AS g3";
        conditions =
            (asked.Customers is null ? "" : " AND a.customer_key = ANY($7)")
            + string.Concat(
                (asked.Filters ?? []).Select(
                    (filter, i) =>
                        string.Create(CultureInfo.InvariantCulture, $" AND {ValueOf(filter.Dimension)} = ANY(${FirstFilter + i})")
                )
            );
    }

    private int FirstFilter => asked.Customers is null ? 7 : 8;

    /// <param name="tx">Sees the org.</param>
    /// <param name="org">The org.</param>
    /// <param name="maxGroups">Maximum number of groups.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The groups; null when there are more.</returns>
    public async Task<Dictionary<ReportKey, ReportSums>?> ReadAsync(ScopedTransaction tx, Guid org, int maxGroups, CancellationToken ct)
    {
        var maxRows = maxGroups * ((2 * starts.Length) + 2);
        await using var command = tx.Command(Statement());
        command.Bind(org).Bind(meter.Id).Bind(starts[0]).Bind(asked.To).Bind(starts).Bind(maxRows + 1);
        if (asked.Customers is { } customers)
            command.Bind<string[]>([.. customers]);
        foreach (var filter in asked.Filters ?? [])
            command.Bind<string[]>([.. filter.In.Select(value => DimensionValues.Join([value]))]);
        var found = new Dictionary<ReportKey, ReportSums>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        for (var rows = 0; await reader.ReadAsync(ct); rows++)
        {
            if (rows >= maxRows)
                return null;
            var key = new ReportKey(reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetBoolean(4));
            if (!found.TryGetValue(key, out var sums))
                found.Add(key, sums = new ReportSums());
            Add(reader, sums);
        }

        return found.Count <= maxGroups ? found : null;
    }

    private void Add(NpgsqlDataReader reader, ReportSums sums)
    {
        var window = reader.IsDBNull(5) ? (int?)null : reader.GetInt32(5) - 1 - earlier;
        switch (reader.GetInt32(0))
        {
            case Level:
                sums.Opening = StoredSums.Total(reader, FirstSum + 2);
                break;
            case Sums when window < 0:
                sums.Before = StoredSums.Read(reader, FirstSum) with { Uniques = sums.Before.Uniques };
                break;
            case Sums:
                sums.Windows[window!.Value] = StoredSums.Read(reader, FirstSum) with
                {
                    Uniques = sums.Windows.GetValueOrDefault(window.Value).Uniques,
                };
                break;
            case Distinct when window is null:
                sums.Uniques = reader.GetInt64(DistinctColumn);
                break;
            case Distinct when window < 0:
                sums.Before = sums.Before with { Uniques = reader.GetInt64(DistinctColumn) };
                break;
            case Distinct:
                sums.Windows[window!.Value] = sums.Windows.GetValueOrDefault(window.Value) with
                {
                    Uniques = reader.GetInt64(DistinctColumn),
                };
                break;
            default:
                throw new InvalidOperationException("A report has rows of no other kind.");
        }
    }

    private string Statement()
    {
        var parts = new List<string> { asked.Top is null ? SumsOfGroups() : SumsOfTop(asked.Top.Value) };
        if (meter.Aggregation == MeterAggregation.UniqueCount)
            parts.Add(DistinctOfGroups());
        if (meter.Aggregation == MeterAggregation.WeightedSum)
            parts.Add(Levels());
        return $"SELECT * FROM ({string.Join("\nUNION ALL\n", parts)}) r LIMIT $6";
    }

    private string SumsOfGroups() =>
        $"""
            (SELECT {Sums}, {groups}, false AS others, width_bucket(a.bucket_start, $5) AS w, {StoredSums.Columns}, NULL::bigint
            FROM usage_aggregates a
            WHERE a.org_id = $1 AND a.meter_id = $2 AND a.bucket_start >= $3 AND a.bucket_start < $4{conditions}
            GROUP BY g1, g2, g3, w)
            """;

    /// <summary>A group without usage in the report's own time is one of the others.</summary>
    private string SumsOfTop(int top) =>
        $"""
            (WITH counted AS (
              SELECT {groups}, width_bucket(a.bucket_start, $5) AS w, a.* FROM usage_aggregates a
              WHERE a.org_id = $1 AND a.meter_id = $2 AND a.bucket_start >= $3 AND a.bucket_start < $4{conditions}),
            top AS (
              SELECT g1, g2, g3 FROM counted WHERE w > {earlier.ToString(CultureInfo.InvariantCulture)} GROUP BY g1, g2, g3
              ORDER BY sum({(meter.Aggregation == MeterAggregation.Count ? "event_count" : "total")}) DESC,
                g1 COLLATE "C", g2 COLLATE "C", g3 COLLATE "C"
              LIMIT {top.ToString(CultureInfo.InvariantCulture)})
            SELECT {Sums}, coalesce(t.g1, '') AS k1, coalesce(t.g2, '') AS k2, coalesce(t.g3, '') AS k3, t.g1 IS NULL AS others, a.w,
              {StoredSums.Columns}, NULL::bigint
            FROM counted a LEFT JOIN top t ON t.g1 = a.g1 AND t.g2 = a.g2 AND t.g3 = a.g3 GROUP BY k1, k2, k3, others, a.w)
            """;

    private string DistinctOfGroups() =>
        $"""
            (SELECT {Distinct}, g1, g2, g3, false, w, {NoSums}, count(DISTINCT value_hash) FROM (
              SELECT {groups}, width_bucket(a.bucket_start, $5) AS w,
                width_bucket(a.bucket_start, $5) > {earlier.ToString(CultureInfo.InvariantCulture)} AS asked, a.value_hash
              FROM usage_uniques a
              WHERE a.org_id = $1 AND a.meter_id = $2 AND a.bucket_start >= $3 AND a.bucket_start < $4{conditions}) u
            GROUP BY GROUPING SETS ((g1, g2, g3, w), (g1, g2, g3, asked)) HAVING w IS NOT NULL OR asked)
            """;

    private string Levels() =>
        $"""
            (SELECT {Level}, {groups}, false, NULL::int,
              NULL::bigint, NULL::numeric, {StoredSums.Units}, NULL::numeric, NULL::numeric, NULL::numeric, NULL::bigint,
              NULL::numeric, NULL::numeric, NULL::bigint
            FROM ({LevelCheckpoints.Before(
                asked.Customers is null ? null : "SELECT DISTINCT c.customer_key FROM unnest($7::text[]) c(customer_key)"
            )}) a WHERE true{conditions} GROUP BY g1, g2, g3 HAVING sum(a.total) <> 0)
            """;

    /// <summary>The value of a dimension, from those of all of them joined by <see cref="DimensionValues.Separator"/>.</summary>
    private string ValueOf(string dimension)
    {
        var place = 1 + meter.Dimensions!.TakeWhile(name => name != dimension).Count();
        return string.Create(CultureInfo.InvariantCulture, $"split_part(a.dimensions, chr(31), {place})");
    }
}
