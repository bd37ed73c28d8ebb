using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Meters;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>A span of a timeline and what was used in it.</summary>
public sealed record TimelinePoint(Instant Start, decimal Quantity, long EventCount);

/// <summary>Whose usage of which time is asked for; <paramref name="Index"/> names the answer.</summary>
internal readonly record struct UsageSpan(int Index, string Customer, Instant Start, Instant End);

/// <summary>Answers from pre-aggregates: the cost grows with buckets, never with events.</summary>
internal sealed class ReadUsage(NpgsqlDataSource database, MeterCatalog catalog)
{
    /// <summary>A timeline has at most this many points.</summary>
    public const int MaxPoints = 5_000;

    private const ulong NoDigest = 0;

    /// <param name="org">The caller's org.</param>
    /// <param name="meterKey">The meter.</param>
    /// <param name="from">Inclusive, a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive, a multiple of 15 minutes.</param>
    /// <param name="customer">One customer's key; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<MeterUsage> TotalAsync(Guid org, string meterKey, Instant from, Instant to, string? customer, CancellationToken ct)
    {
        var points = await TimelineAsync(org, meterKey, from, to, to - from, customer, ct);
        return new MeterUsage(points[0].Quantity, points[0].EventCount, NoDigest);
    }

    /// <summary>A point for each window of [from, to), also where nothing was used. The last window may be shorter.</summary>
    public async Task<IReadOnlyList<TimelinePoint>> TimelineAsync(
        Guid org, string meterKey, Instant from, Instant to, Duration window, string? customer, CancellationToken ct)
    {
        CheckSpan(from, to, window);
        var meter = await catalog.FindAsync(org, meterKey, ct) ?? throw new RefusedException(Refusal.NotFound("meter"));
        await using var tx = await database.BeginOrgAsync(org, ct);
        await CheckFilledAsync(tx, org, meter, ct);
        var unique = meter.Aggregation == Aggregation.UniqueCount;
        var found = new Dictionary<long, (decimal Quantity, long Count)>();
        await using (var command = tx.Command($"""
            SELECT floor(extract(epoch FROM bucket_start - $3) / $5)::bigint AS w, sum(event_count)::bigint, sum(total), max(peak)
            FROM usage_aggregates WHERE org_id = $1 AND meter_id = $2 AND bucket_start >= $3 AND bucket_start < $4 {(customer is null ? "" : "AND customer_key = $6")}
            GROUP BY w
            """))
        {
            Parameters(command, org, meter, from, to, window, customer);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                var count = reader.GetInt64(1);
                found[reader.GetInt64(0)] = (meter.Aggregation switch
                {
                    Aggregation.Count => count,
                    Aggregation.Sum => reader.GetDecimal(2),
                    Aggregation.Max => reader.GetDecimal(3),
                    _ => 0,
                }, count);
            }
        }

        if (unique) await AddUniquesAsync(tx, org, meter, from, to, window, customer, found, ct);
        var points = new List<TimelinePoint>();
        for (var (start, index) = (from, 0L); start < to; start += window, index++)
        {
            var (quantity, count) = found.GetValueOrDefault(index);
            points.Add(new TimelinePoint(start, quantity, count));
        }

        return points;
    }

    /// <summary>For each span, the usage by meter key; what was not used is not in it.</summary>
    public static async Task<Dictionary<int, Dictionary<string, MeterUsage>>> OfSpansAsync(
        ScopedTransaction tx, Guid org, IReadOnlyList<UsageSpan> spans, IEnumerable<MeterDefinition> meters, CancellationToken ct)
    {
        var byId = meters.ToDictionary(meter => meter.Id);
        var uniques = await CountUniquesAsync(tx, org, spans, [.. byId.Values.Where(meter => meter.Aggregation == Aggregation.UniqueCount).Select(meter => meter.Id)], ct);
        await using var command = tx.Command("""
            SELECT s.index, a.meter_id, sum(a.event_count)::bigint, sum(a.total), max(a.peak), sum(a.digest) % 18446744073709551616
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            JOIN usage_aggregates a ON a.org_id = $1 AND a.customer_key = s.customer AND a.bucket_start >= s.starts AND a.bucket_start < s.ends
            WHERE a.meter_id = ANY($6) GROUP BY s.index, a.meter_id
            """);
        SpanParameters(command, org, spans, [.. byId.Keys]);
        var usage = new Dictionary<int, Dictionary<string, MeterUsage>>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var (index, meter, count) = (reader.GetInt32(0), byId[reader.GetGuid(1)], reader.GetInt64(2));
            var quantity = meter.Aggregation switch
            {
                Aggregation.Count => count,
                Aggregation.Sum => reader.GetDecimal(3),
                Aggregation.Max => reader.GetDecimal(4),
                Aggregation.UniqueCount => uniques.GetValueOrDefault((index, meter.Id)),
                _ => throw new InvalidOperationException($"No such aggregation: {meter.Aggregation}."),
            };
            if (!usage.TryGetValue(index, out var ofSpan)) usage.Add(index, ofSpan = []);
            ofSpan[meter.Key] = new MeterUsage(quantity, count, decimal.ToUInt64(reader.GetDecimal(5)));
        }

        return usage;
    }

    /// <summary>A meter that is still being filled would answer too little: rather no answer than a wrong one.</summary>
    public static async Task CheckFilledAsync(ScopedTransaction tx, Guid org, MeterDefinition meter, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT filled FROM meters WHERE org_id = $1 AND id = $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = meter.Id });
        if (await command.ExecuteScalarAsync(ct) is false)
            throw new RefusedException(new Refusal(RefusalKind.Unavailable, "meter_filling", $"The meter '{meter.Key}' is still counting earlier events. Try again in a moment."));
    }

    private static async Task<Dictionary<(int, Guid), long>> CountUniquesAsync(
        ScopedTransaction tx, Guid org, IReadOnlyList<UsageSpan> spans, Guid[] meters, CancellationToken ct)
    {
        var counts = new Dictionary<(int, Guid), long>();
        if (meters.Length == 0) return counts;
        await using var command = tx.Command("""
            SELECT s.index, u.meter_id, count(DISTINCT u.value_hash)
            FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
            JOIN usage_uniques u ON u.org_id = $1 AND u.customer_key = s.customer AND u.bucket_start >= s.starts AND u.bucket_start < s.ends
            WHERE u.meter_id = ANY($6) GROUP BY s.index, u.meter_id
            """);
        SpanParameters(command, org, spans, meters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) counts[(reader.GetInt32(0), reader.GetGuid(1))] = reader.GetInt64(2);
        return counts;
    }

    private static async Task AddUniquesAsync(
        ScopedTransaction tx, Guid org, MeterDefinition meter, Instant from, Instant to, Duration window, string? customer,
        Dictionary<long, (decimal Quantity, long Count)> found, CancellationToken ct)
    {
        await using var command = tx.Command($"""
            SELECT floor(extract(epoch FROM bucket_start - $3) / $5)::bigint AS w, count(DISTINCT value_hash)
            FROM usage_uniques WHERE org_id = $1 AND meter_id = $2 AND bucket_start >= $3 AND bucket_start < $4 {(customer is null ? "" : "AND customer_key = $6")}
            GROUP BY w
            """);
        Parameters(command, org, meter, from, to, window, customer);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var index = reader.GetInt64(0);
            found[index] = (reader.GetInt64(1), found.GetValueOrDefault(index).Count);
        }
    }

    private static void CheckSpan(Instant from, Instant to, Duration window)
    {
        if (!Buckets.IsAligned(from)) throw new RefusedException(Refusal.Invalid("from", "not_aligned", "'from' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (!Buckets.IsAligned(to)) throw new RefusedException(Refusal.Invalid("to", "not_aligned", "'to' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (to <= from) throw new RefusedException(Refusal.Invalid("to", "empty_span", "'to' must be after 'from'."));
        if ((to - from) / window > MaxPoints)
            throw new RefusedException(Refusal.Invalid("to", "too_many_points", $"A timeline has at most {MaxPoints} points: ask for a shorter time or a wider window."));
    }

    private static void Parameters(NpgsqlCommand command, Guid org, MeterDefinition meter, Instant from, Instant to, Duration window, string? customer)
    {
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = meter.Id });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = from });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = to });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = (long)window.TotalSeconds });
        if (customer is not null) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = customer });
    }

    private static void SpanParameters(NpgsqlCommand command, Guid org, IReadOnlyList<UsageSpan> spans, Guid[] meters)
    {
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        UsageSql.Array(command, spans, span => span.Index);
        UsageSql.Array(command, spans, span => span.Customer);
        UsageSql.Array(command, spans, span => span.Start);
        UsageSql.Array(command, spans, span => span.End);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = meters });
    }
}
