extern alias ingestion;

using System.Text;
using CsCheck;
using ingestion::Polaris.Ingestion.Domain;
using ingestion::Polaris.Ingestion.Features.Ingest;
using Xunit;

namespace Polaris.Tests.Ingestion;

public sealed class EventParserTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    private static ParsedBody Parse(string body) => EventParser.Parse(Encoding.UTF8.GetBytes(body), Now, backfill: false);

    private static string? CodeOf(string body) => Parse(body).Rejected.SingleOrDefault().Why?.Code;

    private static string Properties(string properties) => Encoding.UTF8.GetString(Parse($$"""{"idempotency_key":"k","type":"t","properties":{{properties}}}""").Events.Single().Properties);

    [Theory]
    [InlineData(255, null)]
    [InlineData(256, "too_long")]
    public void Texts_have_at_most_255_characters(int length, string? code)
    {
        var text = new string('é', length);
        Assert.Equal(code, CodeOf($$"""{"idempotency_key":"{{text}}","type":"t"}"""));
        Assert.Equal(code, CodeOf($$"""{"idempotency_key":"k","type":"{{text}}"}"""));
        Assert.Equal(code, CodeOf($$"""{"idempotency_key":"k","type":"t","customer":"{{text}}"}"""));
    }

    [Theory]
    [InlineData(64, null)]
    [InlineData(65, "too_many_properties")]
    public void An_event_has_at_most_64_properties(int count, string? code) =>
        Assert.Equal(code, CodeOf("""{"idempotency_key":"k","type":"t","properties":{""" + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"p{i}\":{i}")) + "}}"));

    [Theory]
    [InlineData(16_384, null)]
    [InlineData(16_385, "event_too_large")]
    public void An_event_has_at_most_16_KiB(int bytes, string? code)
    {
        const string head = "{\"idempotency_key\":\"k\",\"type\":\"t\",\"properties\":{\"p\":\"";
        const string tail = "\"}}";
        Assert.Equal(code, CodeOf(head + new string('x', bytes - head.Length - tail.Length) + tail));
    }

    [Theory]
    [InlineData("999999999999999", "999999999999999")]
    [InlineData("1000000000000000", null)]
    [InlineData("-999999999999999.999999999", "-999999999999999.999999999")]
    [InlineData("0.123456789", "0.123456789")]
    [InlineData("0.1234567891", null)]
    [InlineData("1.50", "1.5")]
    [InlineData("1e3", "1000")]
    [InlineData("1.5E-3", "0.0015")]
    [InlineData("-0", "0")]
    [InlineData("0.00000000000000000000000000000000", "0")]
    [InlineData("0.000000000000000000000000000000001", null)]
    [InlineData("1e400", null)]
    public void Numbers_are_kept_exactly_in_one_notation_or_refused(string written, string? kept)
    {
        if (kept is not null) Assert.Equal($$"""{"p":{{kept}}}""", Properties($$"""{"p":{{written}}}"""));
        else Assert.Equal("number_out_of_range", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"p":""" + written + "}}"));
    }

    [Fact]
    public void Properties_have_one_canonical_form()
    {
        Assert.Equal("""{"A":"x","a":1.5,"b":true,"ä":"<é>"}""", Properties("""{ "b" : true, "a":1.50, "ä":"\u003cé\u003e", "A":"x" }"""));
        Assert.Equal("", Properties("{}"));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"a":1,"a":2}}"""));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"a":null}}"""));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"":1}}"""));
    }

    [Fact]
    public void The_content_hash_is_over_the_content_and_nothing_else()
    {
        static Guid Hash(string rest) => Parse($$"""{"idempotency_key":"k","type":"t",{{rest}}}""").Events.Single().ContentHash;
        var hash = Hash("""
            "timestamp":"2026-01-15T12:00:00Z","properties":{"a":1,"b":"x"}
            """);
        // A stored value: it must never change, or old keys would conflict with themselves.
        Assert.Equal("819044be-5980-56c0-7d75-bf811b30bd81", hash.ToString());
        Assert.Equal(hash, Hash("""
            "properties":{"b":"x","a":1.0},"timestamp":"2026-01-15T13:00:00+01:00"
            """));
        Assert.NotEqual(hash, Hash("""
            "timestamp":"2026-01-15T12:00:00Z","properties":{"a":"1","b":"x"}
            """));
        Assert.NotEqual(hash, Hash("""
            "timestamp":"2026-01-15T12:00:00.000001Z","properties":{"a":1,"b":"x"}
            """));
        Assert.NotEqual(hash, Hash("""
            "customer":"c","timestamp":"2026-01-15T12:00:00Z","properties":{"a":1,"b":"x"}
            """));
    }

    [Fact]
    public void Whatever_bytes_come_the_answer_is_events_rejections_or_a_refusal() => Check.Sample(
        Gen.OneOf(Gen.String, Gen.Select(Gen.Int[0, 200], Gen.Char).Select(change =>
        {
            var text = new StringBuilder("""[{"idempotency_key":"k","type":"t","customer":"c","timestamp":"2026-01-15T12:00:00Z","properties":{"a":1.5,"b":"x","c":true}}]""");
            text[change.Item1 % text.Length] = change.Item2;
            return text.ToString();
        })),
        body =>
        {
            try
            {
                Assert.True(Parse(body).Count > 0);
            }
            catch (BodyException refusal)
            {
                Assert.InRange(refusal.Status, 400, 422);
            }
        });

    [Fact]
    public void In_a_group_the_first_of_a_key_stands_and_the_others_are_compared_with_it()
    {
        var (one, other) = (Guid.Parse("0192e4a0-0000-7000-8000-000000000001"), Guid.Parse("0192e4a0-0000-7000-8000-000000000002"));
        static IncomingEvent Event(int index, string key, string customer = "c") => new(index, key, "t", customer, 0, true, []);
        var group = new GroupResolution(
            [
                new WriteRequest(one, [Event(0, "a"), Event(1, "a"), Event(2, "a", "d"), Event(3, "b")], new()),
                new WriteRequest(one, [Event(0, "b"), Event(1, "stored"), Event(2, "stored", "d")], new()),
                new WriteRequest(other, [Event(0, "a")], new()),
            ],
            Now, partitions: 8);
        var stored = new StoredKey(Guid.Parse("0192e4a0-0000-7000-8000-00000000000f"), Event(0, "stored").ContentHash, Now.AddDays(-1));
        var (outcomes, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey> { [(one, "stored")] = stored });
        Assert.Equal([Verdict.Accepted, Verdict.Duplicate, Verdict.Conflict, Verdict.Accepted], outcomes[0].Select(outcome => outcome.Verdict));
        Assert.Equal([Verdict.Duplicate, Verdict.Duplicate, Verdict.Conflict], outcomes[1].Select(outcome => outcome.Verdict));
        Assert.Equal(Verdict.Accepted, outcomes[2].Single().Verdict);
        Assert.Equal((stored.BatchId, stored.ReceivedAt), (outcomes[1][1].BatchId, outcomes[1][1].ReceivedAt));
        Assert.Equal(["a", "b", "a"], batches.SelectMany(batch => batch.Events).Select(stored => stored.IdempotencyKey));
        Assert.All(batches, batch => Assert.Equal(16, batch.OrgId.Length));
    }

    [Fact]
    public void A_batch_stays_below_a_kafka_record()
    {
        var events = Enumerable.Range(0, 1_000).Select(i => new IncomingEvent(i, $"k{i}", "t", "c", 0, true, new byte[8_000])).ToArray();
        var group = new GroupResolution([new WriteRequest(Guid.Parse("0192e4a0-0000-7000-8000-000000000001"), events, new())], Now, partitions: 8);
        var (_, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey>());
        Assert.Equal(1_000, batches.Sum(batch => batch.Events.Count));
        Assert.All(batches, batch => Assert.InRange(Google.Protobuf.MessageExtensions.ToByteArray(batch).Length, 1, 1_000_000));
    }

    [Fact]
    public void A_customer_keeps_its_partition()
    {
        var org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
        // Stored values: another function would send a customer's later events elsewhere.
        Assert.Equal(3, Partitioning.Of(org, "acme", 8));
        Assert.True(Enumerable.Range(0, 1_000).Select(i => Partitioning.Of(org, $"c{i}", 8)).GroupBy(partition => partition).All(partition => partition.Count() > 60));
    }
}
