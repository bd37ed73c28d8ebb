using GraphQL;
using GraphQL.Execution;
using GraphQL.Resolvers;
using GraphQL.Types;
using GraphQL.Utilities;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Gives every <c>endCursor</c> the name of its list, and takes it off every <c>after</c>: a cursor of another list is refused. Lists of
/// the same name have the same order, wherever they stand (<c>invoices</c> of an org and of a customer). Use cases see the bare cursor.
/// </summary>
internal sealed class NamedCursors : BaseSchemaNodeVisitor
{
    private const string After = "after";
    private const string EndCursor = "endCursor";

    public override void VisitObjectFieldDefinition(FieldType field, IObjectGraphType type, ISchema schema)
    {
        if (field.Resolver is not { } resolver)
            return;
        if (field.Name == EndCursor)
            field.Resolver = new FuncFieldResolver<object?>(async context =>
                await resolver.ResolveAsync(context) is string cursor ? Cursors.Name(context.Parent!.FieldDefinition.Name, cursor) : null
            );
        else if (field.Arguments?.Find(After) is not null)
            field.Resolver = new FuncFieldResolver<object?>(context =>
            {
                if (context.Arguments is { } given && given.TryGetValue(After, out var after) && after.Value is string text)
                    given[After] = new ArgumentValue(Unnamed(context.FieldDefinition.Name, text), after.Source);
                return resolver.ResolveAsync(context);
            });
    }

    private static string Unnamed(string list, string after)
    {
        try
        {
            return Cursors.Unname(list, after);
        }
        catch (RefusedException exception)
        {
            throw RefusalErrors.Of(exception.Refusal);
        }
    }
}
