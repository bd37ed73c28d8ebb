using Google.Protobuf.WellKnownTypes;
using Polaris.Billing.V1;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Ingestion.Features.Clock;

/// <summary>
/// Asks Billing every half second which test clocks were set since. While Billing does not answer, orgs keep the time they have: sandboxes
/// that of their test clock as last seen, all others real time.
/// </summary>
internal sealed class FollowTestClocks(Billing.V1.Billing.BillingClient billing, OrgTimes times, TimeProvider time) : PeriodicJob
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>A clock becomes visible with its transaction's end, after others that were set later; none takes this long.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);

    private DateTimeOffset? seen;

    public override TimeSpan MaxBackoff => TimeSpan.FromSeconds(1);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var request = new GetTestClocksRequest { After = seen is { } last ? Timestamp.FromDateTimeOffset(last - Overlap) : null };
        while (true)
        {
            var page = await billing.GetTestClocksAsync(
                request,
                deadline: (time.GetUtcNow() + Deadline).UtcDateTime,
                cancellationToken: ct
            );
            foreach (var clock in page.Clocks)
            {
                times.Set(Guid.Parse(clock.OrgId), clock.Now?.ToDateTimeOffset());
                var setAt = clock.SetAt.ToDateTimeOffset();
                if (seen is null || setAt > seen)
                    seen = setAt;
                (request.After, request.AfterOrgId) = (clock.SetAt, clock.OrgId);
            }

            if (!page.HasMore)
                return Every;
        }
    }
}
