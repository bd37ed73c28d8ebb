using System.Reflection;
using System.Xml.Linq;
using GraphQL;
using GraphQL.Types;
using GraphQL.Utilities;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Descriptions of the schema are the documentation comments of its C# code, from the file that the compiler writes of them beside each
/// assembly. GraphQL.NET can read it too, but searches the whole file for each field, which were two seconds of a service's start.
/// </summary>
internal sealed class DocumentationComments : BaseSchemaNodeVisitor
{
    private static readonly Type[] Described =
    [
        typeof(AutoRegisteringObjectGraphType<>),
        typeof(AutoRegisteringInputObjectGraphType<>),
        typeof(EnumerationGraphType<>),
    ];

    /// <summary>Of each assembly, the comments by what they are about; methods without their parameters, as none is overloaded.</summary>
    private readonly Dictionary<Assembly, Dictionary<string, XElement>> files = [];

    public override void VisitObject(IObjectGraphType type, ISchema schema) => type.Description ??= OfType(type);

    public override void VisitInputObject(IInputObjectGraphType type, ISchema schema) => type.Description ??= OfType(type);

    public override void VisitEnum(EnumerationGraphType type, ISchema schema) => type.Description ??= OfType(type);

    public override void VisitObjectFieldDefinition(FieldType field, IObjectGraphType type, ISchema schema) =>
        field.Description ??= Text(CommentOf(type, field), "summary");

    public override void VisitInputObjectFieldDefinition(FieldType field, IInputObjectGraphType type, ISchema schema) =>
        field.Description ??= Text(CommentOf(type, field), "summary");

    public override void VisitObjectFieldArgumentDefinition(
        QueryArgument argument,
        FieldType field,
        IObjectGraphType type,
        ISchema schema
    ) => argument.Description ??= Text(CommentOf(type, field), "param", argument.Name);

    public override void VisitEnumValue(EnumValueDefinition value, EnumerationGraphType type, ISchema schema) =>
        value.Description ??= value.Value is Enum one ? Text(Comment(one.GetType(), $"F:{one.GetType().FullName}.{one}"), "summary") : null;

    private string? OfType(IGraphType type) =>
        SourceOf(type) is { } source ? Text(Comment(source, $"T:{source.FullName}"), "summary") : null;

    private XElement? CommentOf(IGraphType type, FieldType field)
    {
        if (SourceOf(type) is not { } source)
            return null;
        var member = source
            .GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
            // A record has methods of its own, such as Equals, which a property may be called like.
            .OrderBy(member => member is not PropertyInfo)
            .FirstOrDefault(member =>
                member is PropertyInfo or MethodInfo { IsSpecialName: false }
                && string.Equals(
                    member.GetCustomAttribute<NameAttribute>()?.Name ?? member.Name,
                    field.Name,
                    StringComparison.OrdinalIgnoreCase
                )
            );
        return member is null ? null : Comment(source, $"{(member is PropertyInfo ? 'P' : 'M')}:{source.FullName}.{member.Name}");
    }

    /// <summary>The C# type that a type of the schema is made from; null of the library's own.</summary>
    private static Type? SourceOf(IGraphType type)
    {
        for (var made = type.GetType(); made is not null; made = made.BaseType)
        {
            if (made.IsGenericType && Described.Contains(made.GetGenericTypeDefinition()))
                return made.GenericTypeArguments[0];
        }

        return null;
    }

    private XElement? Comment(Type type, string id)
    {
        if (!files.TryGetValue(type.Assembly, out var comments))
            files.Add(type.Assembly, comments = Read(type.Assembly));
        return comments.GetValueOrDefault(id);
    }

    private static Dictionary<string, XElement> Read(Assembly assembly)
    {
        var comments = new Dictionary<string, XElement>();
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        if (File.Exists(file))
        {
            foreach (var member in XDocument.Load(file).Descendants("member"))
                comments.TryAdd(((string)member.Attribute("name")!).Split('(', 2)[0], member);
        }

        return comments;
    }

    /// <summary>On one line: the comment's line breaks and indents mean nothing.</summary>
    private static string? Text(XElement? comment, string part, string? name = null)
    {
        var text = comment?.Elements(part).FirstOrDefault(element => name is null || (string?)element.Attribute("name") == name)?.Value;
        var words = text?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length == 0 ? null : string.Join(' ', words);
    }
}
