using System.Net;
using System.Text;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Http;

/// <summary>The public schema as a page that needs no script: what can be asked and done, then every type, linked to one another.</summary>
internal sealed class SchemaReference
{
    public const string Style = """
        body:not(.graphiql) { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        :root { color-scheme: light dark; }
        body.graphiql, #graphiql { margin: 0; height: 100vh; }
        nav { columns: 3; font-size: .9rem; }
        nav a { display: block; }
        code, .name { font-family: ui-monospace, monospace; font-size: .9em; }
        section { border-top: 1px solid #8884; margin-top: 2rem; }
        dt { margin-top: .75rem; }
        dd { margin-left: 1.5rem; }
        .kind { font-weight: normal; opacity: .7; }
        .old { text-decoration: line-through; }
        """;

    private static readonly (SuperKind Kind, string Title)[] Groups =
    [
        (SuperKind.Object, "Objects"),
        (SuperKind.Interface, "Interfaces"),
        (SuperKind.Union, "Unions"),
        (SuperKind.Input, "Inputs"),
        (SuperKind.Enum, "Enumerations"),
        (SuperKind.Scalar, "Scalars"),
    ];

    private readonly StringBuilder page = new();
    private readonly Supergraph graph;

    private SchemaReference(Supergraph graph) => this.graph = graph;

    public static string Write(PublicSchema schema)
    {
        var reference = new SchemaReference(schema.Supergraph);
        reference.WritePage();
        return reference.page.ToString();
    }

    private void WritePage()
    {
        var shown = graph.Types.Values.Where(type => !type.Inaccessible).ToArray();
        page.Append(
            """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>GraphQL: Polaris</title><link rel="icon" href="data:,">
            <link rel="stylesheet" href="/reference/style.css"></head><body><main>
            <h1>Polaris's API</h1>
            <p>Everything but events is one graph at <code>POST /graphql</code>, with <code>Authorization: Bearer</code> and an API key or
            access token. Events are sent to <code>/ingest</code>: <a href="/reference/ingest">its reference</a>,
            <a href="/openapi/ingestion.json">its OpenAPI document</a>.</p>
            <nav>
            """
        );
        foreach (var type in shown.Where(type => type.IsRoot).Reverse())
            page.Append(Link(type.Name));
        foreach (var (kind, _) in Groups)
        {
            foreach (var type in Of(kind))
                page.Append(Link(type.Name));
        }

        page.Append("</nav>");
        foreach (var root in shown.Where(type => type.IsRoot).Reverse())
            WriteType(
                root,
                root.IsSubscription ? "What can be subscribed to"
                    : root.Name == "Query" ? "What can be asked"
                    : "What can be done"
            );
        foreach (var (kind, title) in Groups)
        {
            foreach (var (type, index) in Of(kind).Select((type, index) => (type, index)))
            {
                if (index == 0)
                    page.Append($"<h2>{title}</h2>");
                WriteType(type, type.Name);
            }
        }

        page.Append("</main></body></html>");

        IEnumerable<SuperType> Of(SuperKind kind) => shown.Where(type => type.Kind == kind && !type.IsRoot);
    }

    private void WriteType(SuperType type, string title)
    {
        page.Append($"<section id=\"{type.Name}\"><h3>{title} <span class=\"kind\">{type.Kind.ToString().ToLowerInvariant()}</span></h3>");
        Describe(type.Description);
        if (type.Kind == SuperKind.Union)
            page.Append("<p>").AppendJoin(" | ", type.Members.Select(Link)).Append("</p>");
        page.Append("<dl>");
        foreach (var field in type.Fields.Values.Where(field => !field.Inaccessible))
        {
            WriteTerm($"{type.Name}.{field.Name}", field.Name, field.Type, null, field.Deprecated);
            page.Append("<dd>");
            Describe(field.Description, field.Deprecated);
            if (field.Arguments.Exists(argument => !argument.Inaccessible))
            {
                page.Append("<dl>");
                WriteInputs($"{type.Name}.{field.Name}", field.Arguments);
                page.Append("</dl>");
            }

            page.Append("</dd>");
        }

        WriteInputs(type.Name, type.Inputs);
        foreach (var value in type.Values)
        {
            WriteTerm($"{type.Name}.{value.Name}", value.Name, null, null, value.Deprecated);
            page.Append("<dd>");
            Describe(value.Description, value.Deprecated);
            page.Append("</dd>");
        }

        page.Append("</dl></section>");
    }

    private void WriteInputs(string of, List<SuperInput> inputs)
    {
        foreach (var input in inputs.Where(input => !input.Inaccessible))
        {
            WriteTerm($"{of}.{input.Name}", input.Name, input.Type, input.Default, input.Deprecated);
            page.Append("<dd>");
            Describe(input.Description, input.Deprecated);
            page.Append("</dd>");
        }
    }

    private void WriteTerm(string id, string name, GraphQLType? type, GraphQLValue? value, GraphQLDirective? deprecated)
    {
        page.Append($"<dt id=\"{id}\"><span class=\"name{(deprecated is null ? "" : " old")}\">{name}</span>");
        if (type is not null)
            page.Append(": <code>").Append(Linked(type)).Append("</code>");
        if (value is not null)
            page.Append(" = <code>").Append(WebUtility.HtmlEncode(value.Print())).Append("</code>");
        page.Append("</dt>");
    }

    private void Describe(string? description, GraphQLDirective? deprecated = null)
    {
        if (description is not null)
            page.Append("<p>").Append(WebUtility.HtmlEncode(description)).Append("</p>");
        if (deprecated is not null)
            page.Append("<p><strong>Deprecated.</strong> ")
                .Append(
                    WebUtility.HtmlEncode((deprecated.Arguments?.Items.FirstOrDefault()?.Value as GraphQLStringValue)?.Value.ToString())
                )
                .Append("</p>");
    }

    private string Linked(GraphQLType type) =>
        type switch
        {
            GraphQLNonNullType required => Linked(required.Type) + "!",
            GraphQLListType list => $"[{Linked(list.Type)}]",
            GraphQLNamedType named => Link(named.Name.StringValue),
            _ => throw new InvalidOperationException($"No type is a {type.Kind}."),
        };

    /// <summary>Names of types are of GraphQL's alphabet, so they need no escaping.</summary>
    private string Link(string type) => graph.Types.ContainsKey(type) ? $"<a href=\"#{type}\">{type}</a>" : type;
}
