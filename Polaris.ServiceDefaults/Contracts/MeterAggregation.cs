namespace Polaris.ServiceDefaults.Contracts;

/// <summary>How a meter turns events into a quantity; docs/adr/0006 describes how buckets are merged. Numbered as in plans.proto.</summary>
public enum MeterAggregation
{
    Count = 1,
    Sum = 2,
    Max = 3,
    UniqueCount = 4,
    Min = 5,

    /// <summary>Sum divided by count.</summary>
    Average = 6,

    /// <summary>The value of the last event by timestamp; at the same microsecond, of the event with the greater hash.</summary>
    Latest = 7,

    /// <summary>
    /// Time-weighted average of a level that events change. A change lasts until the next one, also into the next period.
    /// </summary>
    WeightedSum = 8,
}
