using System.Diagnostics;
using Polaris.Billing.Domain;

// Lines per second of the rating engine on one core, with explanations, and bytes allocated per line. Process CPU time is measured instead
// of wall-clock time, so that other load on the machine does not change the figures.
const int Lines = 1_000_000;
const int Rounds = 5;

Tier[] tiers = [new(100, 0, 0), new(1_000, 0.01m, 0), new(10_000, 0.008m, 2), new(null, 0.005m, 0)];
(string Name, Charge Charge)[] charges =
[
    ("graduated", Metered(new GraduatedPrice(tiers))),
    ("volume", Metered(new VolumePrice(tiers))),
    ("per unit", Metered(new PerUnitPrice(0.015m))),
    ("package", Metered(new PackagePrice(1_000, 0.10m, 100))),
    ("percentage", Metered(new PercentagePrice(0.029m, 0.30m, 0, 0))),
    ("graduated, min and max", Metered(new GraduatedPrice(tiers)) with { IncludedUnits = 50, Minimum = 5, Maximum = 50 }),
];
var quantities = new MeterUsage[1_024];
for (var i = 0; i < quantities.Length; i++)
    quantities[i] = new MeterUsage((i * 37) + (i % 8 / 8m), i, 0);

using var process = Process.GetCurrentProcess();
Console.WriteLine($"{"", -24} {"lines/s", 12} {"bytes/line", 12}   (median of {Rounds} rounds of {Lines:N0} lines)");
foreach (var (name, charge) in charges)
{
    Run(charge, Lines / 4);
    var rates = new decimal[Rounds];
    var bytes = 0L;
    for (var round = 0; round < Rounds; round++)
    {
        process.Refresh();
        var (before, allocated) = (process.TotalProcessorTime, GC.GetAllocatedBytesForCurrentThread());
        Run(charge, Lines);
        process.Refresh();
        rates[round] = Lines / (decimal)(process.TotalProcessorTime - before).TotalSeconds;
        bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / Lines;
    }

    Array.Sort(rates);
    Console.WriteLine($"{name, -24} {rates[Rounds / 2], 12:N0} {bytes, 12:N0}");
}

static Charge Metered(Price price) => new("c", "C", "m", price);

void Run(Charge charge, int lines)
{
    var sum = 0m;
    for (var i = 0; i < lines; i++)
        sum += RatingEngine.RateLine(charge, quantities[i & 1023], 2).Amount;
    if (sum < 0)
        throw new InvalidOperationException("The sum of the amounts must not be negative.");
}
