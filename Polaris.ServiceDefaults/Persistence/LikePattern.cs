namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// Patterns for <c>EF.Functions.ILike(match, pattern, LikePattern.Escape)</c>. The overload without the escape character means
/// <c>ESCAPE ''</c>, under which nothing can be escaped.
/// </summary>
public static class LikePattern
{
    public const string Escape = "\\";

    /// <summary>A pattern for texts that contain the given one, whose <c>%</c>, <c>_</c> and <c>\</c> stand for themselves.</summary>
    public static string Containing(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return "%"
            + text.Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("%", "\\%", StringComparison.Ordinal)
                .Replace("_", "\\_", StringComparison.Ordinal)
            + "%";
    }
}
