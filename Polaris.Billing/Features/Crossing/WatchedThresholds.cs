using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Crossing;

/// <summary>The thresholds in force of some orgs, read by whoever has usage to check against them.</summary>
internal static class WatchedThresholds
{
    public static async Task<ILookup<Guid, ThresholdRow>> OfAsync(ScopedTransaction tx, Guid[] orgs, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            SELECT org_id, id, key, name, measure, plan_key, customer_key, meter_id, meter_key, at_once, charge, currency, at_values
            FROM thresholds WHERE org_id = ANY($1) AND archived_at IS NULL
            """
        );
        command.Bind(orgs);
        var rows = new List<ThresholdRow>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            rows.Add(
                new ThresholdRow
                {
                    OrgId = reader.GetGuid(0),
                    Id = reader.GetGuid(1),
                    Key = reader.GetString(2),
                    Name = reader.GetString(3),
                    On = Enum.Parse<ThresholdOn>(reader.GetString(4)),
                    PlanKey = Text(5),
                    CustomerKey = Text(6),
                    MeterId = reader.IsDBNull(7) ? null : reader.GetGuid(7),
                    MeterKey = Text(8),
                    AtOnce = reader.GetBoolean(9),
                    Charge = Text(10),
                    Currency = Text(11),
                    AtValues = reader.GetFieldValue<decimal[]>(12),
                }
            );
        return rows.ToLookup(row => row.OrgId);

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    /// <summary>Balances fall, everything else rises.</summary>
    public static bool IsReached(this ThresholdRow threshold, decimal value, decimal measured) =>
        threshold.On == ThresholdOn.Balance ? measured <= value : measured >= value;

    /// <summary>Whether the threshold is about a subscription that is on this plan.</summary>
    public static bool Concerns(this ThresholdRow threshold, string customer, string plan) =>
        (threshold.CustomerKey is null || threshold.CustomerKey == customer) && (threshold.PlanKey is null || threshold.PlanKey == plan);
}
