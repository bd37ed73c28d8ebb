namespace Polaris.ServiceDefaults.Contracts;

/// <summary>
/// How a meter turns the events of a time into a quantity. docs/adr/0006 describes how buckets are merged. Numbered as in plans.proto.
/// </summary>
public enum MeterAggregation
{
    /// <summary>The number of events.</summary>
    Count = 1,

    /// <summary>The sum of a property.</summary>
    Sum = 2,

    /// <summary>The greatest value of a property; 0 without events.</summary>
    Max = 3,

    /// <summary>The number of distinct values of a property.</summary>
    UniqueCount = 4,

    /// <summary>The least value of a property; 0 without events.</summary>
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
