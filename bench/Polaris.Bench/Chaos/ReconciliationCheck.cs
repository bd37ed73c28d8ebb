using System.Globalization;

namespace Polaris.Bench.Chaos;

/// <summary>Polaris's own reconciliation of an org must find no drift, and as many events as were acknowledged.</summary>
internal static class ReconciliationCheck
{
    private const int MaxCalls = 100;

    public static async Task RunAsync(string name, BenchOrg org, long events, Comparison comparison)
    {
        var mutations = (await org.Client.QueryAsync("{ __schema { mutationType { fields { name } } } }"))
            .GetProperty("__schema")
            .GetProperty("mutationType")
            .GetProperty("fields");
        if (!mutations.EnumerateArray().Any(field => field.GetProperty("name").GetString() == "reconcileUsage"))
        {
            Console.WriteLine($"  {name}: this version of Polaris has no reconcileUsage");
            return;
        }

        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var (from, to, seen, drift) = (today.AddDays(-1), today.AddDays(2), 0L, 0);
        for (var calls = 0; from < to; calls++)
        {
            if (calls == MaxCalls)
                throw new PolarisException($"Reconciliation reached only {Text(from)} in {MaxCalls} calls.");
            var report = (
                await org.Client.QueryAsync(
                    "mutation($from: DateTime!, $to: DateTime!) { reconcileUsage(from: $from, to: $to) { checkedThrough events "
                        + "driftFound findings { kind bucketStart place stored expected } } }",
                    new { from = Text(from), to = Text(to) }
                )
            ).GetProperty("reconcileUsage");
            foreach (var finding in report.GetProperty("findings").EnumerateArray())
                Console.WriteLine($"  {name}: {finding}");
            (seen, drift) = (seen + report.GetProperty("events").GetInt64(), drift + report.GetProperty("driftFound").GetInt32());
            // Each call is bounded in time; the next one continues where it ended.
            from = report.GetProperty("checkedThrough").GetDateTimeOffset().UtcDateTime;
        }

        comparison.Check($"{name}: drift found by reconciliation", 0, drift);
        comparison.Check($"{name}: events seen by reconciliation", events, seen);
    }

    private static string Text(DateTime day) => day.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
