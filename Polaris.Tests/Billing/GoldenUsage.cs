using System.Globalization;
using System.Text;
using System.Text.Json;
using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing;

/// <summary>
/// Quantities of published examples: events through a meter of the public format, bucket by bucket, merged like in the database.
/// </summary>
internal static class GoldenUsage
{
    /// <summary>The quantity that the example expects, rounded to the places of a quantity.</summary>
    public static decimal QuantityOf(JsonElement parameters, JsonElement usage)
    {
        var stated = parameters.TryGetProperty("aggregation", out var name) ? name.GetString()! : "weighted_sum";
        var kind = stated.Split('(', ' ')[0];
        var property = stated.Contains('(', StringComparison.Ordinal) ? stated.Split('(', ')')[1] : "v";
        var aggregation = kind == "avg" ? "AVERAGE" : kind.ToUpperInvariant();
        var meter = PublicFormat.Meter(
            $$"""{"key":"m","eventType":"t","aggregation":"{{aggregation}}"{{(kind == "count" ? "" : $",\"property\":\"{property}\"")}}}"""
        );
        var period = parameters.TryGetProperty("period_start", out var start)
            ? PublicFormat.Period(start.GetString()!, parameters.GetProperty("period_end_exclusive").GetString()!)
            : PublicFormat.Period("2022-03-01T00:00:00Z", "2022-04-01T00:00:00Z");
        var totals = new UsageTotals();
        foreach (var (at, properties, order) in usage.EnumerateArray().Select((one, i) => EventOf(one, i, property)))
        {
            if (meter.Measure("t", Encoding.UTF8.GetBytes(properties), at.ToUnixTimeTicks() / 10) is { } measurement)
                totals.Add(measurement, (ulong)order);
        }

        return totals.ToUsage(meter.Aggregation, period, 0).Quantity;
    }

    // A number is an event in order; a pair has its time of day first.
    private static (Instant At, string Properties, int Order) EventOf(JsonElement one, int index, string property) =>
        one.ValueKind switch
        {
            JsonValueKind.Number => (
                PublicFormat.At("2022-03-16T00:00:00Z") + Duration.FromMinutes(index),
                $$"""{"{{property}}":{{one.GetRawText()}}}""",
                index
            ),
            JsonValueKind.Array => (TimeOf(one[0].GetString()!), $$"""{"{{property}}":{{one[1].GetRawText()}}}""", index),
            _ => (PublicFormat.At(one.GetProperty("timestamp").GetString()!), one.GetRawText(), index),
        };

    private static Instant TimeOf(string text) =>
        PublicFormat.At(text.Length == 5 ? string.Create(CultureInfo.InvariantCulture, $"2022-03-16T{text}:00Z") : text);
}
