using System.Globalization;
using GraphQL;
using GraphQLParser;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>Why a request is refused before it is validated: the error of an answer with status 400.</summary>
public sealed class RequestError : ExecutionError
{
    /// <summary>The value of <c>extensions.code</c> when a limit is exceeded.</summary>
    public const string TooComplex = "TOO_COMPLEX";

    private const int MaxPathLength = 200;

    private RequestError(string code, string rule, string message)
        : base(message)
    {
        Code = code;
        this.AddExtension("rule", rule);
    }

    /// <param name="name">The limit's name in <see cref="GraphQLLimits"/>.</param>
    /// <param name="maximum">Its value.</param>
    /// <param name="what">What is bounded, as the beginning of a sentence: "The document may have at most … tokens".</param>
    public static RequestError Limit(string name, int maximum, FormattableString what)
    {
        var error = new RequestError(TooComplex, "limit_exceeded", $"{what.ToString(CultureInfo.InvariantCulture)} ({name}).");
        error.AddExtension("limit", name);
        error.AddExtension("maximum", maximum);
        return error;
    }

    /// <summary>A text that no database can store.</summary>
    /// <param name="path">Of the text in the body, such as <c>variables.input.key</c>; of a key, that of its object.</param>
    /// <param name="text">The text.</param>
    public static RequestError Text(string path, string text)
    {
        var place = path.Length <= MaxPathLength ? path : path[..MaxPathLength] + "…";
        var error = new RequestError(
            "INVALID_INPUT",
            "invalid_text",
            text.Contains('\0', StringComparison.Ordinal)
                ? $"'{place}' must not contain the character U+0000."
                : $"'{place}' is not valid Unicode text."
        );
        error.AddExtension("path", place);
        return error;
    }

    public static RequestError Invalid(string rule, string message) => new("INVALID_INPUT", rule, message);

    /// <summary>A subscription by a request that does not accept a stream of events.</summary>
    public static RequestError NotStreamed() =>
        Invalid("event_stream_required", $"A subscription is answered with events: send 'Accept: {EventStream.MediaType}'.");

    public static RequestError Deadline(TimeSpan limit)
    {
        var error = new RequestError(
            "UNAVAILABLE",
            "deadline_exceeded",
            string.Create(CultureInfo.InvariantCulture, $"The request was not answered within {limit.TotalSeconds:0.#} s and was given up.")
        );
        error.AddExtension("limit", nameof(GraphQLLimits.Deadline));
        return error;
    }

    public static RequestError Syntax(string message) => new("SYNTAX_ERROR", "syntax", message);

    /// <summary>Adds the place in the document.</summary>
    internal RequestError At(ROM document, int position) => At(Location.FromLinearPosition(document, position));

    internal RequestError At(Location location)
    {
        AddLocation(location);
        return this;
    }
}
