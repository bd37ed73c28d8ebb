using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Notifications.Features.Events;

/// <summary>There is something to send.</summary>
internal sealed class QueueSignal : WakeSignal;
