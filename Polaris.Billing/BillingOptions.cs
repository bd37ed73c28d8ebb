using System.ComponentModel.DataAnnotations;

namespace Polaris.Billing;

/// <summary>Section <c>Billing</c>.</summary>
public sealed class BillingOptions
{
    public const string Section = "Billing";

    /// <summary>Delay between a period's end and its draft invoice, so that usage still in transit is included.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "35.00:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long ids of applied batches are kept. Older batches count as applied by age, once reconciliation has verified them.
    /// </summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan BatchIdRetention { get; set; } = TimeSpan.FromDays(2);

    /// <summary>Duration of one reconciliation pass over all buckets of all orgs.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan ReconcileEvery { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Upper bound of the reconciler's duty cycle, in percent, whatever there is to compare.</summary>
    [Range(1, 100)]
    public int ReconcilePercent { get; set; } = 10;

    /// <summary>
    /// Age at which a batch that Kafka did not deliver counts as lost. The receipt time is set before the transaction, which Ingestion ends
    /// within 10 s, so a batch older than that and not listed does not exist. At least 11 s, for the same reason.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:11", "01:00:00")]
    public TimeSpan LostBatchAge { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often lost batches are looked for.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan LostBatchInterval { get; set; } = TimeSpan.FromSeconds(5);
}
