using System.Text.RegularExpressions;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.Hosting;

/// <summary>Services have jobs and handlers; the loops around them, which must survive every failure, are in ServiceDefaults.</summary>
public sealed partial class BackgroundLoopTests
{
    /// <summary>Other loops, with the reason.</summary>
    private static readonly Dictionary<string, string> Known = new()
    {
        ["Polaris.Billing/Features/Counting/ApplyUsage.cs"] = "Waits for an org's lock on behalf of its caller, for a bounded time.",
        ["Polaris.Ingestion/Features/Ingest/EventWriter.cs"] =
            "Group commit, the hot path: waits for requests and answers each of them, also after a failure.",
    };

    [Fact]
    public void A_service_makes_no_loop_of_its_own()
    {
        string[] samples =
        [
            "internal sealed class Job(ILogger<Job> log)\n    : BackgroundService",
            "class Job : IJob, IHostedService",
            "using var timer = new PeriodicTimer(Every, time);",
            "await Task.Delay(RetryInterval, ct);",
        ];
        Assert.All(samples, sample => Assert.Matches(Loop(), sample));
        var loops = SourceText
            .Files()
            .Where(file => !file.Path.StartsWith("Polaris.ServiceDefaults/", StringComparison.Ordinal) && Loop().IsMatch(file.Text))
            .Select(file => file.Path)
            .ToArray();
        Assert.Equal(Known.Keys.Order(StringComparer.Ordinal), loops);
    }

    [GeneratedRegex(@"[:,]\s*(BackgroundService|IHostedService|IHostedLifecycleService)\b|\bPeriodicTimer\b|\bTask\.Delay\b")]
    private static partial Regex Loop();
}
