using GraphQL;
using GraphQL.Types;
using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// The values that an operation's answer may have at most, estimated before anything is fetched: a field counts one
/// (<see cref="CostOfRawEvents"/> more if it reads those), and as often as the lists around it have elements. A list has as many as its
/// <c>first</c> or <c>limit</c> asks for, or that of the page around it, else <see cref="AssumedListSize"/>. Of a document that
/// <see cref="DocumentBounds"/> has admitted.
/// </summary>
public sealed class DocumentCost
{
    /// <summary>Elements of a list that no argument bounds: an invoice's lines, a line's steps.</summary>
    public const int AssumedListSize = 4;

    /// <summary>Elements of such a list at the root: an org's plans, keys or members.</summary>
    public const int AssumedRootListSize = 100;

    /// <summary>Elements of a timeline, as many as Billing answers at most: its windows depend on three arguments.</summary>
    public const int AssumedTimelineSize = 5_000;

    /// <summary>
    /// What a field costs that reads an org's raw events for its answer, up to 100,000 of them: ten such fields are a whole document.
    /// </summary>
    public const int CostOfRawEvents = 50_000;

    /// <summary>No page is larger; whoever asks for more is refused by the field itself.</summary>
    private const int MaxPage = 1_000;

    private readonly ISchema schema;
    private readonly IReadOnlyDictionary<string, object?> variables;
    private readonly GraphQLOperationDefinition operation;
    private readonly Dictionary<ROM, GraphQLFragmentDefinition> fragments = [];

    private DocumentCost(
        GraphQLDocument document,
        GraphQLOperationDefinition operation,
        ISchema schema,
        IReadOnlyDictionary<string, object?> variables
    )
    {
        (this.operation, this.schema, this.variables) = (operation, schema, variables);
        foreach (var fragment in document.Definitions.OfType<GraphQLFragmentDefinition>())
            fragments.TryAdd(fragment.FragmentName.Name.Value, fragment);
    }

    /// <returns>The values that the operation asks for.</returns>
    /// <exception cref="RequestError">They, or the root fields, are more than the limit.</exception>
    public static long Check(
        GraphQLDocument document,
        GraphQLOperationDefinition operation,
        ISchema schema,
        IReadOnlyDictionary<string, object?>? variables,
        GraphQLLimits limits
    )
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(limits);
        var cost = new DocumentCost(document, operation, schema, variables ?? Inputs.Empty);
        if (DocumentMeasure.Merged([operation.SelectionSet], cost.fragments).Count > limits.MaxRootFields)
            throw RequestError.Limit(
                nameof(limits.MaxRootFields),
                limits.MaxRootFields,
                $"An operation may have at most {limits.MaxRootFields} root fields"
            );
        IGraphType? root = operation.Operation switch
        {
            OperationType.Mutation => schema.Mutation,
            OperationType.Subscription => schema.Subscription,
            _ => schema.Query,
        };
        var values = cost.Of([operation.SelectionSet], root, null);
        if (values > limits.MaxCost)
            throw RequestError.Limit(
                nameof(limits.MaxCost),
                limits.MaxCost,
                $"The answer may have at most {limits.MaxCost} values; this one asks for {values:0}: select fewer fields or smaller pages"
            );
        return (long)values;
    }

    /// <param name="selections">Selections of one place, which are merged.</param>
    /// <param name="type">The type of the place; null when the schema does not know it, which validation reports.</param>
    /// <param name="page">The page size that the field around asks for.</param>
    private double Of(IReadOnlyList<GraphQLSelectionSet> selections, IGraphType? type, int? page)
    {
        var sum = 0.0;
        foreach (var fields in DocumentMeasure.Merged(selections, fragments).Values)
        {
            var definition = Find(type, fields[0].Name.Value);
            var size = definition is null ? null : PageSize(fields[0], definition);
            GraphQLSelectionSet[] inner = [.. fields.Select(field => field.SelectionSet).OfType<GraphQLSelectionSet>()];
            var isList = IsList(definition?.ResolvedType);
            var elements = !isList ? 1 : size ?? page ?? Assumed(type, definition!.Name);
            // A page's own size is for the list in it.
            var innerPage = isList ? null : size;
            sum +=
                1
                + Reading(type, fields[0].Name.Value)
                + elements * (isList && inner.Length == 0 ? 1 : Of(inner, definition?.ResolvedType?.GetNamedType(), innerPage));
        }

        return sum;
    }

    /// <summary>What a field costs beside the values it answers with.</summary>
    private int Reading(IGraphType? type, ROM field) =>
        type == schema.Query && (field == "uncountedEvents" || field == "uncountedSummary") ? CostOfRawEvents : 0;

    private FieldType? Find(IGraphType? type, ROM name)
    {
        if (name == schema.SchemaMetaFieldType.Name)
            return schema.SchemaMetaFieldType;
        if (name == schema.TypeMetaFieldType.Name)
            return schema.TypeMetaFieldType;
        return (type as IComplexGraphType)?.GetField(name);
    }

    private static bool IsList(IGraphType? type) => (type is NonNullGraphType nonNull ? nonNull.ResolvedType : type) is ListGraphType;

    /// <summary>Introspection asks about the schema, whose size is known.</summary>
    private int Assumed(IGraphType? type, string field) =>
        (type?.Name, field) switch
        {
            ("__Schema", "types") => schema.AllTypes.Count,
            ("__Type", "fields") => 8,
            (['_', '_', ..], _) => 2,
            (_, "usageTimeline") => AssumedTimelineSize,
            // Groups × points together are as many.
            ("UsageReport", "groups") => 1,
            ("UsageGroup", "points") => AssumedTimelineSize,
            _ when type == schema.Query || type == schema.Mutation || type == schema.Subscription => AssumedRootListSize,
            _ => AssumedListSize,
        };

    private int? PageSize(GraphQLField field, FieldType definition)
    {
        foreach (var name in (ReadOnlySpan<string>)["first", "limit"])
        {
            if (definition.Arguments?.Find(name) is not { } argument)
                continue;
            var value = field.Arguments?.Items.Find(given => given.Name.Value == name)?.Value;
            return Number(value) ?? Math.Clamp(argument.DefaultValue as int? ?? MaxPage, 1, MaxPage);
        }

        return null;
    }

    /// <summary>Null when it is not given.</summary>
    private int? Number(GraphQLValue? value) =>
        value switch
        {
            GraphQLIntValue number => int.TryParse(number.Value, out var parsed) ? Math.Clamp(parsed, 1, MaxPage) : MaxPage,
            GraphQLVariable variable when variables.TryGetValue(variable.Name.StringValue, out var given) && given is not null => given
                is int parsed
                ? Math.Clamp(parsed, 1, MaxPage)
                : MaxPage,
            GraphQLVariable variable => Number(
                operation.Variables?.Items.Find(declared => declared.Variable.Name.Value == variable.Name.Value)?.DefaultValue
            ),
            _ => null,
        };
}
