using System.Globalization;
using System.Text;

namespace Polaris.Bench.Chaos;

/// <summary>
/// An event of a chaos run. <paramref name="Amount"/> is summed and compared; the distinct values of <paramref name="Who"/> are counted.
/// </summary>
internal readonly record struct ChaosEvent(string Key, string Type, string Customer, DateTimeOffset At, decimal Amount, string Who);

/// <summary>A meter that is created in every org of a chaos run.</summary>
internal sealed record ChaosMeter(string Key, string Type, string Aggregation, string? Property);

/// <summary>
/// The events of a run. Each is a function of seed, connection and number, so none need be stored to send it again or to compute the
/// expected figures.
/// </summary>
internal sealed class ChaosEvents(long seed, DateTimeOffset began)
{
    public const int Customers = 12;
    private const int People = 40;
    private const int SpreadSeconds = 3 * 3600;
    private static readonly string[] Types = ["api.call", "storage.put"];

    public static readonly ChaosMeter[] Meters =
    [
        .. Types.SelectMany(type =>
            new ChaosMeter[]
            {
                new($"{Short(type)}_count", type, "COUNT", null),
                new($"{Short(type)}_sum", type, "SUM", "amount"),
                new($"{Short(type)}_max", type, "MAX", "amount"),
                new($"{Short(type)}_who", type, "UNIQUE_COUNT", "who"),
            }
        ),
    ];

    public ChaosEvent Of(int connection, int number)
    {
        var random = Mix(unchecked((ulong)seed * 0x9E3779B97F4A7C15 + (ulong)connection * 0xD1B54A32D192ED03 + (ulong)number));
        int Next(int below)
        {
            var value = (int)(random % (ulong)below);
            random = Mix(random);
            return value;
        }

        return new ChaosEvent(
            string.Create(CultureInfo.InvariantCulture, $"{seed}-{began.ToUnixTimeSeconds()}-{connection}-{number}"),
            Types[Next(Types.Length)],
            $"customer-{Next(Customers)}",
            began.AddSeconds(-Next(SpreadSeconds)),
            Next(1_000_000) / 1000m,
            $"person-{Next(People)}"
        );
    }

    /// <summary>Writes an event as JSON; if altered, it has the same key and a different amount.</summary>
    public static void Write(StringBuilder text, in ChaosEvent one, bool altered) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"{{\"idempotency_key\":\"{one.Key}\",\"type\":\"{one.Type}\",\"customer\":\"{one.Customer}\","
                + $"\"timestamp\":\"{one.At:yyyy-MM-ddTHH:mm:ssZ}\","
                + $"\"properties\":{{\"amount\":{(altered ? one.Amount + 1 : one.Amount)},\"who\":\"{one.Who}\"}}}}"
        );

    private static string Short(string type) => type[..type.IndexOf('.', StringComparison.Ordinal)];

    // The final mixing step of SplitMix64.
    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}

/// <summary>
/// The expected figures of acknowledged events, by customer and by 15-minute bucket, computed without any of Polaris's code.
/// </summary>
internal sealed class ChaosFold
{
    private static readonly long QuarterHour = TimeSpan.FromMinutes(15).Ticks;

    private readonly Dictionary<(string Meter, string Scope), Totals> totals = [];

    private sealed class Totals
    {
        public long Count { get; set; }

        public decimal Sum { get; set; }

        public decimal Max { get; set; }

        public HashSet<string> Who { get; } = [];
    }

    public long Events { get; private set; }

    public void Add(in ChaosEvent one)
    {
        Events++;
        foreach (var meter in ChaosEvents.Meters)
        {
            if (meter.Type != one.Type)
                continue;
            foreach (var scope in new[] { "", one.Customer, QuarterOf(one.At) })
            {
                if (!totals.TryGetValue((meter.Key, scope), out var sum))
                    totals.Add((meter.Key, scope), sum = new Totals());
                sum.Count++;
                sum.Sum += one.Amount;
                sum.Max = Math.Max(sum.Max, one.Amount);
                sum.Who.Add(one.Who);
            }
        }
    }

    /// <param name="meter">The meter.</param>
    /// <param name="scope">A customer, the start of a bucket in the format of <see cref="QuarterOf"/>, or empty for the whole org.</param>
    public decimal Quantity(ChaosMeter meter, string scope) =>
        !totals.TryGetValue((meter.Key, scope), out var sum)
            ? 0
            : meter.Aggregation switch
            {
                "COUNT" => sum.Count,
                "SUM" => sum.Sum,
                "MAX" => sum.Max,
                _ => sum.Who.Count,
            };

    public static string QuarterOf(DateTimeOffset at) =>
        new DateTimeOffset(at.UtcTicks - at.UtcTicks % QuarterHour, TimeSpan.Zero).ToString(
            "yyyy-MM-ddTHH:mm:ssZ",
            CultureInfo.InvariantCulture
        );
}
