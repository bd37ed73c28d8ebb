using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Usage;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>What answers current usage and timelines.</summary>
public sealed class UsageReaderTests
{
    [Fact]
    public void Usage_is_answered_from_aggregates_and_no_reader_can_reach_raw_events()
    {
        foreach (var reader in new[] { typeof(ReadUsage), typeof(ReportUsage), typeof(ReadCurrentUsage), typeof(OrgClocks) })
            Assert.DoesNotContain(
                reader.GetConstructors().Single().GetParameters(),
                parameter => parameter.ParameterType.FullName!.Contains("Ingestion", StringComparison.Ordinal)
            );
    }
}
