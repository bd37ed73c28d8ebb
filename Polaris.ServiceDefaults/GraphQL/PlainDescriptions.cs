using GraphQL;
using GraphQL.Types;
using GraphQL.Utilities;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Descriptions of the schema are the documentation comments of its C# code. They come with the comment's line breaks and indents, which
/// mean nothing: each becomes one line.
/// </summary>
internal sealed class PlainDescriptions : BaseSchemaNodeVisitor
{
    /// <summary>Makes the library read comments: the file that the compiler writes of them lies beside the assembly.</summary>
    public static void Read() => GlobalSwitches.EnableReadDescriptionFromXmlDocumentation = true;

    public override void VisitObject(IObjectGraphType type, ISchema schema) => type.Description = Plain(type.Description);

    public override void VisitObjectFieldDefinition(FieldType field, IObjectGraphType type, ISchema schema) =>
        field.Description = Plain(field.Description);

    public override void VisitObjectFieldArgumentDefinition(
        QueryArgument argument,
        FieldType field,
        IObjectGraphType type,
        ISchema schema
    ) => argument.Description = Plain(argument.Description);

    public override void VisitInputObject(IInputObjectGraphType type, ISchema schema) => type.Description = Plain(type.Description);

    public override void VisitInputObjectFieldDefinition(FieldType field, IInputObjectGraphType type, ISchema schema) =>
        field.Description = Plain(field.Description);

    public override void VisitEnum(EnumerationGraphType type, ISchema schema) => type.Description = Plain(type.Description);

    public override void VisitEnumValue(EnumValueDefinition value, EnumerationGraphType type, ISchema schema) =>
        value.Description = Plain(value.Description);

    private static string? Plain(string? description) =>
        description is null ? null : string.Join(' ', description.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
