using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using GraphQL;
using GraphQL.Validation;
using GraphQL.Validation.Errors;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Gives the library's errors about a value that is not of its type what every refusal has: the code INVALID_INPUT, a rule and the path of
/// the value. The library says where it is only in its message.
/// </summary>
public static partial class InputErrors
{
    /// <summary>The rule of a Decimal that is no number.</summary>
    public const string InvalidNumber = "invalid_number";

    /// <summary>The rule of a DateTime that is not by RFC 3339.</summary>
    public const string InvalidTimestamp = "invalid_timestamp";

    /// <summary>The rule of any other value that is not of its type.</summary>
    public const string InvalidValue = "invalid_value";

    public static void Explain(ExecutionErrors? errors)
    {
        foreach (var error in errors ?? [])
        {
            if (error is ArgumentsOfCorrectTypeError && Argument().Match(error.Message) is { Success: true } argument)
                Explain(error, PathOf(argument.Groups["name"].Value, error.Message[argument.Length..]));
            else if (error is InvalidVariableError && Variable().Match(error.Message) is { Success: true } variable)
                Explain(error, variable.Groups["path"].Value);
        }
    }

    private static void Explain(ExecutionError error, string path)
    {
        error.Code = "INVALID_INPUT";
        error.AddExtension(
            "rule",
            error.Message.Contains("'Decimal'", StringComparison.Ordinal) ? InvalidNumber
                : error.Message.Contains("'DateTime'", StringComparison.Ordinal) ? InvalidTimestamp
                : InvalidValue
        );
        error.AddExtension("path", path);
    }

    // "In field 'charges': [In element #1: [In field 'price': [Expected type …", where elements count from 1.
    private static string PathOf(string argument, string message)
    {
        var path = new StringBuilder(argument);
        foreach (Match step in Steps().Matches(message))
        {
            if (step.Groups["field"] is { Success: true } field)
                path.Append('.').Append(field.Value);
            else
                path.Append(CultureInfo.InvariantCulture, $"[{int.Parse(step.Groups["element"].Value, CultureInfo.InvariantCulture) - 1}]");
        }

        return path.ToString();
    }

    [GeneratedRegex("^Argument '(?<name>\\w+)' has invalid value\\. ")]
    private static partial Regex Argument();

    [GeneratedRegex("\\G(?:In field '(?<field>\\w+)': |In element #(?<element>[0-9]{1,6}): )\\[?")]
    private static partial Regex Steps();

    [GeneratedRegex("^Variable '\\$(?<path>[^']+)' is invalid\\.")]
    private static partial Regex Variable();
}
