using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Rating;

/// <summary>A customer's usage of a period, counted from Ingestion's raw events without aggregates.</summary>
internal sealed class UsageFromEvents(TenantScope tenant, MeterCatalog catalog, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    /// <summary>Deadline for reading the events of a period, for a caller that waits: shorter than the gateway's for a service.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly Instant Beginning = Instant.FromUnixTimeTicks(0);

    /// <summary>A meter's total, totals by dimensions, and opening levels.</summary>
    private sealed class Counted
    {
        public UsageTotals All { get; } = new();

        public Dictionary<string, UsageTotals> ByDimensions { get; } = [];

        public Dictionary<string, ExactTotal> Levels { get; } = [];
    }

    /// <param name="customer">Its key.</param>
    /// <param name="span">What is billed.</param>
    /// <param name="plans">Their meters are counted.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="seen">Called for each event that a meter measures, also for one that was taken back; maybe several times.</param>
    /// <exception cref="RefusedException">Ingestion is unavailable.</exception>
    public async Task<PeriodUsage> HandleAsync(
        string customer,
        BilledSpan span,
        IEnumerable<PlanVersion> plans,
        CancellationToken ct,
        Action<UsageBatch, UsageEvent>? seen = null
    )
    {
        var (known, period) = (await catalog.ReadOrgAsync(tenant.RequireOrg(), ct), span.Billed);
        var meters = plans
            .SelectMany(plan => plan.Charges)
            .Where(charge => charge.Meter is not null)
            .Select(charge => known[charge.Meter!])
            .Distinct()
            .ToDictionary(meter => meter, _ => new Counted());
        var levels = meters.Where(pair => pair.Key.Aggregation == MeterAggregation.WeightedSum).ToDictionary();
        await ReadAsync(
            customer,
            period.Start,
            period.End,
            meters.Keys,
            (meter, measurement, hash) =>
            {
                var counted = meters[meter];
                counted.All.Add(measurement, hash);
                if (measurement.Dimensions is not { } values)
                    return;
                if (!counted.ByDimensions.TryGetValue(values, out var totals))
                    counted.ByDimensions.Add(values, totals = new UsageTotals());
                totals.Add(measurement, hash);
            },
            seen,
            ct
        );
        // A level is the sum of all its changes so far, so earlier events are read too.
        await ReadAsync(
            customer,
            Beginning,
            period.Start,
            levels.Keys,
            (meter, measurement, _) =>
            {
                var values = measurement.Dimensions ?? "";
                levels[meter].Levels[values] = levels[meter].Levels.GetValueOrDefault(values) + measurement.Value;
            },
            seen,
            ct
        );
        var usage = PeriodUsage.New();
        foreach (var (meter, counted) in meters)
        {
            try
            {
                if (!meter.Aggregation.IsSum())
                    usage.AddUnsummed(meter.Key);
                var level = counted.Levels.Values.Aggregate(default(ExactTotal), (sum, change) => sum + change);
                usage.Add(
                    meter.Key,
                    counted.All.ToUsage(meter.Aggregation, span, level),
                    meter.Dimensions is { Count: > 0 } ? ByDimension(meter, counted, span) : []
                );
            }
            catch (OverflowException)
            {
                usage.AddTooLarge(meter.Key);
            }
        }

        return usage;
    }

    private static DimensionUsage[] ByDimension(MeterDefinition meter, Counted counted, BilledSpan span) =>
        [
            .. counted
                .ByDimensions.Keys.Union(counted.Levels.Where(level => level.Value != default).Select(level => level.Key))
                .Select(values => new DimensionUsage(
                    values,
                    counted
                        .ByDimensions.GetValueOrDefault(values, new UsageTotals())
                        .ToUsage(meter.Aggregation, span, counted.Levels.GetValueOrDefault(values))
                )),
        ];

    private async Task ReadAsync(
        string customer,
        Instant from,
        Instant to,
        IReadOnlyCollection<MeterDefinition> meters,
        Action<MeterDefinition, Measurement, ulong> count,
        Action<UsageBatch, UsageEvent>? seen,
        CancellationToken ct
    )
    {
        if (meters.Count == 0)
            return;
        var request = new StreamEventsRequest
        {
            OrgId = tenant.RequireOrg().ToString(),
            Customer = customer,
            From = Timestamp.FromDateTime(from.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(to.ToDateTimeUtc()),
        };
        request.Types_.AddRange(meters.Select(meter => meter.EventType).Distinct());
        try
        {
            using var call = ingestion.StreamEvents(
                request,
                deadline: (TimeProvider.System.GetUtcNow() + Deadline).UtcDateTime,
                cancellationToken: ct
            );
            await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
            {
                foreach (var usageEvent in batch.Events)
                {
                    // Independent of what Billing has applied: a corrected event no longer counts, and a void itself never does.
                    var counts = usageEvent.CorrectedBy.Length == 0 && usageEvent.Corrects is not { Replaces: false };
                    if (!counts && seen is null)
                        continue;
                    var hash = UsageDigest.EventHash(usageEvent.ContentHash.Span);
                    foreach (var meter in meters)
                    {
                        if (meter.Measure(usageEvent.Type, usageEvent.Properties.Span, usageEvent.TimestampUs) is not { } measurement)
                            continue;
                        seen?.Invoke(batch, usageEvent);
                        if (counts)
                            count(meter, measurement, hash);
                    }
                }
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again.")
            );
        }
    }
}
