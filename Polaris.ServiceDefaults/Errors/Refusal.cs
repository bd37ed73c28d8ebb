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
    Unavailable,
}

/// <summary>An expected "no": a value, not a failure. Its code is stable and documented; clients branch on it.</summary>
/// <param name="Kind">What sort of refusal, which decides HTTP status, gRPC status and GraphQL code.</param>
/// <param name="Code">Stable, lower-case, words joined by underscores.</param>
/// <param name="Message">For a person: names the field and the rule.</param>
/// <param name="Path">The offending input, such as <c>charges[2].tiers[1].upTo</c>, when there is one.</param>
public sealed record Refusal(RefusalKind Kind, string Code, string Message, string? Path = null)
{
    public static Refusal Invalid(string path, string code, string message) => new(RefusalKind.InvalidInput, code, message, path);

    public static Refusal NotFound(string what) => new(RefusalKind.NotFound, "not_found", $"There is no such {what}.");

    public static Refusal Conflict(string code, string message, string? path = null) => new(RefusalKind.Conflict, code, message, path);
}

/// <summary>Carries a <see cref="Refusal"/> out of a use case to the edge, where one place maps it. Not for broken invariants.</summary>
public sealed class RefusedException(Refusal refusal) : Exception(refusal.Message)
{
    public Refusal Refusal { get; } = refusal;
}
