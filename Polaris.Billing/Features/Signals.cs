using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Billing.Features;

/// <summary>Wakes period close immediately; without it the next check is within a second.</summary>
internal sealed class InvoiceSignal : WakeSignal;

/// <summary>Wakes <c>RebuildBuckets</c> when a bucket was marked.</summary>
internal sealed class RebuildSignal : WakeSignal;

/// <summary>Wakes <c>BillingEventRelay</c> when an event was announced; without it the next look is within a second.</summary>
internal sealed class OutboxSignal : WakeSignal;

/// <summary>Wakes <c>VerifyInvoices</c> when a verification was started.</summary>
internal sealed class VerificationSignal : WakeSignal;

/// <summary>Wakes <c>CheckThresholds</c> when usage of a customer with thresholds was counted.</summary>
internal sealed class ThresholdSignal : WakeSignal;
