using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>Requests as a whole: encodings, parameters, late events, and corrupted bodies.</summary>
public sealed class IngestRequestTests(PolarisApp polaris) : PlatformTests
{
    private const int MaxBytes = 5 * 1024 * 1024;

    private static async Task<(int Status, JsonElement Body)> SendAsync(
        Tenant tenant,
        byte[] body,
        string contentType = "application/json",
        string? encoding = null
    )
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        using var response = await tenant.Http.PostAsync("/ingest", content);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    private static byte[] Gzip(string text)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return compressed.ToArray();
    }

    private static string Padded(int bytes) => "[{\"idempotency_key\":\"k\",\"type\":\"call\"}]".PadRight(bytes);

    [Theory]
    [InlineData(MaxBytes, 202)]
    [InlineData(MaxBytes + 1, 413)]
    [InlineData(50 * 1024 * 1024, 413)]
    public async Task The_limit_of_a_compressed_body_is_for_what_comes_out(int bytes, int status)
    {
        using var tenant = await polaris.SignUpAsync();
        Assert.Equal(status, (await SendAsync(tenant, Gzip(Padded(bytes)), encoding: "gzip")).Status);
    }

    [Fact]
    public async Task Compression_that_cannot_be_read_is_named()
    {
        using var tenant = await polaris.SignUpAsync();
        async Task<string> CodeAsync(byte[] body, string encoding)
        {
            var (status, problem) = await SendAsync(tenant, body, encoding: encoding);
            return $"{status} {problem.GetProperty("code").GetString()}";
        }

        var good = Gzip(Padded(100_000));
        Assert.Equal("400 malformed_gzip", await CodeAsync("[{}]"u8.ToArray(), "gzip"));
        Assert.Equal("400 malformed_gzip", await CodeAsync(good[..^20], "gzip"));
        Assert.Equal("415 unsupported_encoding", await CodeAsync(good, "br"));
    }

    [Theory]
    [InlineData("?receipts=some", "'receipts'")]
    [InlineData("?receipts=", "'receipts'")]
    [InlineData("?atomic=1", "'atomic'")]
    [InlineData("?atomic=true&atomic=false", "'atomic'")]
    public async Task A_parameter_with_another_value_is_refused_by_name(string query, string named)
    {
        using var tenant = await polaris.SignUpAsync();
        var (status, problem) = await tenant.IngestAsync(new { idempotency_key = "k", type = "call" }, query);
        Assert.Equal((400, "invalid_parameter"), (status, problem.GetProperty("code").GetString()));
        Assert.Contains(named, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_form_of_a_body_is_told_by_its_content_type()
    {
        using var tenant = await polaris.SignUpAsync();
        const string cloud = """{"specversion":"1.0","id":"1","source":"/shop","type":"call"}""";
        Assert.Equal(202, (await tenant.IngestTextAsync(cloud, "application/cloudevents+json")).Status);
        Assert.Equal(1, (await tenant.IngestTextAsync($"[{cloud}]", "application/cloudevents-batch+json")).Body.Counted("duplicates"));
        Assert.Equal(
            2,
            (
                await tenant.IngestTextAsync(
                    "{\"idempotency_key\":\"a\",\"type\":\"t\"}\n{\"idempotency_key\":\"b\",\"type\":\"t\"}\n",
                    "application/x-ndjson"
                )
            ).Body.Counted("accepted")
        );
        Assert.Equal("/shop 1", (await tenant.EventAsync("%2Fshop%201")).GetProperty("idempotency_key").GetString());
    }

    [Fact]
    public async Task An_event_of_an_invoiced_period_is_accepted_and_called_late()
    {
        using var tenant = await polaris.SignUpAsync();
        var now = TimeProvider.System.GetUtcNow();
        await using (var database = await polaris.OpenDatabaseAsync("ingestiondb"))
        {
            await using var command = new Npgsql.NpgsqlCommand(
                "INSERT INTO invoiced_periods (org_id, customer_key, invoiced_through) VALUES ($1, 'acme', $2)",
                database
            );
            command.Parameters.AddWithValue(tenant.OrgId);
            command.Parameters.AddWithValue(now.AddHours(-1).UtcDateTime);
            await command.ExecuteNonQueryAsync();
        }

        object Event(string key, string customer, double hours) =>
            new
            {
                idempotency_key = key,
                type = "call",
                customer,
                timestamp = now.AddHours(hours).ToString("o", CultureInfo.InvariantCulture),
            };
        var (status, body) = await tenant.IngestAsync(
            new[] { Event("late", "acme", -2), Event("in time", "acme", 0), Event("other", "b", -2) }
        );
        Assert.Equal((202, 3, 1), (status, body.Counted("accepted"), body.Counted("late")));
        var late = Assert.Single(body.GetProperty("results").EnumerateArray());
        Assert.Equal(
            ("late", "accepted", true),
            (late.GetProperty("idempotency_key").GetString(), late.GetProperty("status").GetString(), late.GetProperty("late").GetBoolean())
        );
    }

    [Fact]
    public async Task Broken_bodies_never_break_the_server_nor_cost_a_good_neighbour()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        using var tenant = await polaris.SignUpAsync();
        string[] types = ["application/json", "application/x-ndjson", "application/cloudevents+json", "application/cloudevents-batch+json"];
        for (var round = 0; round < 150; round++)
        {
            await Task.WhenAll(
                Enumerable
                    .Range(0, 16)
                    .Select(i => new Mutation(random.Next(), $"g{round}-{i}"))
                    .Select(async one =>
                    {
                        var (status, body) = await SendAsync(tenant, one.Body(types[one.Form]), types[one.Form], one.Gzip ? "gzip" : null);
                        Assert.True(status < 500, $"seed {seed}: {status} {body}");
                    })
            );

            // In NDJSON, an invalid line must not affect the others.
            var broken = new Mutation(random.Next(), "x").Line().Replace('\n', ' ').Replace('\r', ' ');
            var (neighbours, answer) = await tenant.IngestTextAsync(
                $"{{\"idempotency_key\":\"l{round}\",\"type\":\"t\"}}\n{broken}\n{{\"idempotency_key\":\"r{round}\",\"type\":\"t\"}}",
                "application/x-ndjson"
            );
            Assert.True(neighbours == 202 && answer.Counted("accepted") >= 2, $"seed {seed}, {broken}: {answer}");
        }
    }

    /// <summary>A valid body with a few bytes changed, inserted or removed.</summary>
    private sealed class Mutation(int seed, string key)
    {
        private readonly Random random = new(seed);

        public int Form => seed & 3;

        public bool Gzip => seed % 5 == 0;

        public string Line() =>
            Encoding.UTF8.GetString(
                Broken("""{"idempotency_key":"KEY","type":"t","customer":"c","properties":{"a":1.5,"b":"x","c":true}}""")
            );

        public byte[] Body(string type) =>
            Broken(
                type switch
                {
                    "application/x-ndjson" => """
                    {"idempotency_key":"KEY","type":"t"}
                    {"idempotency_key":"KEYb","replaces":"KEY","properties":{"n":"1"}}
                    """,
                    "application/json" => """{"events":[{"idempotency_key":"KEY","type":"t","timestamp":"2026-01-01T00:00:00Z"},"""
                        + """{"idempotency_key":"KEYv","voids":"KEY"}]}""",
                    "application/cloudevents+json" =>
                        """{"specversion":"1.0","id":"KEY","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","""
                            + """ "data":{"a":1,"b":"é"}}""",
                    _ => """[{"specversion":"1.0","id":"KEY","source":"/s","type":"t"},{"specversion":"1.0","id":"KEY2","source":"/s","""
                        + """ "type":"t","subject":"c","data":{"u":"\ud83d\ude00"}}]""",
                }
            );

        private byte[] Broken(string good)
        {
            var bytes = Encoding.UTF8.GetBytes(good.Replace("KEY", key, StringComparison.Ordinal)).ToList();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        bytes.Insert(at, (byte)"{}[]\",:\\0e.\u0001"[random.Next(12)]);
                        break;
                    case 2:
                        bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                        break;
                    default:
                        bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 30), bytes.Count - at)));
                        break;
                }

                if (bytes.Count == 0)
                    bytes.Add((byte)'{');
            }

            return [.. bytes];
        }
    }
}
