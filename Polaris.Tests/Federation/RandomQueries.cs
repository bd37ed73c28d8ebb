using System.Text;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Tests.Federation;

/// <summary>Documents over any supergraph, from a seed: aliases, fragments of both kinds, conditions, variables, repeated fields.</summary>
internal sealed class RandomQueries(Supergraph graph, int seed, bool withConditions)
{
    private const int MaxDepth = 5;
    private readonly Random random = new(seed);
    private readonly List<string> fragments = [];
    private readonly SortedDictionary<string, (string Type, object? Value)> variables = new(StringComparer.Ordinal);
    private int names;

    public static (string Query, Dictionary<string, object?> Variables) Create(
        Supergraph graph,
        int seed,
        string root,
        bool withConditions
    ) => new RandomQueries(graph, seed, withConditions).Create(root);

    private (string Query, Dictionary<string, object?> Variables) Create(string root)
    {
        var body = Selection(graph.Types[root], 0);
        var heads = variables.Select(variable => $"${variable.Key}: {variable.Value.Type}");
        var head = variables.Count == 0 ? "" : $"({string.Join(", ", heads)})";
        var query = $"{root.ToLowerInvariant()} Random{head} {body}\n{string.Join('\n', fragments)}";
        return (query, variables.ToDictionary(variable => variable.Key, variable => variable.Value.Value));
    }

    private string Selection(SuperType type, int depth)
    {
        var text = new StringBuilder("{ ");
        if (type.Kind != SuperKind.Union)
        {
            var fields = type.Fields.Values.Where(field => !field.Inaccessible && (depth < MaxDepth || IsLeaf(field))).ToArray();
            for (var i = random.Next(1, 4); i > 0 && fields.Length > 0; i--)
                Field(text, fields[random.Next(fields.Length)], depth);
        }

        if (random.Next(4) == 0 && !type.IsRoot)
            text.Append(random.Next(2) == 0 ? "__typename " : $"a{names++}: __typename ");
        var parts =
            type.Kind == SuperKind.Object
                ? random.Next(5) == 0
                    ? 1
                    : 0
                : random.Next(0, 3);
        for (var i = 0; i < parts && depth < MaxDepth; i++)
            Fragment(text, type, depth);
        if (text.Length == 2)
            text.Append("__typename ");
        return text.Append("} ").ToString();
    }

    private void Fragment(StringBuilder text, SuperType type, int depth)
    {
        var possible = graph.Possible(type).Where(one => !one.Inaccessible).ToArray();
        var on = random.Next(4) == 0 ? type : possible[random.Next(possible.Length)];
        if (random.Next(3) > 0)
        {
            text.Append($"... on {on.Name} {Condition()}{Selection(on, depth + 1)}");
            return;
        }

        var name = $"F{names++}";
        fragments.Add($"fragment {name} on {on.Name} {Selection(on, depth + 1)}");
        text.Append($"...{name} {Condition()}");
        if (random.Next(4) == 0)
            text.Append($"...{name} ");
    }

    private void Field(StringBuilder text, SuperField field, int depth)
    {
        var arguments = field
            .Arguments.Where(argument => !argument.Inaccessible)
            .Where(argument => argument is { Type: GraphQLNonNullType, Default: null } || random.Next(2) == 0)
            .Select(argument => $"{argument.Name}: {Argument(argument.Type)}")
            .ToArray();
        // One response key means one field with the same arguments.
        if (arguments.Length > 0 || field.Arguments.Count > 0 || random.Next(4) == 0)
            text.Append($"a{names++}: ");
        text.Append(field.Name);
        if (arguments.Length > 0)
            text.Append($"({string.Join(", ", arguments)})");
        text.Append(' ').Append(Condition());
        if (graph.Named(field.Type) is { IsComposite: true } inner)
            text.Append(Selection(inner, depth + 1));
    }

    private string Condition()
    {
        if (random.Next(8) > 0 || !withConditions)
            return "";
        var directive = random.Next(2) == 0 ? "skip" : "include";
        return random.Next(3) == 0
            ? $"@{directive}(if: {(random.Next(2) == 0 ? "true" : "false")}) "
            : $"@{directive}(if: {Variable("Boolean!", random.Next(2) == 0)}) ";
    }

    private string Argument(GraphQLType type)
    {
        var value = Value(type);
        return random.Next(2) == 0 ? Variable(type.Print(), value) : Literal(value, Supergraph.NameOf(type));
    }

    private string Variable(string type, object? value)
    {
        var name = random.Next(10) == 0 ? $"r{names++}" : $"v{names++}";
        variables.Add(name, (type, value));
        return $"${name}";
    }

    private object? Value(GraphQLType type)
    {
        if (type is GraphQLNonNullType nonNull)
            return Value(nonNull.Type) ?? Value(nonNull);
        if (random.Next(8) == 0)
            return null;
        if (type is GraphQLListType list)
            return Enumerable.Range(0, random.Next(3)).Select(_ => Value(list.Type)).ToList();
        var name = Supergraph.NameOf(type);
        if (graph.Types.TryGetValue(name, out var own) && own.Kind == SuperKind.Enum)
            return own.Values[random.Next(own.Values.Count)].Name;
        if (own is { Kind: SuperKind.Input })
            return own
                .Inputs.Where(input => !input.Inaccessible && (input.Type is GraphQLNonNullType || random.Next(3) == 0) && names++ < 500)
                .ToDictionary(input => input.Name, input => Value(input.Type));
        return name switch
        {
            "Int" => random.Next(100),
            "Float" => random.Next(100) / 4.0,
            "Boolean" => random.Next(2) == 0,
            _ => $"text {random.Next(100)}",
        };
    }

    private string Literal(object? value, string named) =>
        value switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            List<object?> list => $"[{string.Join(", ", list.Select(one => Literal(one, named)))}]",
            Dictionary<string, object?> fields =>
                $"{{ {string.Join(", ", fields.Select(one => $"{one.Key}: {Literal(one.Value, TypeOf(named, one.Key))}"))} }}",
            string text => graph.Types.TryGetValue(named, out var type) && type.Kind == SuperKind.Enum ? text : $"\"{text}\"",
            _ => ((IFormattable)value).ToString(null, null),
        };

    private string TypeOf(string input, string field) => Supergraph.NameOf(graph.Types[input].Inputs.First(one => one.Name == field).Type);

    private bool IsLeaf(SuperField field) => graph.Named(field.Type) is not { IsComposite: true };
}
