using System.Globalization;
using System.Text;

namespace Polaris.Tests.Abuse;

/// <summary>
/// Makes bodies of <c>POST /graphql</c> from a seed: documents of the grammar, far beyond its usual sizes or a little broken, in JSON that
/// is sometimes broken too. None changes anything: mutations need more than the callers have, and none of them is open to anyone.
/// </summary>
internal sealed class HostileRequests(int seed)
{
    private static readonly string[] Names =
    [
        "me",
        "org",
        "meters",
        "plans",
        "customers",
        "invoices",
        "subscriptions",
        "usage",
        "usageTimeline",
        "currentUsage",
        "auditLog",
        "recentEvents",
        "event",
        "deliveries",
        "reconciliation",
        "clock",
        "nodes",
        "id",
        "key",
        "name",
        "role",
        "lines",
        "explanation",
        "children",
        "charges",
        "price",
        "tiers",
        "versions",
        "__typename",
        "__schema",
        "__type",
        "types",
        "fields",
        "type",
        "ofType",
        "_service",
        "sdl",
        "_entities",
        "createMeter",
        "nothing",
        "a",
        "ä",
        "query",
        "on",
        "true",
        "null",
    ];

    private static readonly string[] ArgumentNames = ["first", "limit", "after", "key", "customer", "input", "from", "to", "id", "if"];

    private static readonly string[] Types = ["Query", "Mutation", "Viewer", "Org", "__Type", "Nothing", "Int", "String"];

    private static readonly string[] Odd =
    [
        "",
        "x",
        "\0",
        "a\0b",
        "\uD800",
        "\uDC00x",
        "\uD83D\uDE00",
        "\u202E",
        "\uFEFF",
        "'; drop table orgs; --",
        "%s%n",
        "../../etc/passwd",
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59+14:00",
        "-0001-01-01T00:00:00Z",
        "00000000-0000-0000-0000-000000000000",
        "1e400",
        "NaN",
    ];

    /// <summary>Selections and values of one body: three times what a document may have, but not without end.</summary>
    private const int Budget = 3_000;

    private readonly Random random = new(seed);
    private int left;

    /// <summary>The next body.</summary>
    public byte[] Next()
    {
        left = random.Next(20) == 0 ? Budget : Budget / 30;
        return random.Next(12) switch
        {
            0 => Broken(Body(Document())),
            1 => Encoding.UTF8.GetBytes(Json(random.Next(60))),
            2 => Encoding.UTF8.GetBytes($"{{\"query\":{Json(2)},\"variables\":{Json(3)},\"operationName\":{Json(1)}}}"),
            3 => Encoding.UTF8.GetBytes($"{{\"query\":\"{{me{{role}}}}\",\"query\":\"{{org{{id}}}}\",\"more\":{Json(2)}}}"),
            4 => Body(Mutated(Document())),
            5 => Body(HostileDocuments.Found.Values.ElementAt(random.Next(HostileDocuments.Found.Count))),
            6 => Body(Mutated(HostileDocuments.Edges[random.Next(HostileDocuments.Edges.Count)].Within)),
            _ => Body(Document()),
        };
    }

    private byte[] Body(string document) =>
        Encoding.UTF8.GetBytes(
            $"{{\"query\":{Escaped(document)},\"variables\":{(random.Next(3) == 0 ? Json(4) : "{\"v0\":1,\"v1\":\"x\"}")}"
                + (random.Next(8) == 0 ? $",\"operationName\":{Json(0)}" : "")
                + "}"
        );

    private string Document()
    {
        var fragments = random.Next(4) == 0 ? random.Next(60) : random.Next(4);
        var text = new StringBuilder();
        for (var i = random.Next(10) == 0 ? random.Next(30) : 1; i > 0; i--)
        {
            text.Append(
                random.Next(4) switch
                {
                    0 => "",
                    1 => "mutation",
                    2 => "subscription q",
                    _ => $"query q{i}",
                }
            );
            if (text.Length > 0 && text[^1] != '}' && random.Next(2) == 0)
                text.Append('(')
                    .AppendJoin(' ', Repeat(6, n => $"$v{n}:{Type()}{(random.Next(3) == 0 ? "=" + Value(3) : "")}{Directives()}"))
                    .Append(')');
            text.Append(Directives()).Append(Selections(random.Next(14), fragments));
        }

        for (var i = 0; i < fragments; i++)
            text.Append(
                CultureInfo.InvariantCulture,
                $" fragment f{i} on {Pick(Types)}{Directives()}{Selections(random.Next(4), fragments)}"
            );
        return text.ToString();
    }

    private string Selections(int depth, int fragments) =>
        $"{{{string.Concat(Repeat(random.Next(6) == 0 ? 30 : 4, _ => Selection(depth, fragments)).DefaultIfEmpty("__typename"))}}}";

    private string Selection(int depth, int fragments) =>
        random.Next(--left > 0 ? 10 : 1) switch
        {
            _ when left < 0 => "a ",
            0 when fragments > 0 => $"...f{random.Next(fragments + 1)}{Directives()} ",
            1 when depth > 0 => $"...{(random.Next(2) == 0 ? $" on {Pick(Types)}" : "")}{Directives()}{Selections(depth - 1, fragments)} ",
            2 => "... ",
            _ => (random.Next(5) == 0 ? $"a{random.Next(5)}:" : "")
                + Pick(Names)
                + (random.Next(4) == 0 ? Arguments() : "")
                + Directives()
                + (depth > 0 && random.Next(2) == 0 ? Selections(depth - 1, fragments) : " "),
        };

    private string Arguments() =>
        $"({string.Join(',', Repeat(random.Next(20) == 0 ? 200 : 3, _ => $"{Pick(ArgumentNames)}:{Value(4)}"))} x:1)";

    private string Directives() =>
        random.Next(8) > 0
            ? ""
            : string.Concat(
                Repeat(random.Next(10) == 0 ? 100 : 2, _ => $"@{Pick(["skip", "include", "deprecated", "key", "no"])}(if:{Value(1)}) ")
            );

    private string Type() => random.Next(4) == 0 ? $"[{Type()}]" : Pick(["Int", "String!", "Boolean", "ID", "Nothing", "CreateMeterInput"]);

    private string Value(int depth) =>
        random.Next(depth > 0 && --left > 0 ? 11 : 8) switch
        {
            0 => random.Next().ToString(CultureInfo.InvariantCulture),
            1 => "-" + new string('9', 1 + random.Next(400)),
            2 => $"{random.Next()}.{random.Next()}e{random.Next(5_000)}",
            3 => Escaped(Pick(Odd)),
            4 => $"\"\"\"{Pick(Odd)}{new string('z', random.Next(2_000))}\"\"\"",
            5 => $"$v{random.Next(4)}",
            6 => Pick(["true", "false", "null", "HOUR", "DRAFT"]),
            7 => Escaped(new string('é', random.Next(1_000))),
            8 => $"[{string.Join(',', Repeat(6, _ => Value(depth - 1)))}]",
            9 => $"{{{string.Join(',', Repeat(6, _ => $"{Pick(Names)}:{Value(depth - 1)}"))}}}",
            _ => new string('[', random.Next(60)) + new string(']', random.Next(60)),
        };

    /// <summary>A value in JSON, nested so deep.</summary>
    private string Json(int depth) =>
        random.Next(depth > 0 ? 9 : 5) switch
        {
            0 => new string('9', 1 + random.Next(300)),
            1 => $"-{random.Next()}.5e{random.Next(5_000)}",
            2 => Pick(["true", "false", "null"]),
            3 => Escaped(Pick(Odd)),
            4 => "\"\\ud800\"",
            5 or 6 => $"[{Json(depth - 1)},{Json(0)}]",
            _ => $"{{{Escaped(Pick(Odd))}:{Json(depth - 1)},\"v{random.Next(3)}\":{Json(0)}}}",
        };

    private string Mutated(string text)
    {
        var changed = new StringBuilder(text);
        for (var i = random.Next(1, 6); i > 0 && changed.Length > 1; i--)
        {
            var at = random.Next(changed.Length);
            _ = random.Next(4) switch
            {
                0 => changed.Remove(at, 1),
                1 => changed.Insert(
                    at,
                    Pick(["{", "}", "(", ")", "[", "]", "\"", "\"\"\"", "...", "@", "$", ":", "!", "\\", "#", "\0", "\uD800", "é"])
                ),
                2 => changed.Remove(at, changed.Length - at),
                _ => changed.Insert(at, text[..Math.Min(text.Length, random.Next(60))]),
            };
        }

        return changed.ToString();
    }

    private byte[] Broken(byte[] body)
    {
        for (var i = random.Next(1, 4); i > 0; i--)
            body[random.Next(body.Length)] = (byte)random.Next(256);
        return random.Next(3) == 0 ? body[..random.Next(body.Length)] : body;
    }

    private string[] Repeat(int most, Func<int, string> text) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(text)];

    private string Pick(string[] among) => among[random.Next(among.Length)];

    private static string Escaped(string text) => $"\"{string.Concat(text.Select(c => Escaped(c)))}\"";

    private static string Escaped(char c) =>
        c is '"' or '\\' ? $"\\{c}"
        : c < ' ' || char.IsSurrogate(c) ? $"\\u{(int)c:x4}"
        : c.ToString();
}
