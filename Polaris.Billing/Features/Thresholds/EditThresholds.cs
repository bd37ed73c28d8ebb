using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Thresholds;

/// <summary>A threshold to create. Without plan and customer it is about every subscription of the org.</summary>
/// <param name="Key">The org's own.</param>
/// <param name="Name">For people; null for the key.</param>
/// <param name="On">What it is about.</param>
/// <param name="Values">Units of the meter, percent, or an amount.</param>
/// <param name="Plan">Only subscriptions on this plan.</param>
/// <param name="Customer">Only this customer's; not together with a plan.</param>
/// <param name="Meter">Of a quantity, and only then.</param>
/// <param name="Charge">Of included units, and only then: the charge's key.</param>
/// <param name="Currency">Of an amount or a balance, and only then: only subscriptions in this currency.</param>
internal sealed record NewThreshold(
    string Key,
    string? Name,
    ThresholdOn On,
    IReadOnlyList<decimal> Values,
    string? Plan = null,
    string? Customer = null,
    string? Meter = null,
    string? Charge = null,
    string? Currency = null
);

/// <summary>
/// The org's thresholds. Their name and values can change, what they are about cannot: archive one and create another. A change is checked
/// from the next usage on.
/// </summary>
internal sealed class EditThresholds(BillingDbContext db, TenantScope tenant, PlanCatalog plans, MeterCatalog meters, TimeProvider time)
{
    /// <summary>Thresholds in force: each is checked whenever its usage is counted.</summary>
    public const int MaxOfOrg = 100;

    public const int MaxValues = 10;

    /// <summary>Creates a threshold; an identical one is returned as it is.</summary>
    public async Task<ThresholdRow> CreateAsync(NewThreshold input, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var row = Check(org, input);
        if (input.Plan is { } plan)
            await plans.FetchPublishedAsync(org, plan, "input.plan", ct);
        if (input.Meter is { } key)
        {
            var meter =
                await meters.FindAsync(org, key, ct)
                ?? throw new RefusedException(Refusal.Invalid("input.meter", "unknown_meter", $"There is no meter '{key}'."));
            // A level needs the one at the period's start, which rating reads.
            (row.MeterId, row.AtOnce) = (meter.Id, meter.Aggregation != MeterAggregation.WeightedSum);
        }

        return await db.InTransactionAsync(
            async token =>
            {
                if (await db.Thresholds.SingleOrDefaultAsync(known => known.Key == row.Key, token) is { } existing)
                    return IsSame(existing, row)
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict("threshold_exists", $"There is another threshold '{row.Key}'.", "input.key")
                        );
                // Two that are created at once may both be the last one; the bound is there to bound work.
                if (await db.Thresholds.CountAsync(known => known.ArchivedAt == null, token) >= MaxOfOrg)
                    throw new RefusedException(
                        Refusal.Conflict("too_many", $"An org has at most {MaxOfOrg} thresholds that are not archived.", "input")
                    );
                db.Thresholds.Add(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    /// <summary>Changes the name or the values; null leaves it as it is.</summary>
    public Task<ThresholdRow> UpdateAsync(string key, string? name, IReadOnlyList<decimal>? values, CancellationToken ct)
    {
        if (name is not null)
            StatedAmounts.Name(name, "input.name");
        return EditAsync(
            key,
            "input.key",
            row =>
            {
                if (row.ArchivedAt is not null)
                    throw new RefusedException(Refusal.Conflict("archived", $"The threshold '{key}' is archived.", "input.key"));
                row.Name = name ?? row.Name;
                if (values is not null)
                    row.AtValues = CheckValues(row.On, values);
            },
            ct
        );
    }

    /// <summary>Ends a threshold; its crossings stay. Does nothing to an archived one.</summary>
    public Task<ThresholdRow> ArchiveAsync(string key, CancellationToken ct) =>
        EditAsync(key, "key", row => row.ArchivedAt ??= time.GetCurrentInstant(), ct);

    private Task<ThresholdRow> EditAsync(string key, string path, Action<ThresholdRow> edit, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db.Thresholds.SingleOrDefaultAsync(known => known.Key == key, token)
                    ?? throw new RefusedException(
                        new Refusal(RefusalKind.NotFound, "unknown_threshold", "There is no such threshold.", path)
                    );
                edit(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private static bool IsSame(ThresholdRow one, ThresholdRow other) =>
        one.ArchivedAt is null
        && (one.Name, one.On, one.PlanKey, one.CustomerKey, one.MeterKey, one.Charge, one.Currency)
            == (other.Name, other.On, other.PlanKey, other.CustomerKey, other.MeterKey, other.Charge, other.Currency)
        && one.AtValues.SequenceEqual(other.AtValues);

    private ThresholdRow Check(Guid org, NewThreshold input)
    {
        StatedAmounts.Key(input.Key, "input.key");
        if (input.Name is not null)
            StatedAmounts.Name(input.Name, "input.name");
        if (!Enum.IsDefined(input.On))
            throw Refused("on", "out_of_range", "'on' must be QUANTITY, INCLUDED_PERCENT, AMOUNT or BALANCE.");
        if (input.Plan is not null && input.Customer is not null)
            throw Refused("customer", "one_of_two", "Give 'plan' or 'customer', or neither for the whole org.");
        if (input.Customer is { } customer && customer.Length is 0 or > Limits.MaxTextLength)
            throw Refused("customer", "too_long", $"A customer's key has 1 to {Limits.MaxTextLength} characters.");
        With("meter", input.Meter, ThresholdOn.Quantity);
        With("charge", input.Charge, ThresholdOn.IncludedPercent);
        With("currency", input.Currency, ThresholdOn.Amount, ThresholdOn.Balance);
        if (input.Charge is { } charge)
            StatedAmounts.Key(charge, "input.charge");
        if (input.Currency is { } currency && !Currencies.Exists(currency))
            throw Refused("currency", "unknown_currency", "'currency' must be an ISO 4217 code such as USD.");
        var now = time.GetUtcNow();
        return new ThresholdRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            Key = input.Key,
            Name = input.Name ?? input.Key,
            On = input.On,
            PlanKey = input.Plan,
            CustomerKey = input.Customer,
            MeterKey = input.Meter,
            Charge = input.Charge,
            Currency = input.Currency,
            AtValues = CheckValues(input.On, input.Values),
            CreatedAt = Instant.FromDateTimeOffset(now),
        };

        void With(string field, string? value, params ThresholdOn[] on)
        {
            if (value is null == on.Contains(input.On))
                throw Refused(field, "only_with", $"Give '{field}' with {string.Join(" or ", on.Select(StatedName))}, and only then.");
        }
    }

    private static decimal[] CheckValues(ThresholdOn on, IReadOnlyList<decimal> values)
    {
        if (values.Count is 0 or > MaxValues)
            throw Refused("values", "count", $"A threshold has 1 to {MaxValues} values.");
        // Credits that are used up are a balance to hear of; nothing else begins above 0.
        if (values.Any(value => value < 0 || (value == 0 && on != ThresholdOn.Balance) || value >= Limits.MaxNumber))
            throw Refused(
                "values",
                "out_of_range",
                $"The values of {StatedName(on)} must be {(on == ThresholdOn.Balance ? "0 or more" : "above 0")} "
                    + $"and below {Limits.MaxNumber}."
            );
        if (values.Any(value => StatedAmounts.Places(value) > Limits.MaxDecimalPlaces))
            throw Refused("values", "too_precise", $"A value has at most {Limits.MaxDecimalPlaces} decimal places.");
        return values.Distinct().Count() == values.Count
            ? [.. values.Order().Select(Exact.Trim)]
            : throw Refused("values", "duplicate", "Each value is named once.");
    }

    private static string StatedName(ThresholdOn on) =>
        on switch
        {
            ThresholdOn.Quantity => "QUANTITY",
            ThresholdOn.IncludedPercent => "INCLUDED_PERCENT",
            ThresholdOn.Balance => "BALANCE",
            _ => "AMOUNT",
        };

    private static RefusedException Refused(string field, string code, string message) =>
        new(Refusal.Invalid($"input.{field}", code, message));
}
