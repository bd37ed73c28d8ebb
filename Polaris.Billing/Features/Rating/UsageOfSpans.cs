using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Rating;

/// <summary>Reads the usage of any number of spans, by meter and dimension values, in a fixed number of statements.</summary>
internal static class UsageOfSpans
{
    /// <summary>An entry for every customer and span asked for.</summary>
    public static async Task<Dictionary<(string Customer, BilledSpan Span), PeriodUsage>> ReadAsync(
        ScopedTransaction tx,
        Guid org,
        IEnumerable<(string Customer, BilledSpan Span)> spans,
        IEnumerable<MeterDefinition> meters,
        CancellationToken ct
    )
    {
        var asked = spans
            .Distinct()
            .Select(
                (asked, index) => new UsageSpan(index, asked.Customer, asked.Span.Billed.Start, asked.Span.Billed.End, asked.Span.Whole)
            )
            .ToArray();
        var found = await ReadAsync(tx, org, asked, meters, ct);
        return asked.ToDictionary(span => (span.Customer, span.Billed), span => found.GetValueOrDefault(span.Index, PeriodUsage.Empty));
    }

    /// <summary>By span index; spans without usage or level have no entry.</summary>
    public static async Task<Dictionary<int, PeriodUsage>> ReadAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyList<UsageSpan> spans,
        IEnumerable<MeterDefinition> meters,
        CancellationToken ct
    )
    {
        var byId = meters.ToDictionary(meter => meter.Id);
        // An empty span has no usage and no level.
        var known = spans.Where(span => span.Start < span.End).ToDictionary(span => span.Index);
        if (known.Count == 0 || byId.Count == 0)
            return [];
        UsageSpan[] asked = [.. known.Values];
        var sums = await SumsAsync(tx, org, asked, [.. byId.Keys], ct);
        var uniques = await UniquesAsync(tx, org, asked, Having(MeterAggregation.UniqueCount), ct);
        var levels = await LevelCheckpoints.ReadAsync(tx, org, asked, Having(MeterAggregation.WeightedSum), ct);
        var answer = new Dictionary<int, PeriodUsage>();
        foreach (var used in sums.Keys.Union(levels.Keys).GroupBy(key => (key.Index, key.Meter)))
        {
            var (index, meter, period) = (used.Key.Index, byId[used.Key.Meter], known[used.Key.Index].Billed);
            var (total, level) = (default(UsageSums), default(ExactTotal));
            var byDimension = new List<DimensionUsage>();
            if (!answer.TryGetValue(index, out var usage))
                answer.Add(index, usage = PeriodUsage.New());
            try
            {
                foreach (var key in used)
                {
                    var part = sums.GetValueOrDefault(key);
                    total = total.Plus(part);
                    level += levels.GetValueOrDefault(key);
                    if (meter.Dimensions is { Count: > 0 })
                        byDimension.Add(
                            new DimensionUsage(
                                key.Dimensions,
                                ToUsage(part, uniques.GetValueOrDefault((index, meter.Id, key.Dimensions)), levels.GetValueOrDefault(key))
                            )
                        );
                }

                if (!meter.Aggregation.IsSum())
                    usage.AddUnsummed(meter.Key);
                usage.Add(meter.Key, ToUsage(total, uniques.GetValueOrDefault((index, meter.Id, null)), level), byDimension);
            }
            catch (OverflowException)
            {
                usage.AddTooLarge(meter.Key);
            }

            MeterUsage ToUsage(UsageSums of, long distinct, ExactTotal opening) =>
                (of with { Uniques = distinct }).ToUsage(meter.Aggregation, period, opening);
        }

        return answer;

        Guid[] Having(MeterAggregation aggregation) =>
            [.. byId.Values.Where(meter => meter.Aggregation == aggregation).Select(meter => meter.Id)];
    }

    private static async Task<Dictionary<(int Index, Guid Meter, string Dimensions), UsageSums>> SumsAsync(
        ScopedTransaction tx,
        Guid org,
        UsageSpan[] spans,
        Guid[] meters,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            SELECT s.index, m.id, of.*
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            CROSS JOIN unnest($6::uuid[]) m(id)
            CROSS JOIN LATERAL (
              SELECT a.dimensions, {StoredSums.Columns} FROM usage_aggregates a
              WHERE a.org_id = $1 AND {UsageSql.OfCustomer("a", "s.customer", "m.id", "s.starts", "s.ends")}
              GROUP BY a.dimensions) of
            """
        );
        LevelCheckpoints.Parameters(command, org, spans, meters);
        var sums = new Dictionary<(int, Guid, string), UsageSums>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            sums.Add((reader.GetInt32(0), reader.GetGuid(1), reader.GetString(2)), StoredSums.Read(reader, 3));
        return sums;
    }

    /// <summary>Numbers of distinct values: of each combination of dimension values, and (key null) of all together.</summary>
    private static async Task<Dictionary<(int, Guid, string?), long>> UniquesAsync(
        ScopedTransaction tx,
        Guid org,
        UsageSpan[] spans,
        Guid[] meters,
        CancellationToken ct
    )
    {
        var counts = new Dictionary<(int, Guid, string?), long>();
        if (meters.Length == 0)
            return counts;
        await using var command = tx.Command(
            $"""
            SELECT s.index, m.id, of.*
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            CROSS JOIN unnest($6::uuid[]) m(id)
            CROSS JOIN LATERAL (
              SELECT u.dimensions, count(DISTINCT u.value_hash) FROM usage_uniques u
              WHERE u.org_id = $1 AND {UsageSql.OfCustomer("u", "s.customer", "m.id", "s.starts", "s.ends")}
              GROUP BY GROUPING SETS ((), (u.dimensions)) HAVING count(*) > 0) of
            """
        );
        LevelCheckpoints.Parameters(command, org, spans, meters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            counts[(reader.GetInt32(0), reader.GetGuid(1), reader.IsDBNull(2) ? null : reader.GetString(2))] = reader.GetInt64(3);
        return counts;
    }
}
