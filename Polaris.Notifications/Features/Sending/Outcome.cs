using NodaTime;

namespace Polaris.Notifications.Features.Sending;

/// <summary>A delivery that is to be sent now.</summary>
internal sealed record Sendable(
    Guid Org,
    Guid Id,
    Guid EventId,
    string Kind,
    string Recipient,
    string Body,
    bool Secret,
    string? TraceLinks,
    int Tries,
    Instant? FirstTryAt,
    Instant NextAt
);

/// <summary>What became of a try.</summary>
/// <param name="Error">Why it failed; null of a success.</param>
/// <param name="StatusCode">HTTP's or SMTP's.</param>
/// <param name="Response">The beginning of the answer.</param>
/// <param name="Final">No further try helps.</param>
/// <param name="Gone">The receiver wants nothing any more.</param>
/// <param name="OfReceiver">The failure is the receiver's, and not this one delivery's: it counts for its circuit.</param>
/// <param name="Bounced">The recipient of a mail is none.</param>
/// <param name="RetryAfter">When the receiver wants to be asked again.</param>
internal sealed record Outcome(
    string? Error,
    int? StatusCode = null,
    string? Response = null,
    bool Final = false,
    bool Gone = false,
    bool OfReceiver = true,
    Duration? RetryAfter = null,
    bool Bounced = false
)
{
    /// <summary>Characters that are kept of an answer or an error.</summary>
    public const int MaxTextLength = 1_024;

    public bool Delivered => Error is null;

    /// <summary>Text of a stranger, as the database can hold it.</summary>
    public static string Storable(string text)
    {
        var cut = text.Length <= MaxTextLength ? text : text[..MaxTextLength];
        return string.Concat(cut.Select(character => character == '\0' || char.IsSurrogate(character) ? '\ufffd' : character));
    }
}
