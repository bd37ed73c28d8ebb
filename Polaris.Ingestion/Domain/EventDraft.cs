using System.Text.Json;
using NodaTime;

namespace Polaris.Ingestion.Domain;

/// <summary>The fields of an event while it is parsed, under Polaris's names or those of CloudEvents 1.0.</summary>
internal ref struct EventDraft(bool cloud)
{
    private const string SpecVersion = "1.0";
    private static readonly Instant Earliest = Instant.FromDateTimeOffset(DateTimeOffset.MinValue);
    private static readonly Instant Latest = Instant.FromDateTimeOffset(DateTimeOffset.MaxValue);

    private readonly string keyField = cloud ? "id" : "idempotency_key";
    private readonly string timestampField = cloud ? "time" : "timestamp";
    private readonly string propertiesField = cloud ? "data" : "properties";
    private string? type;
    private string? customer;
    private string? timestamp;
    private string? voids;
    private string? replaces;
    private string? source;
    private string? specVersion;
    private string? contentType;
    private long timestampUs;
    private byte[] properties = [];
    private Fields seen;

    [Flags]
    private enum Fields
    {
        None = 0,
        Key = 1,
        Type = 2,
        Customer = 4,
        Timestamp = 8,
        Properties = 16,
        Voids = 32,
        Replaces = 64,
        Source = 128,
        SpecVersion = 256,
        ContentType = 512,
        Binary = 1024,
        Optional = Customer | Timestamp | Voids | Replaces | ContentType,
    }

    public string? Key { get; private set; }

    public readonly IncomingEvent ToEvent(int index)
    {
        var corrects =
            voids is not null ? new CorrectionOf(voids, Replaces: false)
            : replaces is not null ? new CorrectionOf(replaces, Replaces: true)
            : null;
        return new(
            index,
            Key!,
            type ?? "",
            customer ?? (corrects is null ? Limits.SelfCustomer : ""),
            timestampUs,
            timestamp is not null,
            properties,
            corrects
        );
    }

    public Rejection? Read(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (name, field) = cloud ? CloudField(ref reader) : OwnField(ref reader);
            if (field == Fields.None && cloud)
            {
                // CloudEvents allows extension attributes, so unknown ones are ignored.
                reader.Skip();
                continue;
            }

            if (field == Fields.None)
            {
                return new Rejection(
                    "unknown_field",
                    EventParser.Shorten(EventParser.Text(ref reader) ?? "?"),
                    "Unknown field. An event has idempotency_key, type, customer, timestamp, properties, voids and replaces; "
                        + "put everything else into properties."
                );
            }

            if ((seen & field) != 0)
                return new Rejection("duplicate_field", name, $"'{name}' is a duplicate field.");
            seen |= field;
            reader.Read();
            var why = field switch
            {
                Fields.Properties => ReadProperties(ref reader),
                Fields.Binary => new Rejection("unsupported_data", name, "'data_base64' is not supported; send 'data' as a JSON object."),
                _ => ReadText(ref reader, name, field),
            };
            if (why is not null)
                return why;
        }

        return cloud ? CheckCloud() : null;
    }

    public Rejection? Check(EventRules rules)
    {
        if (Key is null)
            return Missing(keyField);
        if (voids is not null && replaces is not null)
            return new Rejection("invalid_correction", "replaces", "'voids' and 'replaces' must not both be set.");
        if (voids is not null && (seen & Fields.Properties) != 0)
            return new Rejection("invalid_correction", propertiesField, $"'{propertiesField}' must not be set on a void.");
        if (type is null && voids is null && replaces is null)
            return Missing("type");
        if (timestamp is null)
        {
            // A correction takes it from its target later.
            timestampUs = EventRules.Microseconds(rules.Now);
            return null;
        }

        if (!Rfc3339.TryParse(timestamp, out var instant))
            return new Rejection(
                "invalid_timestamp",
                timestampField,
                $"'{timestampField}' must be an RFC 3339 date and time with an offset, such as 2026-01-31T12:00:00Z."
            );
        // With its offset, a time of the first or the last year may be outside what a DateTimeOffset can hold.
        var at = Instant.Max(Earliest, Instant.Min(Latest, instant)).ToDateTimeOffset();
        if (rules.Check(timestampField, at, anyAge: voids is not null) is { } why)
            return why;
        timestampUs = EventRules.Microseconds(at);
        return null;
    }

    private static (string Name, Fields Field) OwnField(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("idempotency_key"u8) ? ("idempotency_key", Fields.Key)
        : reader.ValueTextEquals("type"u8) ? ("type", Fields.Type)
        : reader.ValueTextEquals("customer"u8) ? ("customer", Fields.Customer)
        : reader.ValueTextEquals("timestamp"u8) ? ("timestamp", Fields.Timestamp)
        : reader.ValueTextEquals("properties"u8) ? ("properties", Fields.Properties)
        : reader.ValueTextEquals("voids"u8) ? ("voids", Fields.Voids)
        : reader.ValueTextEquals("replaces"u8) ? ("replaces", Fields.Replaces)
        : ("", Fields.None);

    private static (string Name, Fields Field) CloudField(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("id"u8) ? ("id", Fields.Key)
        : reader.ValueTextEquals("source"u8) ? ("source", Fields.Source)
        : reader.ValueTextEquals("specversion"u8) ? ("specversion", Fields.SpecVersion)
        : reader.ValueTextEquals("type"u8) ? ("type", Fields.Type)
        : reader.ValueTextEquals("subject"u8) ? ("subject", Fields.Customer)
        : reader.ValueTextEquals("time"u8) ? ("time", Fields.Timestamp)
        : reader.ValueTextEquals("data"u8) ? ("data", Fields.Properties)
        : reader.ValueTextEquals("data_base64"u8) ? ("data_base64", Fields.Binary)
        : reader.ValueTextEquals("datacontenttype"u8) ? ("datacontenttype", Fields.ContentType)
        : reader.ValueTextEquals("voids"u8) ? ("voids", Fields.Voids)
        : reader.ValueTextEquals("replaces"u8) ? ("replaces", Fields.Replaces)
        : ("", Fields.None);

    private static Rejection Missing(string field) => new("missing_field", field, $"'{field}' is required.");

    /// <summary>
    /// An id is unique only within its source, so the key is both. A source has no white space, so the pair can be split in one way only.
    /// </summary>
    private Rejection? CheckCloud()
    {
        if (specVersion is null)
            return Missing("specversion");
        if (specVersion != SpecVersion)
            return new Rejection(
                "unsupported_specversion",
                "specversion",
                $"'specversion' must be {SpecVersion}, not {EventParser.Shorten(specVersion)}."
            );
        if (source is null)
            return Missing("source");
        if (source.AsSpan().ContainsAny(' ', '\t', '\n'))
            return new Rejection("invalid_text", "source", "'source' must be a URI reference without white space.");
        if (type is null)
            return Missing("type");
        if (contentType is not null && !IsJson(contentType))
            return new Rejection("unsupported_data", "datacontenttype", "'datacontenttype' must be application/json or absent.");
        if (Key is not { } id)
            return Missing("id");
        Key = source + " " + id;
        return Key.Length <= Limits.MaxTextLength
            ? null
            : new Rejection(
                "too_long",
                "id",
                $"'source' and 'id', joined by a space, are the idempotency key and must have at most {Limits.MaxTextLength} characters; "
                    + $"these have {Key.Length}."
            );
    }

    private static bool IsJson(string mediaType)
    {
        var end = mediaType.IndexOf(';', StringComparison.Ordinal);
        var name = (end < 0 ? mediaType.AsSpan() : mediaType.AsSpan(0, end)).Trim();
        return name.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || name.Equals("text/json", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private Rejection? ReadText(ref Utf8JsonReader reader, string name, Fields field)
    {
        if (reader.TokenType == JsonTokenType.Null && (field & Fields.Optional) != 0)
            return null;
        if (reader.TokenType != JsonTokenType.String)
            return new Rejection("wrong_type", name, $"'{name}' must be a string.");
        if (EventParser.Text(ref reader) is not { } text)
            return new Rejection("invalid_text", name, $"'{name}' must be valid Unicode.");
        if (text.Length == 0)
            return new Rejection("missing_field", name, $"'{name}' must not be empty.");
        if (text.Length > Limits.MaxTextLength)
            return new Rejection("too_long", name, $"'{name}' must have at most {Limits.MaxTextLength} characters; it has {text.Length}.");
        if (text.Contains('\0', StringComparison.Ordinal))
            return new Rejection("invalid_text", name, $"'{name}' must not contain the character U+0000.");
        switch (field)
        {
            case Fields.Key:
                Key = text;
                break;
            case Fields.Type:
                type = text;
                break;
            case Fields.Customer:
                customer = text;
                break;
            case Fields.Timestamp:
                timestamp = text;
                break;
            case Fields.Voids:
                voids = text;
                break;
            case Fields.Replaces:
                replaces = text;
                break;
            case Fields.Source:
                source = text;
                break;
            case Fields.SpecVersion:
                specVersion = text;
                break;
            default:
                contentType = text;
                break;
        }

        return null;
    }

    private Rejection? ReadProperties(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            seen &= ~Fields.Properties;
            return null;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
            return new Rejection("wrong_type", propertiesField, $"'{propertiesField}' must be an object.");
        var (read, why) = PropertyCanon.Read(ref reader, propertiesField);
        properties = read;
        return why;
    }
}
