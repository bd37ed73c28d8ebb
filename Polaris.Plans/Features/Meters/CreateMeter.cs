using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Plans.Features.Meters;

/// <summary>An equality filter on an event's property, compared as text.</summary>
public sealed record MeterFilter(string Property, string Equals_);

public sealed record NewMeter(
    string Key,
    string? Name,
    string EventType,
    MeterAggregation Aggregation,
    string? Property,
    IReadOnlyList<MeterFilter> Filters,
    IReadOnlyList<string> Dimensions,
    EventFee? EventFee = null
);

/// <summary>Creates a meter. An identical meter is returned as it is; a different definition under an existing key is a conflict.</summary>
internal sealed class CreateMeter(PlansDbContext db, TenantScope tenant, TimeProvider time)
{
    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web);

    public Task<MeterRow> HandleAsync(NewMeter meter, CancellationToken ct)
    {
        if (Validate(meter) is { } bad)
            throw new RefusedException(Refusal.Invalid(bad.Path, bad.Code, bad.Message));
        return db.InTransactionAsync(token => StoreAsync(meter, token), ct);
    }

    public static IReadOnlyList<MeterFilter> Filters(MeterRow row) => JsonSerializer.Deserialize<MeterFilter[]>(row.Filters, Stored)!;

    public static IReadOnlyList<string> Dimensions(MeterRow row) => JsonSerializer.Deserialize<string[]>(row.Dimensions, Stored)!;

    public static EventFee? EventFee(MeterRow row) =>
        row.EventFee is null ? null : JsonSerializer.Deserialize<EventFee>(row.EventFee, Stored);

    private static Violation? Validate(NewMeter meter)
    {
        if (
            (
                PlanValidation.Key("input.key", meter.Key)
                ?? PlanValidation.Text("input.name", meter.Name, required: false)
                ?? PlanValidation.Text("input.eventType", meter.EventType)
            ) is
            { } bad
        )
            return bad;
        if (meter.Aggregation == MeterAggregation.Count && meter.Property is not null)
            return new Violation("input.property", "count_has_no_property", "'property' must not be set on a COUNT meter.");
        if (meter.Aggregation != MeterAggregation.Count && PlanValidation.Text("input.property", meter.Property) is { } missing)
            return missing;
        if (meter.Filters.Count > PlanValidation.MaxFilters)
            return new Violation("input.filters", "count", $"'filters' must have at most {PlanValidation.MaxFilters} entries.");
        for (var i = 0; i < meter.Filters.Count; i++)
        {
            if (PlanValidation.Text($"input.filters[{i}].property", meter.Filters[i].Property) is { } wrong)
                return wrong;
            if (PlanValidation.Text($"input.filters[{i}].equals", meter.Filters[i].Equals_, required: false) is { } text)
                return text;
        }

        if (meter.Dimensions.Count > PlanValidation.MaxDimensions)
            return new Violation("input.dimensions", "count", $"'dimensions' must have at most {PlanValidation.MaxDimensions} entries.");
        for (var i = 0; i < meter.Dimensions.Count; i++)
        {
            if (PlanValidation.Text($"input.dimensions[{i}]", meter.Dimensions[i]) is { } wrong)
                return wrong;
            if (meter.Dimensions.Take(i).Contains(meter.Dimensions[i]))
                return new Violation($"input.dimensions[{i}]", "duplicate_dimension", "Duplicate dimension.");
        }

        if (meter.EventFee is null)
            return null;
        return meter.Aggregation == MeterAggregation.Sum
            ? PlanValidation.EventFee("input.eventFee", meter.EventFee)
            : new Violation("input.eventFee", "only_of_a_sum", "'eventFee' must not be set unless the aggregation is SUM.");
    }

    private async Task<MeterRow> StoreAsync(NewMeter meter, CancellationToken ct)
    {
        var row = ToRow(tenant.RequireOrg(), meter, time.GetUtcNow());
        if (await db.Meters.AsNoTracking().SingleOrDefaultAsync(known => known.Key == meter.Key, ct) is { } existing)
        {
            return
                existing.EventType == row.EventType
                && existing.Aggregation == row.Aggregation
                && existing.Property == row.Property
                && existing.Name == row.Name
                && Filters(existing).SequenceEqual(meter.Filters)
                && Dimensions(existing).SequenceEqual(meter.Dimensions)
                && EventFee(existing) == meter.EventFee
                ? existing
                : throw new RefusedException(
                    Refusal.Conflict(
                        "meter_exists",
                        $"The meter '{meter.Key}' already exists with a different definition, which cannot be changed.",
                        "input.key"
                    )
                );
        }

        db.Meters.Add(row);
        await db.SaveChangesAsync(ct);
        return row;
    }

    internal static MeterRow ToRow(Guid org, NewMeter meter, DateTimeOffset now) =>
        new()
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            Key = meter.Key,
            Name = meter.Name ?? meter.Key,
            EventType = meter.EventType,
            Aggregation = meter.Aggregation.ToString(),
            Property = meter.Property,
            Filters = JsonSerializer.Serialize(meter.Filters, Stored),
            Dimensions = JsonSerializer.Serialize(meter.Dimensions, Stored),
            EventFee = meter.EventFee is null ? null : JsonSerializer.Serialize(meter.EventFee, Stored),
            CreatedAt = Instant.FromDateTimeOffset(now),
        };
}
