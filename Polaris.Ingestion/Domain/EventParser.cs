using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NodaTime.Text;

namespace Polaris.Ingestion.Domain;

/// <summary>What a request's body holds: events, and the ones that are none, each with its place.</summary>
internal sealed record ParsedBody(IReadOnlyList<IncomingEvent> Events, IReadOnlyList<(int Index, string? Key, Rejection Why)> Rejected)
{
    public int Count => Events.Count + Rejected.Count;
}

/// <summary>The whole request is refused.</summary>
internal sealed class BodyException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;
}

/// <summary>Reads events straight from the body's bytes: one event, an array of them, or <c>{ "events": [...] }</c>.</summary>
internal static class EventParser
{
    private static readonly JsonReaderOptions Strict = new() { MaxDepth = Limits.MaxRequestBytes, CommentHandling = JsonCommentHandling.Disallow };

    /// <param name="body">The request's body, UTF-8.</param>
    /// <param name="now">When it was received; the timestamp of events without one.</param>
    /// <param name="backfill">Whether events of any age are taken.</param>
    /// <exception cref="BodyException">The body as a whole cannot be taken.</exception>
    public static ParsedBody Parse(ReadOnlySpan<byte> body, DateTimeOffset now, bool backfill)
    {
        var events = new List<IncomingEvent>();
        var rejected = new List<(int, string?, Rejection)>();
        try
        {
            var reader = new Utf8JsonReader(body, Strict);
            if (!reader.Read()) throw Malformed("The body is empty.");
            if (reader.TokenType == JsonTokenType.StartArray) ReadArray(ref reader, body, now, backfill, events, rejected);
            else if (reader.TokenType == JsonTokenType.StartObject && IsEnvelope(reader)) ReadEnvelope(ref reader, body, now, backfill, events, rejected);
            else if (reader.TokenType == JsonTokenType.StartObject) ReadOne(ref reader, body, 0, now, backfill, events, rejected);
            else throw Malformed("The body is an event, an array of events, or an object with 'events'.");
            if (reader.Read()) throw Malformed("There is more after the end of the JSON value.");
        }
        catch (JsonException exception)
        {
            throw Malformed(string.Create(
                CultureInfo.InvariantCulture, $"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}: {Reason(exception)}"));
        }
        catch (InvalidOperationException)
        {
            // The reader's word for text that is not UTF-8 or half a surrogate pair, outside of an event's own fields.
            throw Malformed("The body holds text that is not valid UTF-8.");
        }

        if (events.Count + rejected.Count == 0) throw new BodyException(422, "no_events", "The request holds no events.");
        return new ParsedBody(events, rejected);
    }

    private static BodyException Malformed(string message) => new(400, "malformed_json", message);

    // The position is told in our own words; the library repeats it at the end of its message.
    private static string Reason(JsonException exception) =>
        exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal) is var end and > 0 ? exception.Message[..end] : exception.Message;

    /// <summary>An object is an envelope when its first property is <c>events</c> with an array.</summary>
    private static bool IsEnvelope(Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("events"u8) && reader.Read() && reader.TokenType == JsonTokenType.StartArray;

    private static void ReadEnvelope(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> body, DateTimeOffset now, bool backfill, List<IncomingEvent> events, List<(int, string?, Rejection)> rejected)
    {
        reader.Read();
        reader.Read();
        ReadArray(ref reader, body, now, backfill, events, rejected);
        reader.Read();
        if (reader.TokenType != JsonTokenType.EndObject) throw Malformed($"Beside 'events' the object must hold nothing, not '{reader.GetString()}'.");
    }

    private static void ReadArray(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> body, DateTimeOffset now, bool backfill, List<IncomingEvent> events, List<(int, string?, Rejection)> rejected)
    {
        var index = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (index == Limits.MaxEvents) throw new BodyException(422, "too_many_events", $"A request holds at most {Limits.MaxEvents} events. Send the rest in another.");
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                ReadOne(ref reader, body, index, now, backfill, events, rejected);
            }
            else
            {
                reader.Skip();
                rejected.Add((index, null, new Rejection("wrong_type", "", "An event is a JSON object.")));
            }

            index++;
        }
    }

    private static void ReadOne(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> body, int index, DateTimeOffset now, bool backfill,
        List<IncomingEvent> events, List<(int, string?, Rejection)> rejected)
    {
        var start = (int)reader.TokenStartIndex;
        var own = reader;
        // Past the event first: whatever is wrong inside, its neighbours are read.
        reader.Skip();
        var size = (int)reader.BytesConsumed - start;
        var draft = new EventDraft();
        var why = size > Limits.MaxEventBytes
            ? new Rejection("event_too_large", "", $"An event has at most {Limits.MaxEventBytes} bytes of JSON; this one has {size}.")
            : draft.Read(ref own) ?? draft.Check(now, backfill);
        if (why is null) events.Add(draft.ToEvent(index));
        else rejected.Add((index, draft.Key, why));
    }

    /// <summary>The fields of an event as they are read.</summary>
    private ref struct EventDraft
    {
        private string? type;
        private string? customer;
        private string? timestamp;
        private long timestampUs;
        private byte[] properties = [];

        public EventDraft()
        {
        }

        public string? Key { get; private set; }

        public readonly IncomingEvent ToEvent(int index) => new(index, Key!, type!, customer ?? Limits.SelfCustomer, timestampUs, timestamp is not null, properties);

        public Rejection? Read(ref Utf8JsonReader reader)
        {
            var seen = 0;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (field, bit) = reader.ValueTextEquals("idempotency_key"u8) ? ("idempotency_key", 1)
                    : reader.ValueTextEquals("type"u8) ? ("type", 2)
                    : reader.ValueTextEquals("customer"u8) ? ("customer", 4)
                    : reader.ValueTextEquals("timestamp"u8) ? ("timestamp", 8)
                    : reader.ValueTextEquals("properties"u8) ? ("properties", 16)
                    : (Text(ref reader) ?? "?", 0);
                if (bit == 0) return new Rejection("unknown_field", Shorten(field), "An event has idempotency_key, type, customer, timestamp and properties; put everything else into properties.");
                if ((seen & bit) != 0) return new Rejection("duplicate_field", field, $"'{field}' stands twice.");
                seen |= bit;
                reader.Read();
                if ((bit == 16 ? ReadProperties(ref reader) : ReadText(ref reader, field, bit)) is { } why) return why;
            }

            return null;
        }

        public Rejection? Check(DateTimeOffset now, bool backfill)
        {
            if (Key is null) return Missing("idempotency_key");
            if (type is null) return Missing("type");
            if (timestamp is null)
            {
                timestampUs = Microseconds(now);
                return null;
            }

            var parsed = OffsetDateTimePattern.Rfc3339.Parse(timestamp);
            if (!parsed.Success) return new Rejection("invalid_timestamp", "timestamp", "'timestamp' is a date and time with an offset by RFC 3339, such as 2026-01-31T12:00:00Z.");
            var at = parsed.Value.ToInstant().ToDateTimeOffset();
            if (at > now + Limits.MaxAhead) return new Rejection("timestamp_too_new", "timestamp", $"'timestamp' is at most {Limits.MaxAhead.TotalMinutes:0} minutes ahead of now.");
            if (at < (backfill ? Limits.Earliest : now - Limits.MaxAge))
                return new Rejection("timestamp_too_old", "timestamp", backfill ? "'timestamp' is not before 1970." : $"'timestamp' is at most {Limits.MaxAge.TotalDays:0} days back, unless the API key may backfill.");
            timestampUs = Microseconds(at);
            return null;
        }

        private static Rejection Missing(string field) => new("missing_field", field, $"'{field}' is missing.");

        private static long Microseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

        private Rejection? ReadText(ref Utf8JsonReader reader, string field, int bit)
        {
            if (reader.TokenType == JsonTokenType.Null && bit is 4 or 8) return null;
            if (reader.TokenType != JsonTokenType.String) return new Rejection("wrong_type", field, $"'{field}' is a string.");
            if (Text(ref reader) is not { } text) return new Rejection("invalid_text", field, $"'{field}' is not valid Unicode.");
            if (text.Length == 0) return new Rejection("missing_field", field, $"'{field}' must not be empty.");
            if (text.Length > Limits.MaxTextLength) return new Rejection("too_long", field, $"'{field}' has at most {Limits.MaxTextLength} characters; this one has {text.Length}.");
            if (text.Contains('\0', StringComparison.Ordinal)) return new Rejection("invalid_text", field, $"'{field}' must not hold the character U+0000.");
            if (bit == 1) Key = text;
            else if (bit == 2) type = text;
            else if (bit == 4) customer = text;
            else timestamp = text;
            return null;
        }

        private Rejection? ReadProperties(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.Null) return null;
            if (reader.TokenType != JsonTokenType.StartObject) return new Rejection("wrong_type", "properties", "'properties' is an object.");
            var (read, why) = PropertyCanon.Read(ref reader);
            properties = read;
            return why;
        }
    }

    /// <summary>The token's text; null when it is no valid Unicode.</summary>
    internal static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    internal static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
