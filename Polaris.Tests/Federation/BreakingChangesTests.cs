using Polaris.Gateway.Composition;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>A change of the public schema after which a client's document may fail is found.</summary>
public sealed class BreakingChangesTests
{
    private const string Before = """
        type Query { org(id: ID!, first: Int = 5): Org orgs: [Org]! find(by: By): Found }
        type Org implements Node { id: ID! name: String kind: Kind }
        type Other { id: ID! }
        interface Node { id: ID! }
        union Found = Org | Other
        enum Kind { A B }
        input By { text: String size: Int! }
        """;

    [Theory]
    [InlineData("name: String kind", "kind", "Org.name is gone")]
    [InlineData("name: String ", "name: Int ", "Org.name is Int, not String")]
    [InlineData("[Org]!", "[Org]", "Query.orgs is [Org], not [Org]!")]
    [InlineData("id: ID!, first", "id: ID!, more: Int!, first", "Query.org.more is new and required")]
    [InlineData(", first: Int = 5", "", "Query.org.first is gone")]
    [InlineData("text: String ", "text: String! ", "By.text is String!, not String")]
    [InlineData("size: Int!", "size: Int! more: Int!", "By.more is new and required")]
    [InlineData("A B", "A", "Kind.B is gone")]
    [InlineData("Org | Other", "Org", "Found does not include Other")]
    [InlineData("implements Node ", "", "Org does not implement Node")]
    [InlineData("enum Kind { A B }", "scalar Kind", "Kind is Scalar, not Enum")]
    public void What_a_client_may_rely_on_is_kept(string old, string now, string change) =>
        Assert.Equal([change], BreakingChanges.Find(Before, Before.Replace(old, now, StringComparison.Ordinal)));

    [Theory]
    [InlineData("name: String ", "name: String! more: Int ")]
    [InlineData("first: Int = 5", "first: Int! = 5, other: String, last: Int! = 3")]
    [InlineData("size: Int!", "size: Int more: Int")]
    [InlineData("A B", "A B C")]
    [InlineData("[Org]!", "[Org!]!")]
    public void What_is_added_or_promised_breaks_nothing(string old, string now) =>
        Assert.Empty(BreakingChanges.Find(Before, Before.Replace(old, now, StringComparison.Ordinal)));
}
