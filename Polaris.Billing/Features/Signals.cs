using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Billing.Features;

/// <summary>Wakes period close immediately; without it the next check is within a second.</summary>
internal sealed class InvoiceSignal : WakeSignal;

/// <summary>Wakes <c>RebuildBuckets</c> when a bucket was marked.</summary>
internal sealed class RebuildSignal : WakeSignal;
