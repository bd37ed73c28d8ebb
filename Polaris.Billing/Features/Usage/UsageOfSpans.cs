using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>Whose usage of which time is asked for; <paramref name="Index"/> names the answer.</summary>
internal readonly record struct UsageSpan(int Index, string Customer, Instant Start, Instant End)
{
    public BillingPeriod Period => new(Start, End);
}

/// <summary>What rating needs of any number of spans, by meter and by the values of its dimensions, in a fixed number of statements.</summary>
internal static class UsageOfSpans
{
    /// <summary>By customer and span, every one that is asked for.</summary>
    public static async Task<Dictionary<(string Customer, BillingPeriod Span), PeriodUsage>> ReadAsync(
        ScopedTransaction tx, Guid org, IEnumerable<(string Customer, BillingPeriod Span)> spans, IEnumerable<MeterDefinition> meters, CancellationToken ct)
    {
        var asked = spans.Distinct().Select((one, index) => new UsageSpan(index, one.Customer, one.Span.Start, one.Span.End)).ToArray();
        var found = await ReadAsync(tx, org, asked, meters, ct);
        return asked.ToDictionary(span => (span.Customer, span.Period), span => found.GetValueOrDefault(span.Index, PeriodUsage.Empty));
    }

    /// <summary>By span; what was not used, and holds no level, is not in it.</summary>
    public static async Task<Dictionary<int, PeriodUsage>> ReadAsync(
        ScopedTransaction tx, Guid org, IReadOnlyList<UsageSpan> spans, IEnumerable<MeterDefinition> meters, CancellationToken ct)
    {
        var byId = meters.ToDictionary(meter => meter.Id);
        // An empty span has no usage, and no level lasts in it.
        var known = spans.Where(span => span.Start < span.End).ToDictionary(span => span.Index);
        if (known.Count == 0 || byId.Count == 0) return [];
        UsageSpan[] asked = [.. known.Values];
        var sums = await SumsAsync(tx, org, asked, [.. byId.Keys], ct);
        var uniques = await UniquesAsync(tx, org, asked, Having(Aggregation.UniqueCount), ct);
        var levels = await LevelsAsync(tx, org, asked, Having(Aggregation.WeightedSum), ct);
        var answer = new Dictionary<int, PeriodUsage>();
        foreach (var used in sums.Keys.Union(levels.Keys).GroupBy(key => (key.Index, key.Meter)))
        {
            var (index, meter, period) = (used.Key.Index, byId[used.Key.Meter], known[used.Key.Index].Period);
            var (total, level) = (default(UsageSums), default(ExactTotal));
            var byDimension = new List<DimensionUsage>();
            if (!answer.TryGetValue(index, out var usage)) answer.Add(index, usage = PeriodUsage.New());
            try
            {
                foreach (var key in used)
                {
                    var part = sums.GetValueOrDefault(key);
                    total = total.Plus(part);
                    level += levels.GetValueOrDefault(key);
                    if (meter.Dimensions is { Count: > 0 })
                        byDimension.Add(new DimensionUsage(key.Dimensions, ToUsage(part, uniques.GetValueOrDefault((index, meter.Id, key.Dimensions)), levels.GetValueOrDefault(key))));
                }

                usage.Add(meter.Key, ToUsage(total, uniques.GetValueOrDefault((index, meter.Id, null)), level), byDimension);
            }
            catch (OverflowException)
            {
                usage.AddTooLarge(meter.Key);
            }

            MeterUsage ToUsage(UsageSums of, long distinct, ExactTotal opening) => (of with { Uniques = distinct }).ToUsage(meter.Aggregation, period, opening);
        }

        return answer;

        Guid[] Having(Aggregation aggregation) => [.. byId.Values.Where(meter => meter.Aggregation == aggregation).Select(meter => meter.Id)];
    }

    private static async Task<Dictionary<(int Index, Guid Meter, string Dimensions), UsageSums>> SumsAsync(
        ScopedTransaction tx, Guid org, UsageSpan[] spans, Guid[] meters, CancellationToken ct)
    {
        await using var command = tx.Command($"""
            SELECT s.index, a.meter_id, a.dimensions, {StoredSums.Columns}
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            JOIN usage_aggregates a ON a.org_id = $1 AND a.customer_key = s.customer AND a.bucket_start >= s.starts AND a.bucket_start < s.ends
            WHERE a.meter_id = ANY($6) GROUP BY s.index, a.meter_id, a.dimensions
            """);
        Parameters(command, org, spans, meters);
        var sums = new Dictionary<(int, Guid, string), UsageSums>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) sums.Add((reader.GetInt32(0), reader.GetGuid(1), reader.GetString(2)), StoredSums.Read(reader, 3));
        return sums;
    }

    /// <summary>Distinct values: of each combination, and without one of all together.</summary>
    private static async Task<Dictionary<(int, Guid, string?), long>> UniquesAsync(ScopedTransaction tx, Guid org, UsageSpan[] spans, Guid[] meters, CancellationToken ct)
    {
        var counts = new Dictionary<(int, Guid, string?), long>();
        if (meters.Length == 0) return counts;
        await using var command = tx.Command("""
            SELECT s.index, u.meter_id, u.dimensions, count(DISTINCT u.value_hash)
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            JOIN usage_uniques u ON u.org_id = $1 AND u.customer_key = s.customer AND u.bucket_start >= s.starts AND u.bucket_start < s.ends
            WHERE u.meter_id = ANY($6) GROUP BY GROUPING SETS ((s.index, u.meter_id), (s.index, u.meter_id, u.dimensions))
            """);
        Parameters(command, org, spans, meters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) counts[(reader.GetInt32(0), reader.GetGuid(1), reader.IsDBNull(2) ? null : reader.GetString(2))] = reader.GetInt64(3);
        return counts;
    }

    /// <summary>Levels at the start of each span: the sum of every change before it, of which what <see cref="LevelCheckpoints"/> know is not read again.</summary>
    internal static async Task<Dictionary<(int Index, Guid Meter, string Dimensions), ExactTotal>> LevelsAsync(
        ScopedTransaction tx, Guid org, UsageSpan[] spans, Guid[] meters, CancellationToken ct)
    {
        var levels = new Dictionary<(int, Guid, string), ExactTotal>();
        if (meters.Length == 0) return levels;
        await using var command = tx.Command(LevelCheckpoints.Levels);
        Parameters(command, org, spans, meters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) levels.Add((reader.GetInt32(0), reader.GetGuid(1), reader.GetString(2)), StoredSums.Total(reader, 3));
        return levels;
    }

    private static void Parameters(NpgsqlCommand command, Guid org, UsageSpan[] spans, Guid[] meters)
    {
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        UsageSql.Array(command, spans, span => span.Index);
        UsageSql.Array(command, spans, span => span.Customer);
        UsageSql.Array(command, spans, span => span.Start);
        UsageSql.Array(command, spans, span => span.End);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = meters });
    }
}
