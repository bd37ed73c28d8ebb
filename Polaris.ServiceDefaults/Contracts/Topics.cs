namespace Polaris.ServiceDefaults.Contracts;

/// <summary>The installation's Kafka topics. They are created by whatever starts or installs Kafka, never by a client.</summary>
public static class Topics
{
    public const string Usage = "polaris.usage.v1";
    public const string Billing = "polaris.billing.v1";
    public const string UsageDeadLetter = "polaris.usage.deadletter.v1";

    /// <summary>
    /// Partitions of <see cref="Usage"/>. A customer's events stay in one partition, so stored data depends on the number.
    /// </summary>
    public const int UsagePartitions = 4;

    public const int BillingPartitions = 4;

    public static readonly (string Name, int Partitions)[] All =
    [
        (Usage, UsagePartitions),
        (Billing, BillingPartitions),
        (UsageDeadLetter, 1),
    ];
}
