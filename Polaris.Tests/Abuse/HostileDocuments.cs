using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Tests.Abuse;

/// <summary>A document at a limit's edge: one just within it, and one just over it. Every subgraph can answer both.</summary>
/// <param name="Limit">Its name in <see cref="GraphQLLimits"/>.</param>
/// <param name="Variables">Of each, in JSON.</param>
internal sealed record LimitEdge(string Limit, string Within, string Over, (string Within, string Over)? Variables = null);

/// <summary>Documents that take a server's time, memory or stack, found and made.</summary>
internal static class HostileDocuments
{
    private static readonly GraphQLLimits Limits = new();

    /// <summary>Each ended a process, or kept it busy for seconds, before documents were measured.</summary>
    public static readonly IReadOnlyDictionary<string, string> Found = new Dictionary<string, string>
    {
        ["chain of 2,000 fragments"] = "{...f0}" + Chain(2_000),
        ["1,000 fragments"] = $"{{{Many(1_000, i => $"...f{i} ")}}}" + Many(1_000, i => $"fragment f{i} on Query{{__typename}}"),
        ["22 doubling fragments"] =
            "{...f0}" + Many(22, i => $"fragment f{i} on Query{{...f{i + 1} ...f{i + 1}}}") + "fragment f22 on Query{__typename}",
        ["@skip 20,000 times"] = $"{{__typename {Many(20_000, _ => "@skip(if:false)")}}}",
        ["one field 4,000 times"] = $"{{{Many(4_000, _ => "me{role}")}}}",
        ["4,000 aliases"] = $"{{{Many(4_000, i => $"a{i}:__typename ")}}}",
        ["fragment that spreads itself"] = "{...f} fragment f on Query{...f}",
        ["ring of 40 fragments"] = "{...f0}" + Many(40, i => $"fragment f{i} on Query{{...f{(i + 1) % 40}}}"),
        ["20,000 braces"] = Many(20_000, _ => "{a") + Many(20_000, _ => "}"),
        ["20,000 brackets in a value"] = $"{{a(b:{Many(20_000, _ => "[")}{Many(20_000, _ => "]")})}}",
        ["20,000 brackets in a type"] = $"query($v:{Many(20_000, _ => "[")}Int{Many(20_000, _ => "]")}){{__typename}}",
        ["number of 90,000 digits"] = $"{{a(b:{new string('9', 90_000)})}}",
        ["name of 90,000 letters"] = $"{{{new string('a', 90_000)}}}",
        ["1,000 operations"] = Many(1_000, i => $"query q{i}{{__typename}}"),
        ["2,000 variables"] = $"query({Many(2_000, i => $"$v{i}:Int ")}){{__typename}}",
        ["introspection multiplied"] = Introspection(5),
    };

    /// <summary>One for each limit of a document or its variables.</summary>
    public static readonly IReadOnlyList<LimitEdge> Edges =
    [
        Edge(nameof(Limits.MaxCharacters), Limits.MaxCharacters, n => "{__typename}#" + new string('x', n - 13)),
        Edge(nameof(Limits.MaxTokens), Limits.MaxTokens, n => "{__typename}" + Many(n - 3, _ => "#\n")),
        Edge(nameof(Limits.MaxNesting), Limits.MaxNesting, n => $"{{{Many(n - 1, _ => "...{")}__typename{new string('}', n)}"),
        Edge(nameof(Limits.MaxNameLength), Limits.MaxNameLength, n => $"query {new string('q', n)}{{__typename}}"),
        Edge(nameof(Limits.MaxNumberLength), Limits.MaxNumberLength, n => $"{{__typename @include(if:{new string('9', n)})}}"),
        Edge(nameof(Limits.MaxOperations), Limits.MaxOperations, n => Many(n, i => $"query q{i}{{__typename}}")),
        Edge(
            nameof(Limits.MaxFragments),
            Limits.MaxFragments,
            n => $"{{{Many(n, i => $"...f{i} ")}}}" + Many(n, i => $"fragment f{i} on Query{{__typename}}")
        ),
        Edge(nameof(Limits.MaxFragmentChain), Limits.MaxFragmentChain, n => "{...f0}" + Chain(n)),
        Edge(
            nameof(Limits.MaxVariables),
            Limits.MaxVariables,
            n => $"query({Many(n, i => $"$v{i}:Boolean=true ")}){{{Many(n, i => $"...@include(if:$v{i}){{__typename}}")}}}"
        ),
        Edge(nameof(Limits.MaxDirectives), Limits.MaxDirectives, n => $"{{__typename {Many(n, _ => "@skip(if:false)")}}}"),
        Edge(nameof(Limits.MaxAliases), Limits.MaxAliases, n => $"{{__schema{{{Many(n, i => $"a{i}:__typename ")}}}}}"),
        // 20 times a field with 49 in it, one around them, and what is missing.
        Edge(
            nameof(Limits.MaxFields),
            Limits.MaxFields,
            n => $"{{__schema{{{Many(n - 981, _ => "__typename ")}{Many(20, i => $"a{i}:queryType{{{Many(48, _ => "name ")}}}")}}}}}"
        ),
        Edge(
            nameof(Limits.MaxDepth),
            Limits.MaxDepth,
            n => $"{{__schema{{queryType{{fields{{type{Many(n - 5, _ => "{ofType")}{{name{new string('}', n)}"
        ),
        Edge(nameof(Limits.MaxRepeats), Limits.MaxRepeats, n => $"{{{Many(n, _ => "__typename ")}}}"),
        Edge(nameof(Limits.MaxRootFields), Limits.MaxRootFields, n => $"{{{Many(n, i => $"a{i}:__typename ")}}}"),
        // Nobody knows what it costs to the value, so the next level is over it by far.
        Edge(nameof(Limits.MaxCost), 2, Introspection, 5),
        Json(nameof(Limits.MaxJsonDepth), Limits.MaxJsonDepth, n => $"{Many(n - 1, _ => "{\"a\":")}1{new string('}', n - 1)}"),
        Json(nameof(Limits.MaxJsonValues), Limits.MaxJsonValues, n => $"{{\"a\":[1{Many(n - 5, _ => ",1")}]}}"),
        Json(nameof(Limits.MaxNumberLength), Limits.MaxNumberLength, n => $"{{\"a\":[{new string('9', n)}]}}"),
    ];

    private static LimitEdge Edge(string limit, int value, Func<int, string> document, int? over = null) =>
        new(limit, document(value), document(over ?? value + 1));

    private static LimitEdge Json(string limit, int value, Func<int, string> variables) =>
        new(limit, "{__typename}", "{__typename}", (variables(value), variables(value + 1)));

    private static string Introspection(int levels) =>
        $"{{__schema{{types{{{Many(levels, _ => "fields{type{")}name{Many(levels, _ => "}}")}}}}}}}";

    private static string Chain(int length) =>
        Many(length - 1, i => $"fragment f{i} on Query{{...f{i + 1}}}") + $"fragment f{length - 1} on Query{{__typename}}";

    internal static string Many(int count, Func<int, string> text) => string.Concat(Enumerable.Range(0, count).Select(text));
}
