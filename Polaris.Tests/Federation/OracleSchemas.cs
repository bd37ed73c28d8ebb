namespace Polaris.Tests.Federation;

/// <summary>Compositions that have what Polaris's own has, and what federation allows beside it.</summary>
internal static class OracleSchemas
{
    private const string Link = """
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
          import: ["@key", "@shareable", "@external", "@inaccessible"])

        """;

    public static IEnumerable<string> Names => All.Keys;

    public static IEnumerable<(string Name, string Sdl)> Of(string name) => All[name].Select(one => (one.Name, Link + one.Sdl));

    private static readonly Dictionary<string, (string Name, string Sdl)[]> All = new()
    {
        ["one key"] =
        [
            ("a", """type Query { orgs: [Org!]! org(id: ID!): Org } type Org @key(fields: "id") { id: ID! name: String! note: String }"""),
            (
                "b",
                """
                type Query { now: String }
                type Org @key(fields: "id") { id: ID! invoices: [Invoice!] }
                type Invoice { id: ID! total: String! lines: [Line] }
                type Line { text: String amount: Float! }
                """
            ),
        ],
        ["a chain of keys"] =
        [
            ("a", """type Query { items: [Item!] item: Item! } type Item @key(fields: "id") { id: ID! a: Int }"""),
            (
                "b",
                """
                type Query { b: Int }
                type Item @key(fields: "id") @key(fields: "sku") { id: ID! sku: String! b(x: Int = 3): String }
                """
            ),
            (
                "c",
                """
                type Query { c: Item }
                type Item @key(fields: "sku") @key(fields: "number") { sku: String! number: Int! c: [Int!] }
                """
            ),
            ("d", """type Query { d: [Item] } type Item @key(fields: "number") { number: Int! d: String next: Item }"""),
        ],
        ["nested keys"] =
        [
            (
                "a",
                """
                type Query { prices: [Price!]! }
                type Price @key(fields: "product { id owner { id } } region") { product: Product! region: String! amount:
                  Float }
                type Product @key(fields: "id") { id: ID! owner: Owner! @shareable title: String }
                type Owner @key(fields: "id") { id: ID! email: String! }
                """
            ),
            (
                "b",
                """
                type Query { best: Price }
                type Price @key(fields: "product { id owner { id } } region") { product: Product! region: String!
                  history(last: Int! = 2): [Float!] }
                type Product @key(fields: "id") { id: ID! owner: Owner! @shareable stock: Int }
                type Owner @key(fields: "id") { id: ID! age: Int }
                """
            ),
        ],
        ["references"] =
        [
            ("a", """type Query { users: [User!] me: User } type User @key(fields: "id") { id: ID! name: String! }"""),
            (
                "b",
                """
                type Query { posts(first: Int! = 3): [Post] }
                type Post { title: String author: User! editors: [[User!]] }
                type User @key(fields: "id", resolvable: false) { id: ID! @external }
                """
            ),
        ],
        ["value types"] =
        [
            (
                "a",
                """
                type Query { shop: Shop! }
                type Shop @key(fields: "id") { id: ID! price: Money! open: Page }
                type Money @shareable { amount: String! currency: Currency! }
                type Page @shareable { next: String total: Int! }
                enum Currency { EUR USD }
                """
            ),
            (
                "b",
                """
                type Query { rates: [Money!]! }
                type Shop @key(fields: "id") { id: ID! debt: Money owed: [Money] page: Page }
                type Money @shareable { amount: String! currency: Currency! }
                type Page @shareable { next: String total: Int! }
                enum Currency { EUR USD }
                """
            ),
        ],
        ["interfaces"] =
        [
            (
                "a",
                """
                type Query { nodes: [Node!]! node: Node things: [Named] }
                interface Node { id: ID! label(upper: Boolean): String owner: Person }
                interface Named { name: String }
                type Person implements Node & Named @key(fields: "id") { id: ID! label(upper: Boolean): String owner: Person
                  name: String friends: [Node] }
                type Robot implements Node & Named @key(fields: "id") { id: ID! label(upper: Boolean): String owner: Person
                  name: String parts: [Part!]! }
                type Part { size: Int of: Node }
                """
            ),
            (
                "b",
                """
                type Query { all: [Rated!] }
                interface Rated { score: Int reviews: [Review!] }
                type Person implements Rated @key(fields: "id") { id: ID! score: Int reviews: [Review!] age: Int }
                type Robot implements Rated @key(fields: "id") { id: ID! score: Int reviews: [Review!] }
                type Review { text: String by: Person }
                """
            ),
        ],
        ["unions"] =
        [
            (
                "a",
                """
                type Query { search(text: String!): [Found] last: Found }
                union Found = Book | Author | Page
                type Book @key(fields: "isbn") { isbn: String! title: String author: Author! }
                type Author @key(fields: "id") { id: ID! name: String! works: [Found!] }
                type Page { number: Int! text: String }
                """
            ),
            (
                "b",
                """
                type Query { top: [Book!]! }
                type Book @key(fields: "isbn") { isbn: String! sold: Int similar: [Book!] }
                type Author @key(fields: "id") { id: ID! born: Int }
                """
            ),
        ],
        ["enums, lists and nulls"] =
        [
            (
                "a",
                """
                scalar Date
                type Query { grid: [[Cell!]]! cube: [[[Int]!]] cells(kinds: [Kind!], from: Date): [Cell] }
                enum Kind { A B C }
                type Cell @key(fields: "x y") { x: Int! y: Int! kind: Kind! maybe: [Kind] on: Date }
                """
            ),
            (
                "b",
                """
                scalar Date
                type Query { kinds: [Kind!]! }
                enum Kind { A B C }
                type Cell @key(fields: "y x") { x: Int! y: Int! around: [[Cell!]!] since: Date must: Int! opts: [String]! }
                """
            ),
        ],
        ["what is inaccessible"] =
        [
            (
                "a",
                """
                type Query { docs: [Doc!] secret: String @inaccessible }
                type Doc @key(fields: "internal") { internal: ID! @inaccessible title: String }
                """
            ),
            (
                "b",
                """
                type Query { b(filter: Filter): Doc }
                input Filter { text: String hidden: Int @inaccessible }
                type Doc @key(fields: "internal") { internal: ID! @inaccessible body(raw: Boolean @inaccessible, limit: Int):
                  String parent: Doc }
                """
            ),
        ],
        ["inputs and mutations"] =
        [
            (
                "a",
                """
                type Query { carts(where: Where!): [Cart!] }
                type Mutation { add(input: AddInput!): Cart! drop(id: ID!): Boolean }
                input Where { min: Int max: Int = 5 tags: [String!] kind: Kind }
                input AddInput { sku: ID! count: Int! = 1 nested: Where }
                enum Kind { X Y }
                type Cart @key(fields: "id") { id: ID! count(kind: Kind = X): Int! }
                """
            ),
            (
                "b",
                """
                type Query { b: Int }
                type Mutation { pay(cart: ID!, amount: Float!): Cart refund(cart: ID!): [Cart!] }
                type Cart @key(fields: "id") { id: ID! paid(in: String! = "EUR"): String! owner: Owner }
                type Owner @key(fields: "id") @key(fields: "mail") { id: ID! mail: String! carts: [Cart!] }
                """
            ),
        ],
    };
}
