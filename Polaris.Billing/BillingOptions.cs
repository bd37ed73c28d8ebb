using System.ComponentModel.DataAnnotations;

namespace Polaris.Billing;

/// <summary>Section <c>Billing</c>.</summary>
public sealed class BillingOptions
{
    public const string Section = "Billing";

    /// <summary>How long after a period's end its invoice is drafted, so that usage still on its way is in it.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "35.00:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long the ids of applied batches are kept one by one; older ones count as applied by their age, once that is proved.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeepBatchIds { get; set; } = TimeSpan.FromDays(2);

    /// <summary>In which time the auditor goes once through all buckets of all orgs.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan AuditEvery { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many percent of its time the auditor works at most, whatever there is to compare.</summary>
    [Range(1, 100)]
    public int AuditPercent { get; set; } = 10;
}
