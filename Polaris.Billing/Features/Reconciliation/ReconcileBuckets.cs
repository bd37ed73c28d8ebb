using NodaTime;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// Compares a span of an org's buckets and repairs differences: buckets immediately, aggregates by marking them for a rebuild.
/// </summary>
internal sealed class ReconcileBuckets(CompareBuckets compare, RepairBuckets repair, CompareAggregates aggregates)
{
    public async Task<(BucketComparison Comparison, List<Finding> Findings)> HandleAsync(
        Guid org,
        Instant from,
        Instant to,
        int limit,
        CancellationToken ct
    )
    {
        var comparison = await compare.HandleAsync(org, from, to, limit, ct);
        var findings = new List<Finding>();
        foreach (var bucket in comparison.Differences.Select(difference => difference.Place.Start).Distinct().Order())
        {
            var found = await repair.HandleAsync(org, bucket, ct);
            if (found.Count == 0)
                continue;
            findings.AddRange(found);
            findings.AddRange(await aggregates.HandleAsync(org, bucket, bucket + Buckets.Size, ct));
        }

        return (comparison, findings);
    }
}
