using System.Collections.Concurrent;
using GraphQL;
using GraphQL.Execution;
using GraphQL.Resolvers;
using GraphQL.SystemTextJson;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQL.Validation;
using GraphQLParser;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Tests.Federation;

/// <summary>Executes a schema over the world: that of one subgraph, or the public one of all together.</summary>
internal sealed class FakeSchema
{
    private const string Federation = """
        directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT | INTERFACE
        directive @shareable repeatable on OBJECT | FIELD_DEFINITION
        directive @external on FIELD_DEFINITION
        directive @inaccessible on FIELD_DEFINITION | OBJECT | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM | SCALAR | INPUT_OBJECT
        scalar _Any
        type _Service { sdl: String! }
        extend type Query { _service: _Service! }
        """;

    private static readonly GraphQLSerializer Serializer = new();
    private static readonly IDictionary<string, ArgumentValue> Nothing = new Dictionary<string, ArgumentValue>();

    /// <summary>A subscription is executed like a query, once for each of its events.</summary>
    private readonly DocumentExecuter executer = new(
        new GraphQLDocumentBuilder(),
        new DocumentValidator(),
        new DefaultExecutionStrategySelector([
            new ExecutionStrategyRegistration(new SerialExecutionStrategy(), OperationType.Subscription),
        ]),
        []
    );

    private readonly Schema schema;
    private readonly string sdl;
    private readonly FakeWorld world;

    public FakeSchema(string sdl, FakeWorld world, bool isSubgraph)
    {
        (this.sdl, this.world) = (sdl, world);
        var definitions = Parser.Parse(sdl).Definitions;
        var text = isSubgraph
            ? string.Join(
                '\n',
                definitions.Where(one => one is not (GraphQLSchemaExtension or GraphQLSchemaDefinition)).Select(AstText.Print)
            )
            : sdl;
        if (isSubgraph)
        {
            var entities = definitions
                .OfType<GraphQLObjectTypeDefinition>()
                .Where(type => type.Directives?.Items.Any(directive => directive.Name.Value == "key") == true)
                .Select(type => type.Name.StringValue)
                .ToArray();
            var hasQuery = definitions.OfType<GraphQLObjectTypeDefinition>().Any(type => type.Name.Value == "Query");
            var own = definitions.OfType<GraphQLObjectTypeDefinition>().Select(type => type.Name.StringValue).Intersect(["Mutation"]);
            var subscription = definitions
                .OfType<GraphQLSchemaDefinition>()
                .SelectMany(one => one.OperationTypes)
                .Where(root => root.Operation == OperationType.Subscription)
                .Select(root => $" subscription: {root.Type!.Name.StringValue}");
            text =
                $"schema {{ query: Query {string.Concat(own.Select(_ => "mutation: Mutation"))}{string.Concat(subscription)} }}\n{text}\n"
                + (hasQuery ? Federation : Federation.Replace("extend type", "type", StringComparison.Ordinal));
            if (entities.Length > 0)
                text +=
                    $"\nunion _Entity = {string.Join(" | ", entities)}\n"
                    + "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }";
        }

        var builder = new SchemaBuilder();
        foreach (var type in Parser.Parse(text).Definitions.OfType<GraphQLTypeDefinition>())
        {
            if (type is GraphQLUnionTypeDefinition or GraphQLInterfaceTypeDefinition)
                builder.Types.For(type.Name.StringValue).ResolveType = value =>
                    (IObjectGraphType)schema!.AllTypes[((FakeObject)value).Type]!;
        }

        var roots = Parser.Parse(text).Definitions.OfType<GraphQLSchemaDefinition>().SelectMany(one => one.OperationTypes);
        var live = roots.FirstOrDefault(root => root.Operation == OperationType.Subscription)?.Type?.Name.StringValue;
        foreach (
            var type in Parser.Parse(text).Definitions.OfType<GraphQLObjectTypeDefinition>().Where(type => type.Name.StringValue == live)
        )
        foreach (var field in type.Fields!.Items)
            builder.Types.For(live!).FieldFor(field.Name.StringValue).StreamResolver = new SourceStreamResolver<object>(
                IObservable<object?> (_) => throw new NotSupportedException("Its events are executed like queries.")
            );
        schema = (Schema)builder.Build(text);
        foreach (var scalar in Parser.Parse(text).Definitions.OfType<GraphQLScalarTypeDefinition>())
            schema.RegisterType(new AnyScalar(scalar.Name.StringValue));
        schema.Initialize();
        foreach (var type in schema.AllTypes)
        {
            if (type is not IObjectGraphType own || type.Name.StartsWith("__", StringComparison.Ordinal))
                continue;
            foreach (var field in own.Fields)
                field.Resolver = new FuncFieldResolver<object?>(context => Resolve(own, context));
        }
    }

    /// <summary>The mutations that ran, of all subgraphs in order, and the lookups of entities.</summary>
    public ConcurrentQueue<string> Mutations { get; init; } = new();

    /// <summary>The lists of entities that were asked for, as JSON.</summary>
    public ConcurrentQueue<string[]> Representations { get; } = new();

    /// <summary>How many events each subscription has.</summary>
    public int Events { get; set; } = 1;

    /// <summary>Whether subscriptions stay open after their events.</summary>
    public bool StaysOpen { get; set; }

    /// <summary>When it is done, subscriptions break off after their events.</summary>
    public Task? Breaks { get; set; }

    /// <summary>Whether it has the entities that others name.</summary>
    public bool Knows { get; set; } = true;

    /// <summary>What was asked.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public async Task<string> ExecuteAsync(string query, Inputs? variables, string? operation = null)
    {
        Requests.Enqueue(query);
        var result = await executer.ExecuteAsync(
            new ExecutionOptions
            {
                Schema = schema,
                Query = query,
                Variables = variables,
                OperationName = operation,
                ThrowOnUnhandledException = false,
            }
        );
        return Serializer.Serialize(result);
    }

    private object? Resolve(IObjectGraphType type, IResolveFieldContext context)
    {
        var name = context.FieldDefinition.Name;
        if (name == "_service")
            return sdl;
        if (type.Name == "_Service")
            return context.Source;
        if (name == "_entities")
        {
            var asked = context.GetArgument<List<object>>("representations");
            Mutations.Enqueue(name);
            Representations.Enqueue([.. asked.Select(Serializer.Serialize)]);
            return asked.Select(one => Knows ? world.Find((IDictionary<string, object?>)one) : null).ToList();
        }

        if (type.Name == "Mutation")
            Mutations.Enqueue(name);
        var arguments = (context.Arguments ?? Nothing).Select(given => KeyValuePair.Create(given.Key, given.Value.Value));
        return world.Resolve(context.Source as FakeObject ?? new FakeObject(type.Name, "root"), name, arguments);
    }

    private sealed class AnyScalar : ScalarGraphType
    {
        public AnyScalar(string name) => Name = name;

        public override object? ParseLiteral(GraphQLValue value) => value is GraphQLNullValue ? null : value.Print();

        public override object? ParseValue(object? value) => value;

        public override object? Serialize(object? value) => value;
    }
}
