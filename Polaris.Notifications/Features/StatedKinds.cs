using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Notifications.Features;

/// <summary>The kinds of events that an endpoint or an address may ask for.</summary>
internal static class StatedKinds
{
    /// <summary>That an endpoint was disabled, which Notifications announces itself.</summary>
    public const string EndpointDisabled = "webhook_endpoint.disabled";

    /// <summary>Of a test that an org sends to its own endpoint; it cannot be subscribed to.</summary>
    public const string Test = "test";

    public const int MaxDescriptionLength = 200;

    public static readonly IReadOnlyList<string> All = [.. EventNames.All.Values.Append(EndpointDisabled).Order(StringComparer.Ordinal)];

    /// <exception cref="RefusedException">One of them is no kind of event.</exception>
    public static string[] Check(IReadOnlyList<string> kinds, string path)
    {
        foreach (var kind in kinds)
        {
            if (!All.Contains(kind))
                throw new RefusedException(
                    Refusal.Invalid(path, "unknown_event_type", $"'{Short(kind)}' is none of the event types, which 'eventTypes' lists.")
                );
        }

        return [.. kinds.Distinct().Order(StringComparer.Ordinal)];
    }

    public static string CheckDescription(string? text, string path) =>
        text is null ? ""
        : text.Length <= MaxDescriptionLength && !text.Contains('\0', StringComparison.Ordinal) ? text
        : throw new RefusedException(
            Refusal.Invalid(path, "too_long", $"'{path[(path.LastIndexOf('.') + 1)..]}' has at most {MaxDescriptionLength} characters.")
        );

    private static string Short(string text) => text.Length <= 50 ? text : text[..50];
}
