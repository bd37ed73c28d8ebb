namespace Polaris.ServiceDefaults.Errors;

/// <summary>How a refusal is answered on each protocol; see <see cref="RefusalMapping"/>.</summary>
public enum RefusalKind
{
    InvalidInput,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    TooMany,
    Unavailable,
}

/// <summary>An expected rejection: a value, not a failure. Its code is stable and documented; clients branch on it.</summary>
/// <param name="Kind">Determines HTTP status, gRPC status and GraphQL code.</param>
/// <param name="Code">Stable, lower-case, words joined by underscores.</param>
/// <param name="Message">For people: names the field and the rule.</param>
/// <param name="Path">Path of the offending input, such as <c>charges[2].tiers[1].upTo</c>, if any.</param>
/// <param name="RetryAfter">When trying again may succeed, if that is known.</param>
public sealed record Refusal(RefusalKind Kind, string Code, string Message, string? Path = null, TimeSpan? RetryAfter = null)
{
    public static Refusal Invalid(string path, string code, string message) => new(RefusalKind.InvalidInput, code, message, path);

    public static Refusal NotFound(string what) => new(RefusalKind.NotFound, "not_found", $"There is no such {what}.");

    public static Refusal TooMany(string code, string message, TimeSpan retryAfter) =>
        new(RefusalKind.TooMany, code, message, RetryAfter: retryAfter);

    public static Refusal Conflict(string code, string message, string? path = null) => new(RefusalKind.Conflict, code, message, path);
}

/// <summary>Carries a <see cref="Refusal"/> out of a use case to <see cref="RefusalMapping"/>. Not for broken invariants.</summary>
public sealed class RefusedException(Refusal refusal) : Exception(refusal.Message)
{
    public Refusal Refusal { get; } = refusal;
}
