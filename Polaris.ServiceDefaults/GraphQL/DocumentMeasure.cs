using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Counts what a document is after all fragments are spread, without spreading them: each fragment is counted once, and its count added
/// wherever it is used. What is inside one another is bounded by the tokens, so that these methods may call themselves.
/// </summary>
internal sealed class DocumentMeasure
{
    private readonly GraphQLLimits limits;
    private readonly Dictionary<ROM, GraphQLFragmentDefinition> fragments = [];
    private readonly Dictionary<ROM, Size?> measured = [];

    /// <param name="Fields">Fields, inline fragments and spreads.</param>
    /// <param name="Aliases">Of these, fields with an alias.</param>
    /// <param name="Depth">Fields inside one another.</param>
    /// <param name="Chain">Fragments that spread one another in a row.</param>
    private readonly record struct Size(int Fields, int Aliases, int Depth, int Chain)
    {
        /// <summary>Both beside one another. No sum overflows: each part was checked, and a document has few of them.</summary>
        public Size And(Size other) =>
            new(Fields + other.Fields, Aliases + other.Aliases, Math.Max(Depth, other.Depth), Math.Max(Chain, other.Chain));
    }

    private DocumentMeasure(GraphQLDocument document, GraphQLLimits limits)
    {
        this.limits = limits;
        // Two of one name are refused by validation; here the first one counts, as it does there.
        foreach (var fragment in document.Definitions.OfType<GraphQLFragmentDefinition>())
            fragments.TryAdd(fragment.FragmentName.Name.Value, fragment);
    }

    /// <exception cref="RequestError">A limit is exceeded, or a fragment spreads itself.</exception>
    public static void Check(GraphQLDocument document, GraphQLLimits limits)
    {
        var operations = document.Definitions.OfType<GraphQLOperationDefinition>().ToArray();
        var fragments = document.Definitions.Count(definition => definition is GraphQLFragmentDefinition);
        if (operations.Length + fragments < document.Definitions.Count)
            throw RequestError.Invalid("not_executable", "A document may have operations and fragments only, no type definitions.");
        if (operations.Length > limits.MaxOperations)
            throw RequestError.Limit(
                nameof(limits.MaxOperations),
                limits.MaxOperations,
                $"The document may have at most {limits.MaxOperations} operations"
            );
        if (fragments > limits.MaxFragments)
            throw RequestError.Limit(
                nameof(limits.MaxFragments),
                limits.MaxFragments,
                $"The document may have at most {limits.MaxFragments} fragments"
            );
        var measure = new DocumentMeasure(document, limits);
        foreach (var definition in document.Definitions)
            measure.Check(definition);
    }

    private void Check(ASTNode definition)
    {
        if (definition is GraphQLOperationDefinition { Variables: { } variables })
        {
            if (variables.Count > limits.MaxVariables)
                throw RequestError.Limit(
                    nameof(limits.MaxVariables),
                    limits.MaxVariables,
                    $"An operation may have at most {limits.MaxVariables} variables"
                );
            foreach (var variable in variables)
                CheckDirectives(variable.Directives);
        }

        CheckDirectives(((IHasDirectivesNode)definition).Directives);
        if (definition is GraphQLFragmentDefinition fragment)
            Of(fragment.FragmentName.Name.Value);
        var selections = ((IHasSelectionSetNode)definition).SelectionSet!;
        Of(selections);
        CheckRepeats([selections]);
    }

    private Size Of(ROM fragment)
    {
        if (!fragments.TryGetValue(fragment, out var definition))
            return default;
        if (measured.TryGetValue(fragment, out var known))
            return known
                ?? throw RequestError.Invalid("fragment_cycle", $"The fragment '{fragment}' spreads itself, at once or through others.");
        measured[fragment] = null;
        var inside = Of(definition.SelectionSet);
        var size = inside with { Chain = inside.Chain + 1 };
        if (size.Chain > limits.MaxFragmentChain)
            throw RequestError.Limit(
                nameof(limits.MaxFragmentChain),
                limits.MaxFragmentChain,
                $"Fragments may spread one another at most {limits.MaxFragmentChain} times in a row"
            );
        measured[fragment] = size;
        return size;
    }

    private Size Of(GraphQLSelectionSet selections)
    {
        var size = default(Size);
        foreach (var selection in selections.Selections)
        {
            CheckDirectives(((IHasDirectivesNode)selection).Directives);
            size = size.And(Of(selection));
            Check(size);
        }

        return size;
    }

    private Size Of(ASTNode selection)
    {
        var inside = selection switch
        {
            GraphQLField { SelectionSet: { } own } => Of(own),
            GraphQLInlineFragment inline => Of(inline.SelectionSet),
            GraphQLFragmentSpread spread => Of(spread.FragmentName.Name.Value),
            _ => default,
        };
        return selection is GraphQLField field
            ? new(inside.Fields + 1, inside.Aliases + (field.Alias is null ? 0 : 1), inside.Depth + 1, inside.Chain)
            : inside with
            {
                Fields = inside.Fields + 1,
            };
    }

    private void Check(Size size)
    {
        if (size.Fields > limits.MaxFields)
            throw RequestError.Limit(
                nameof(limits.MaxFields),
                limits.MaxFields,
                $"An operation may have at most {limits.MaxFields} fields, each as often as its fragment is spread"
            );
        if (size.Aliases > limits.MaxAliases)
            throw RequestError.Limit(
                nameof(limits.MaxAliases),
                limits.MaxAliases,
                $"An operation may have at most {limits.MaxAliases} aliases, each as often as its fragment is spread"
            );
        if (size.Depth > limits.MaxDepth)
            throw RequestError.Limit(
                nameof(limits.MaxDepth),
                limits.MaxDepth,
                $"An operation may have at most {limits.MaxDepth} fields inside one another"
            );
    }

    private void CheckDirectives(GraphQLDirectives? directives)
    {
        if (directives?.Count > limits.MaxDirectives)
            throw RequestError.Limit(
                nameof(limits.MaxDirectives),
                limits.MaxDirectives,
                $"A place may have at most {limits.MaxDirectives} directives"
            );
    }

    /// <summary>Spreads the fragments, which is bounded by now.</summary>
    /// <param name="selections">Selections of one place, which are merged.</param>
    private void CheckRepeats(IReadOnlyList<GraphQLSelectionSet> selections)
    {
        foreach (var fields in Merged(selections, fragments).Values)
        {
            if (fields.Count > limits.MaxRepeats)
                throw RequestError.Limit(
                    nameof(limits.MaxRepeats),
                    limits.MaxRepeats,
                    $"'{fields[0].Name.Value}' is selected {fields.Count} times at one place, at most are {limits.MaxRepeats}"
                );
            CheckRepeats([.. fields.Select(field => field.SelectionSet).OfType<GraphQLSelectionSet>()]);
        }
    }

    /// <summary>The fields of one place by response key, in order.</summary>
    internal static OrderedDictionary<ROM, List<GraphQLField>> Merged(
        IEnumerable<GraphQLSelectionSet> selections,
        IReadOnlyDictionary<ROM, GraphQLFragmentDefinition> fragments
    )
    {
        var merged = new OrderedDictionary<ROM, List<GraphQLField>>();
        foreach (var set in selections)
            Add(set);
        return merged;

        void Add(GraphQLSelectionSet set)
        {
            foreach (var selection in set.Selections)
            {
                switch (selection)
                {
                    case GraphQLField field:
                        var key = (field.Alias?.Name ?? field.Name).Value;
                        if (!merged.TryGetValue(key, out var fields))
                            merged.Add(key, fields = []);
                        fields.Add(field);
                        break;
                    case GraphQLInlineFragment inline:
                        Add(inline.SelectionSet);
                        break;
                    case GraphQLFragmentSpread spread when fragments.TryGetValue(spread.FragmentName.Name.Value, out var fragment):
                        Add(fragment.SelectionSet);
                        break;
                }
            }
        }
    }
}
