using System.Text.RegularExpressions;
using GraphQLParser;
using GraphQLParser.AST;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// Everything in the graph says what it is: types, fields, arguments, inputs and values of enumerations. The files are snapshots of what
/// the services print, which <see cref="Federation.BreakingChangesTests"/> and CI compare.
/// </summary>
public sealed partial class DescriptionTests
{
    [Theory]
    [InlineData("identity")]
    [InlineData("plans")]
    [InlineData("ingestion")]
    [InlineData("billing")]
    [InlineData("notifications")]
    [InlineData("schema")]
    [InlineData("supergraph")]
    public void Every_part_of_the_schema_has_a_description(string schema)
    {
        var parts = PartsOf(File.ReadAllText(Path.Combine(SourceText.Root, "docs/graphql", $"{schema}.graphql"))).ToArray();
        Assert.True(parts.Length > 10, $"Only {parts.Length} parts were found.");
        var without = parts.Where(part => string.IsNullOrWhiteSpace(part.Description)).Select(part => part.Name).ToArray();
        Assert.True(without.Length == 0, $"These need a documentation comment (summary, or param) in C#:\n{string.Join('\n', without)}");
        var filler = parts.Where(part => Filler().IsMatch(part.Description!)).Select(part => $"{part.Name}: {part.Description}").ToArray();
        Assert.True(filler.Length == 0, $"These say of what they are only that they are:\n{string.Join('\n', filler)}");
        Assert.All(parts, part => Assert.DoesNotMatch(Broken(), part.Description!));
    }

    [Fact]
    public void A_part_without_a_description_is_found_wherever_it_stands()
    {
        const string sdl = """
            "A." type A { "F." f("X." x: Int, y: Int): Int g: Int }
            type B { "F." f: Int }
            "I." input I { "P." p: Int q: Int }
            "E." enum E { "V." V W }
            scalar S
            """;
        Assert.Equal(
            ["A.f(y)", "A.g", "B", "I.q", "E.W", "S"],
            PartsOf(sdl).Where(part => part.Description is null).Select(part => part.Name)
        );
    }

    /// <summary>Without those of the join format, which are no part of the graph.</summary>
    private static IEnumerable<(string Name, string? Description)> PartsOf(string sdl)
    {
        foreach (var type in Parser.Parse(sdl).Definitions.OfType<GraphQLTypeDefinition>())
        {
            var name = type.Name.StringValue;
            if (
                type is GraphQLDirectiveDefinition
                || name.StartsWith("join__", StringComparison.Ordinal)
                || name.StartsWith("link__", StringComparison.Ordinal)
            )
                continue;
            yield return (name, Text(type));
            var fields =
                (type as GraphQLObjectTypeDefinition)?.Fields?.Items ?? (type as GraphQLInterfaceTypeDefinition)?.Fields?.Items ?? [];
            foreach (var field in fields)
            {
                yield return ($"{name}.{field.Name.StringValue}", Text(field));
                foreach (var argument in field.Arguments?.Items ?? [])
                    yield return ($"{name}.{field.Name.StringValue}({argument.Name.StringValue})", Text(argument));
            }

            foreach (var input in (type as GraphQLInputObjectTypeDefinition)?.Fields?.Items ?? [])
                yield return ($"{name}.{input.Name.StringValue}", Text(input));
            foreach (var value in (type as GraphQLEnumTypeDefinition)?.Values?.Items ?? [])
                yield return ($"{name}.{value.Name.StringValue}", Text(value));
        }
    }

    private static string? Text(IHasDescriptionNode node) => node.Description?.Value.ToString();

    [GeneratedRegex(@"^(The|Its) \w+\.$")]
    private static partial Regex Filler();

    /// <summary>Where a reference stood in the comment, of which nothing reaches the schema; and what was not made one line.</summary>
    [GeneratedRegex(@"\s[.,;:)]|\n|\s\s|^\s|\s$|[^.!?)]$")]
    private static partial Regex Broken();
}
