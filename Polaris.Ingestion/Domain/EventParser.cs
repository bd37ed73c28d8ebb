using System.Globalization;
using System.Text.Json;

namespace Polaris.Ingestion.Domain;

/// <summary>The parsed body of a request: its events, and those that were rejected, each with its index.</summary>
internal sealed record ParsedBody(IReadOnlyList<IncomingEvent> Events, IReadOnlyList<(int Index, string? Key, Rejection Why)> Rejected)
{
    public int Count => Events.Count + Rejected.Count;

    public bool HasCorrections { get; } = Events.Any(incoming => incoming.Corrects is not null);
}

/// <summary>The request as a whole is refused.</summary>
internal sealed class BodyException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;
}

/// <summary>The format of a body, selected by its content type.</summary>
internal enum BodyForm
{
    /// <summary>One event, an array of them, or <c>{ "events": [...] }</c>.</summary>
    Json,

    /// <summary>One event per line.</summary>
    Ndjson,

    /// <summary>One CloudEvent 1.0 in structured mode.</summary>
    CloudEvent,

    /// <summary>An array of CloudEvents.</summary>
    CloudEventBatch,
}

/// <summary>Parses events directly from the body's UTF-8 bytes.</summary>
internal sealed class EventParser
{
    private static readonly JsonReaderOptions Strict = new()
    {
        MaxDepth = Limits.MaxRequestBytes,
        CommentHandling = JsonCommentHandling.Disallow,
    };

    private readonly EventRules rules;
    private readonly bool cloud;
    private readonly List<IncomingEvent> events = [];
    private readonly List<(int, string?, Rejection)> rejected = [];

    private EventParser(EventRules rules, bool cloud) => (this.rules, this.cloud) = (rules, cloud);

    /// <param name="body">The request's body, UTF-8.</param>
    /// <param name="now">The time of receipt, which is also the timestamp of events without one.</param>
    /// <param name="backfill">Whether events of any age are accepted.</param>
    /// <exception cref="BodyException">The body as a whole is invalid.</exception>
    public static ParsedBody Parse(ReadOnlySpan<byte> body, DateTimeOffset now, bool backfill, BodyForm form = BodyForm.Json) =>
        Parse(body, new EventRules(now, backfill), form);

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte}, DateTimeOffset, bool, BodyForm)"/>
    public static ParsedBody Parse(ReadOnlySpan<byte> body, EventRules rules, BodyForm form = BodyForm.Json)
    {
        var parser = new EventParser(rules, form is BodyForm.CloudEvent or BodyForm.CloudEventBatch);
        if (form == BodyForm.Ndjson)
            parser.ReadLines(body);
        else
            parser.ReadWhole(body, form);
        if (parser.Count == 0)
            throw new BodyException(422, "no_events", "The request contains no events.");
        return new ParsedBody(parser.events, parser.rejected);
    }

    private int Count => events.Count + rejected.Count;

    private void ReadWhole(ReadOnlySpan<byte> body, BodyForm form)
    {
        try
        {
            var reader = new Utf8JsonReader(body, Strict);
            if (!reader.Read())
                throw Malformed("The body is empty.");
            ReadValue(ref reader, form);
            if (reader.Read())
                throw Malformed("The body continues after the end of the JSON value.");
        }
        catch (JsonException exception)
        {
            throw Malformed("The body is not valid JSON: " + Place(exception));
        }
        catch (InvalidOperationException)
        {
            // The reader throws this for invalid UTF-8 or an unpaired surrogate outside of an event's own fields.
            throw Malformed("The body is not valid UTF-8.");
        }
    }

    private void ReadValue(ref Utf8JsonReader reader, BodyForm form)
    {
        var (isObject, isArray) = (reader.TokenType == JsonTokenType.StartObject, reader.TokenType == JsonTokenType.StartArray);
        if (isArray && form != BodyForm.CloudEvent)
            ReadArray(ref reader);
        else if (isObject && form == BodyForm.Json && IsEnvelope(reader))
            ReadEnvelope(ref reader);
        else if (isObject && form != BodyForm.CloudEventBatch)
            ReadOne(ref reader);
        else
            throw Malformed(
                form switch
                {
                    BodyForm.CloudEvent => "The body must be one CloudEvent; send several as application/cloudevents-batch+json.",
                    BodyForm.CloudEventBatch => "The body must be an array of CloudEvents; send one as application/cloudevents+json.",
                    _ => "The body must be an event, an array of events, or an object with 'events'.",
                }
            );
    }

    /// <summary>
    /// One event per line; an invalid line rejects only itself. JSON text contains no raw line feed, so splitting first is safe.
    /// </summary>
    private void ReadLines(ReadOnlySpan<byte> body)
    {
        var number = 0;
        foreach (var range in body.Split((byte)'\n'))
        {
            number++;
            var line = body[range].Trim(" \t\r"u8);
            if (line.IsEmpty)
                continue;
            RequireCapacity();
            var (eventsBefore, rejectedBefore) = (events.Count, rejected.Count);
            string why;
            try
            {
                var reader = new Utf8JsonReader(line, Strict);
                reader.Read();
                ReadElement(ref reader);
                if (!reader.Read())
                    continue;
                why = "it continues after the end of the JSON value.";
            }
            catch (JsonException exception)
            {
                why = Place(exception, number - 1);
            }
            catch (InvalidOperationException)
            {
                why = "it is not valid UTF-8.";
            }

            events.RemoveRange(eventsBefore, events.Count - eventsBefore);
            rejected.RemoveRange(rejectedBefore, rejected.Count - rejectedBefore);
            rejected.Add((Count, null, new Rejection("malformed_json", "", $"Line {number} is not valid JSON: {why}")));
        }
    }

    private static BodyException Malformed(string message) => new(400, "malformed_json", message);

    // The exception's message ends with the position; it is replaced by ours, which counts from 1.
    private static string Place(JsonException exception, int linesBefore = 0)
    {
        var reason = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal) is var end and > 0
            ? exception.Message[..end]
            : exception.Message;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"line {exception.LineNumber + 1 + linesBefore}, byte {exception.BytePositionInLine + 1}: {reason}"
        );
    }

    /// <summary>An object whose first property is <c>events</c> with an array is an envelope, not an event.</summary>
    private static bool IsEnvelope(Utf8JsonReader reader) =>
        reader.Read()
        && reader.TokenType == JsonTokenType.PropertyName
        && reader.ValueTextEquals("events"u8)
        && reader.Read()
        && reader.TokenType == JsonTokenType.StartArray;

    private void ReadEnvelope(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Read();
        ReadArray(ref reader);
        reader.Read();
        if (reader.TokenType != JsonTokenType.EndObject)
            throw Malformed($"An object with 'events' must have no other field, not '{reader.GetString()}'.");
    }

    private void ReadArray(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            RequireCapacity();
            ReadElement(ref reader);
        }
    }

    private void RequireCapacity()
    {
        if (Count == Limits.MaxEvents)
            throw new BodyException(
                422,
                "too_many_events",
                $"A request must have at most {Limits.MaxEvents} events. Split them over several requests."
            );
    }

    private void ReadElement(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            ReadOne(ref reader);
            return;
        }

        reader.Skip();
        rejected.Add((Count, null, new Rejection("wrong_type", "", "An event must be a JSON object.")));
    }

    private void ReadOne(ref Utf8JsonReader reader)
    {
        var (index, start) = (Count, (int)reader.TokenStartIndex);
        var own = reader;
        // Skip past the event first, so that an error inside it does not stop the rest of the body from being read.
        reader.Skip();
        var size = (int)reader.BytesConsumed - start;
        var draft = new EventDraft(cloud);
        var why =
            size > Limits.MaxEventBytes
                ? new Rejection("event_too_large", "", $"An event must have at most {Limits.MaxEventBytes} bytes of JSON, not {size}.")
                : draft.Read(ref own) ?? draft.Check(rules);
        if (why is null)
            events.Add(draft.ToEvent(index));
        else
            rejected.Add((index, draft.Key, why));
    }

    /// <summary>The token's text; null when it is not valid Unicode.</summary>
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
