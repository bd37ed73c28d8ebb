using System.Globalization;

namespace Polaris.Bench.Chaos;

/// <summary>What Polaris's own auditor says of an org: that nothing drifted, and that it saw as many events as were acknowledged.</summary>
internal static class Audit
{
    private const int MaxCalls = 100;

    public static async Task CheckAsync(string name, BenchOrg org, long events, Comparison comparison)
    {
        var mutations = (await org.Client.QueryAsync("{ __schema { mutationType { fields { name } } } }")).GetProperty("__schema").GetProperty("mutationType").GetProperty("fields");
        if (!mutations.EnumerateArray().Any(field => field.GetProperty("name").GetString() == "auditUsage"))
        {
            Console.WriteLine($"  {name}: this Polaris has no auditUsage to ask");
            return;
        }

        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var (from, to, seen, drift) = (today.AddDays(-1), today.AddDays(2), 0L, 0);
        for (var calls = 0; from < to; calls++)
        {
            if (calls == MaxCalls) throw new PolarisException($"The audit came to {Text(from)} in {MaxCalls} calls.");
            var report = (await org.Client.QueryAsync(
                "mutation($from: DateTime!, $to: DateTime!) { auditUsage(from: $from, to: $to) { checkedThrough events driftFound findings { kind bucketStart place stored expected } } }",
                new { from = Text(from), to = Text(to) })).GetProperty("auditUsage");
            foreach (var finding in report.GetProperty("findings").EnumerateArray()) Console.WriteLine($"  {name}: {finding}");
            (seen, drift) = (seen + report.GetProperty("events").GetInt64(), drift + report.GetProperty("driftFound").GetInt32());
            // An audit is bounded in time: the next one goes on where it came to.
            from = report.GetProperty("checkedThrough").GetDateTimeOffset().UtcDateTime;
        }

        comparison.Check($"{name}: drift that the auditor found", 0, drift);
        comparison.Check($"{name}: events that the auditor saw", events, seen);
    }

    private static string Text(DateTime day) => day.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
