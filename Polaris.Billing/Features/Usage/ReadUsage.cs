using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>A window of a timeline and its usage.</summary>
public sealed record TimelinePoint(Instant Start, decimal Quantity, long EventCount);

/// <summary>Answers from aggregates: the cost grows with the number of buckets, not of events.</summary>
internal sealed class ReadUsage(NpgsqlDataSource database, MeterCatalog catalog)
{
    /// <summary>Maximum number of points of a timeline.</summary>
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

    /// <summary>A point for each window of [from, to), including windows without usage. The last window may be shorter.</summary>
    public async Task<IReadOnlyList<TimelinePoint>> TimelineAsync(
        Guid org,
        string meterKey,
        Instant from,
        Instant to,
        Duration window,
        string? customer,
        CancellationToken ct
    )
    {
        CheckSpan(from, to, window);
        var meter = await catalog.FindAsync(org, meterKey, ct) ?? throw new RefusedException(Refusal.NotFound("meter"));
        await using var tx = await database.BeginOrgAsync(org, ct);
        await CheckFilledAsync(tx, org, meter, ct);
        var found = await SumsAsync(tx, org, meter, from, to, window, customer, ct);
        if (meter.Aggregation == MeterAggregation.UniqueCount)
            await AddUniquesAsync(tx, org, meter, from, to, window, customer, found, ct);
        var level = meter.Aggregation == MeterAggregation.WeightedSum ? await LevelAsync(tx, org, meter, from, customer, ct) : default;
        var points = new List<TimelinePoint>();
        for (var (start, index) = (from, 0L); start < to; start += window, index++)
        {
            var sums = found.GetValueOrDefault(index);
            var usage = ToUsage(sums, meter, new BillingPeriod(start, Instant.Min(start + window, to)), level);
            points.Add(new TimelinePoint(start, usage.Quantity, usage.EventCount));
            level += sums.Total;
        }

        return points;
    }

    /// <exception cref="RefusedException">The quantity has more digits than a decimal holds.</exception>
    internal static MeterUsage ToUsage(UsageSums sums, MeterDefinition meter, BillingPeriod period, ExactTotal level)
    {
        try
        {
            return sums.ToUsage(meter.Aggregation, new BilledSpan(period, period), level);
        }
        catch (OverflowException exception)
        {
            throw new RefusedException(
                Refusal.Conflict(
                    "quantity_too_large",
                    $"The quantity of the meter '{meter.Key}' from {period.Start} cannot be computed: {exception.Message}"
                )
            );
        }
    }

    /// <summary>Rejects a query of a meter that is still being filled, since its answer would be too small.</summary>
    public static Task CheckFilledAsync(ScopedTransaction tx, Guid org, MeterDefinition meter, CancellationToken ct) =>
        CheckFilledAsync(tx, org, [meter], ct);

    /// <inheritdoc cref="CheckFilledAsync(ScopedTransaction, Guid, MeterDefinition, CancellationToken)"/>
    public static async Task CheckFilledAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyCollection<MeterDefinition> meters,
        CancellationToken ct
    )
    {
        if (meters.Count == 0)
            return;
        await using var command = tx.Command("SELECT key FROM meters WHERE org_id = $1 AND id = ANY($2) AND NOT filled LIMIT 1");
        command.Bind(org).Bind<Guid[]>([.. meters.Select(meter => meter.Id)]);
        if (await command.ExecuteScalarAsync(ct) is string key)
            throw StillFilling(meters.First(meter => meter.Key == key));
    }

    internal static RefusedException StillFilling(MeterDefinition meter) =>
        new(
            new Refusal(
                RefusalKind.Unavailable,
                "meter_filling",
                $"The meter '{meter.Key}' is still counting earlier events. Try again in a moment."
            )
        );

    private static async Task<Dictionary<long, UsageSums>> SumsAsync(
        ScopedTransaction tx,
        Guid org,
        MeterDefinition meter,
        Instant from,
        Instant to,
        Duration window,
        string? customer,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            SELECT floor(extract(epoch FROM a.bucket_start - $3) / $5)::bigint AS w, {StoredSums.Columns}
            FROM usage_aggregates a WHERE a.org_id = $1 AND {Asked("a", customer)}
            GROUP BY w
            """
        );
        Parameters(command, org, meter, from, to, window, customer);
        var found = new Dictionary<long, UsageSums>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            found[reader.GetInt64(0)] = StoredSums.Read(reader, 1);
        return found;
    }

    /// <summary>The level at a time: the sum of all earlier changes.</summary>
    private static async Task<ExactTotal> LevelAsync(
        ScopedTransaction tx,
        Guid org,
        MeterDefinition meter,
        Instant before,
        string? customer,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            SELECT coalesce({StoredSums.Units}, 0)
            FROM ({LevelCheckpoints.Before(customer is null ? null : "SELECT $4::text AS customer_key")}) a
            """
        );
        command.Bind(org).Bind(meter.Id).Bind(before);
        if (customer is not null)
            command.Bind(customer);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return StoredSums.Total(reader, 0);
    }

    private static async Task AddUniquesAsync(
        ScopedTransaction tx,
        Guid org,
        MeterDefinition meter,
        Instant from,
        Instant to,
        Duration window,
        string? customer,
        Dictionary<long, UsageSums> found,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            SELECT floor(extract(epoch FROM bucket_start - $3) / $5)::bigint AS w, count(DISTINCT value_hash)
            FROM usage_uniques u WHERE u.org_id = $1 AND {Asked("u", customer)}
            GROUP BY w
            """
        );
        Parameters(command, org, meter, from, to, window, customer);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var index = reader.GetInt64(0);
            found[index] = found.GetValueOrDefault(index) with { Uniques = reader.GetInt64(1) };
        }
    }

    /// <param name="from">Inclusive.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="path">Path of the object that has the two, with a dot; empty at the root.</param>
    /// <exception cref="RefusedException">A bound is no multiple of 15 minutes, or out of range, or nothing is between them.</exception>
    internal static void CheckBounds(Instant from, Instant to, string path = "")
    {
        foreach (var (name, at) in new[] { ("from", from), ("to", to) })
        {
            StatedDates.Check(path + name, at);
            if (!Buckets.IsAligned(at))
                throw new RefusedException(
                    Refusal.Invalid(path + name, "not_aligned", $"'{name}' must be a multiple of 15 minutes, such as 10:15:00Z.")
                );
        }

        if (to <= from)
            throw new RefusedException(Refusal.Invalid(path + "to", "empty_span", "'to' must be after 'from'."));
    }

    private static void CheckSpan(Instant from, Instant to, Duration window)
    {
        CheckBounds(from, to);
        if ((to - from) / window > MaxPoints)
            throw new RefusedException(
                Refusal.Invalid(
                    "to",
                    "too_many_points",
                    $"A timeline has at most {MaxPoints} points: ask for a shorter time span or a wider window."
                )
            );
    }

    private static string Asked(string table, string? customer) =>
        customer is null
            ? $"{table}.meter_id = $2 AND {table}.bucket_start >= $3 AND {table}.bucket_start < $4"
            : UsageSql.OfCustomer(table, "$6", "$2", "$3", "$4");

    private static void Parameters(
        NpgsqlCommand command,
        Guid org,
        MeterDefinition meter,
        Instant from,
        Instant to,
        Duration window,
        string? customer
    )
    {
        command.Bind(org).Bind(meter.Id).Bind(from).Bind(to).Bind((long)window.TotalSeconds);
        if (customer is not null)
            command.Bind(customer);
    }
}
