using System.Text.Json;
using GraphQL;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// The variables of a request as they were sent. The library's reader makes every number with a fraction a double, which drops digits
/// before any rule sees them.
/// </summary>
internal static class ExactVariables
{
    public static Inputs? Of(JsonElement body) =>
        body.TryGetProperty("variables", out var variables) && variables.ValueKind == JsonValueKind.Object
            ? new Inputs(Object(variables))
            : null;

    private static Dictionary<string, object?> Object(JsonElement value) =>
        value.EnumerateObject().ToDictionary(property => property.Name, property => Value(property.Value));

    private static object? Value(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => Object(value),
            JsonValueKind.Array => value.EnumerateArray().Select(Value).ToList(),
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => Number(value),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };

    // As objects: the common type of the three is a decimal, which the library does not take for an Int.
    private static object Number(JsonElement value) =>
        value.TryGetInt32(out var number) ? (object)number
        : value.TryGetInt64(out var large) ? (object)large
        : ExactDecimal.Nearest(value.GetRawText()) ?? throw new InvalidOperationException("A JSON number is a decimal number.");
}
