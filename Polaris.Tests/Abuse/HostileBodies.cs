using System.Globalization;
using System.Text;

namespace Polaris.Tests.Abuse;

/// <summary>
/// Bodies for <c>/ingest</c> that are almost right: valid ones with values from the edges, cut, doubled, and with bytes changed.
/// </summary>
internal static class HostileBodies
{
    private static readonly string[] Types =
    [
        "application/json",
        "application/x-ndjson",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json; charset=utf-16",
        "text/plain",
        "application/json;;",
        "",
    ];

    private static readonly string[] Fields =
    [
        "idempotency_key",
        "type",
        "customer",
        "timestamp",
        "properties",
        "voids",
        "replaces",
        "id",
        "source",
        "specversion",
        "time",
        "data",
        "subject",
        "events",
        "",
        "\\u0000",
        "\\ud800",
    ];

    private static readonly string[] Values =
    [
        "null",
        "true",
        "0",
        "-0",
        "1e400",
        "1e-400",
        "-1E+99999999999",
        "999999999999999.999999999",
        "1000000000000000",
        "0.0000000001",
        "\"\"",
        "\" \"",
        "\"a\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u202e\"",
        "\"9999-12-31T23:59:59-18:00\"",
        "\"-0001-01-01T00:00:00Z\"",
        "\"0000-00-00T00:00:00Z\"",
        "\"2026-11-29T25:61:61Z\"",
        "\"2026-11-29T12:00:00.1234567890123Z\"",
        "\"1.0\"",
        "{}",
        "[]",
        "{\"a\":{\"a\":{\"a\":[]}}}",
        "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "{\"a\":1,\"a\":2}",
        "[1,2",
        "{\"a\"",
        "nul",
        "1.",
        "\"",
    ];

    public static byte[] Next(Random random, out string type)
    {
        type = random.Next(4) == 0 ? Types[random.Next(Types.Length)] : Types[0];
        var text = random.Next(8) switch
        {
            0 => new string('[', random.Next(1, 2_000)),
            1 => string.Concat(Enumerable.Repeat("{\"events\":", random.Next(1, 200))),
            2 => $"[{string.Join(',', Enumerable.Range(0, random.Next(6)).Select(_ => Event(random)))}]",
            3 => $"{{\"events\":[{Event(random)},{Event(random)}]}}",
            4 => string.Join('\n', Enumerable.Range(0, random.Next(6)).Select(_ => Event(random))),
            _ => Event(random),
        };
        var bytes = Encoding.UTF8.GetBytes(text);
        switch (random.Next(6))
        {
            case 0:
                bytes = bytes[..random.Next(bytes.Length + 1)];
                break;
            case 1 when bytes.Length > 0:
                for (var i = random.Next(4); i >= 0; i--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                break;
            case 2 when bytes.Length < 4_000:
                bytes = [.. bytes, .. bytes];
                break;
        }

        return bytes;
    }

    private static string Event(Random random)
    {
        var fields = new List<string>
        {
            $"\"idempotency_key\":{(random.Next(3) > 0 ? $"\"k{random.Next(100)}\"" : Value(random))}",
            $"\"type\":{(random.Next(3) > 0 ? "\"call\"" : Value(random))}",
        };
        for (var i = random.Next(4); i > 0; i--)
            fields.Add($"\"{Fields[random.Next(Fields.Length)]}\":{Value(random)}");
        return $"{{{string.Join(',', fields)}}}";
    }

    private static string Value(Random random) =>
        random.Next(20) switch
        {
            0 => $"\"{new string((char)random.Next('a', 0x3000), random.Next(1, 400))}\"",
            1 => new string('9', random.Next(1, 400)),
            _ => Values[random.Next(Values.Length)],
        };
}
