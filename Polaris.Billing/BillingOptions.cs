using System.ComponentModel.DataAnnotations;

namespace Polaris.Billing;

/// <summary>Section <c>Billing</c>.</summary>
public sealed class BillingOptions
{
    public const string Section = "Billing";

    /// <summary>How long after a period's end its invoice is drafted, so that usage still on its way is in it.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "35.00:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromMinutes(15);
}
