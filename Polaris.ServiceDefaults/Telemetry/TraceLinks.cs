using System.Diagnostics;

namespace Polaris.ServiceDefaults.Telemetry;

/// <summary>
/// Continues traces where requests and work are many to many: through a group commit, an outbox, Kafka, an invoice. The work has its own
/// span that links to its causes. Data in between carries the causes as text: W3C traceparents, comma-separated; null when no cause is
/// recorded, so that nothing is stored or sent while tracing is off.
/// </summary>
public static class TraceLinks
{
    /// <summary>Maximum number of causes of a stored batch or message; the first ones are kept.</summary>
    public const int MaxLinksPerMessage = 8;

    /// <summary>Maximum number of links of a span, the default limit of OpenTelemetry's exporters.</summary>
    public const int MaxLinks = 128;

    private const char Separator = ',';

    /// <summary>The current span as a cause; default when there is none or it is not recorded.</summary>
    public static ActivityContext Current => Activity.Current is { Recorded: true } span ? span.Context : default;

    /// <summary>Formats the causes; null when there are none.</summary>
    public static string? Write(IEnumerable<ActivityContext> causes)
    {
        var text = string.Join(
            Separator,
            Distinct(causes).Take(MaxLinksPerMessage).Select(cause => $"00-{cause.TraceId}-{cause.SpanId}-01")
        );
        return text.Length == 0 ? null : text;
    }

    /// <summary>Parses the causes; skips invalid traceparents.</summary>
    public static IEnumerable<ActivityContext> Read(string? text)
    {
        foreach (var link in text?.Split(Separator, StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (ActivityContext.TryParse(link, null, isRemote: true, out var cause))
                yield return cause;
        }
    }

    /// <summary>
    /// Starts a span that links to its causes, up to <see cref="MaxLinks"/>. A single cause is also the parent (as OpenTelemetry's
    /// messaging conventions allow); otherwise the parent is the current span, if any.
    /// </summary>
    /// <param name="name">The span's name.</param>
    /// <param name="kind">The span's kind.</param>
    /// <param name="causes">The direct causes: requests of a commit, senders of records.</param>
    /// <param name="origins">The causes of the causes, as far as known.</param>
    public static Activity? Start(
        string name,
        ActivityKind kind,
        IEnumerable<ActivityContext> causes,
        IEnumerable<ActivityContext>? origins = null
    )
    {
        ArgumentNullException.ThrowIfNull(causes);
        if (!PolarisTelemetry.Source.HasListeners())
            return null;
        var near = Distinct(causes).Take(MaxLinks).ToList();
        var links = near.Concat(Distinct(origins ?? [])).Distinct().Take(MaxLinks).Select(cause => new ActivityLink(cause));
        return PolarisTelemetry.Source.StartActivity(name, kind, near.Count == 1 ? near[0] : default, links: links.ToArray());
    }

    private static IEnumerable<ActivityContext> Distinct(IEnumerable<ActivityContext> causes) =>
        causes.Where(cause => cause.TraceId != default).Distinct();
}
