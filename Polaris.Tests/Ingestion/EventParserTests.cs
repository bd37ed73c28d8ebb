using System.Globalization;
using System.Text;
using CsCheck;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Clock;
using Polaris.Ingestion.Features.Ingest;
using Xunit;

namespace Polaris.Tests.Ingestion;

public sealed class EventParserTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    private static ParsedBody Parse(string body) => EventParser.Parse(Encoding.UTF8.GetBytes(body), Now, backfill: false);

    private static string? CodeOf(string body) => Parse(body).Rejected.SingleOrDefault().Why?.Code;

    private static string Properties(string properties) =>
        Encoding.UTF8.GetString(Parse($$"""{"idempotency_key":"k","type":"t","properties":{{properties}}}""").Events.Single().Properties);

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
        Assert.Equal(
            code,
            CodeOf(
                """{"idempotency_key":"k","type":"t","properties":{"""
                    + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"p{i}\":{i}"))
                    + "}}"
            )
        );

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
    [InlineData("0e400", "0")]
    [InlineData("1e-9", "0.000000001")]
    [InlineData("1e-10", null)]
    [InlineData("4e-38", null)]
    [InlineData("1e-99999999999", null)]
    [InlineData("1.00000000000000000000000000000000000000001", null)]
    [InlineData("999999999999999.99999999999999999999", null)]
    [InlineData("10000000000000000000000000000000e-31", "1")]
    public void Numbers_are_kept_exactly_in_one_notation_or_refused(string written, string? kept)
    {
        if (kept is not null)
            Assert.Equal($$"""{"p":{{kept}}}""", Properties($$"""{"p":{{written}}}"""));
        else
            Assert.Equal("number_out_of_range", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"p":""" + written + "}}"));
    }

    /// <summary>An org whose test clock stands in 2031, or in 2015, while it is January 2026.</summary>
    [Theory]
    [InlineData("2031-05-10T00:00:00Z", false, "2031-05-10T00:05:00Z", null)]
    [InlineData("2031-05-10T00:00:00Z", false, "2031-05-10T00:05:01Z", "timestamp_too_new")]
    [InlineData("2031-05-10T00:00:00Z", false, "2031-04-05T00:00:00Z", null)]
    [InlineData("2031-05-10T00:00:00Z", false, "2031-04-04T23:59:59Z", "timestamp_too_old")]
    [InlineData("2031-05-10T00:00:00Z", true, "2031-05-10T00:05:01Z", "timestamp_too_new")]
    [InlineData("2015-05-10T00:00:00Z", false, "2015-05-10T00:05:01Z", "timestamp_too_new")]
    [InlineData("2015-05-10T00:00:00Z", true, "2015-06-10T00:00:00Z", null)]
    [InlineData("2015-05-10T00:00:00Z", true, "2026-01-15T12:05:01Z", "timestamp_too_new")]
    public void Timestamps_are_checked_by_the_orgs_clock(string clock, bool backfill, string timestamp, string? code)
    {
        var times = new OrgTimes(new FixedTime(DateTimeOffset.Parse("2026-01-15T12:00:00Z", CultureInfo.InvariantCulture)));
        var org = Guid.CreateVersion7();
        times.Set(org, DateTimeOffset.Parse(clock, CultureInfo.InvariantCulture));
        var rules = times.RulesOf(org, backfill);
        Assert.Equal(code, rules.Check("timestamp", DateTimeOffset.Parse(timestamp, CultureInfo.InvariantCulture))?.Code);
        var without = EventParser.Parse("""{"idempotency_key":"k","type":"t"}"""u8, rules);
        Assert.Equal(EventRules.Microseconds(DateTimeOffset.Parse(clock, CultureInfo.InvariantCulture)), without.Events[0].TimestampUs);
        times.Set(org, null);
        Assert.Equal(new DateTimeOffset(2026, 1, 15, 12, 0, 0, TimeSpan.Zero), times.RulesOf(org, backfill).Now);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    [Theory]
    [InlineData("2026-01-10t00:00:00z", "2026-01-10T00:00:00.000000")]
    [InlineData("2026-01-10T00:00:00.1234567891Z", "2026-01-10T00:00:00.123456")]
    [InlineData("2026-01-10T00:00:00.9999999999999999Z", "2026-01-10T00:00:00.999999")]
    [InlineData("2026-01-10T00:00:00+23:59", "2026-01-09T00:01:00.000000")]
    [InlineData("2025-12-31T23:59:60Z", "2025-12-31T23:59:59.999999")]
    [InlineData("2026-01-10T24:00:00Z", null)]
    [InlineData("2026-01-10T00:00:00,5Z", null)]
    [InlineData("2026-01-10T12:00:60Z", null)]
    [InlineData("2026-1-10T00:00:00Z", null)]
    [InlineData("2026-01-10 00:00:00Z", null)]
    [InlineData("2026-01-10T00:00:00", null)]
    [InlineData("2026-01-10T00:00:00+24:00", null)]
    public void Timestamps_are_by_rfc_3339_in_every_form_of_event(string timestamp, string? kept)
    {
        var own = $$"""{"idempotency_key":"k","type":"t","timestamp":"{{timestamp}}"}""";
        var cloud = $$"""{"specversion":"1.0","source":"s","id":"k","type":"t","time":"{{timestamp}}"}""";
        foreach (var (body, form) in new[] { (own, BodyForm.Json), (own, BodyForm.Ndjson), (cloud, BodyForm.CloudEvent) })
        {
            var parsed = EventParser.Parse(Encoding.UTF8.GetBytes(body), Now, backfill: false, form);
            if (kept is null)
                Assert.Equal("invalid_timestamp", parsed.Rejected.Single().Why.Code);
            else
                Assert.Equal(
                    kept,
                    DateTimeOffset
                        .UnixEpoch.AddTicks(parsed.Events.Single().TimestampUs * TimeSpan.TicksPerMicrosecond)
                        .ToString("yyyy-MM-ddTHH:mm:ss.ffffff", System.Globalization.CultureInfo.InvariantCulture)
                );
        }
    }

    [Theory]
    [InlineData("0000-01-01T00:00:00Z", "timestamp_too_old")]
    [InlineData("0001-01-01T00:00:00+23:59", "timestamp_too_old")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "timestamp_too_new")]
    [InlineData("9999-12-31T23:59:59-23:59", "timestamp_too_new")]
    public void A_time_that_no_clock_of_ours_has_is_too_old_or_too_new(string timestamp, string code) =>
        Assert.Equal(code, CodeOf($$"""{"idempotency_key":"k","type":"t","timestamp":"{{timestamp}}"}"""));

    [Fact]
    public void Properties_have_one_canonical_form()
    {
        var canonical = Properties("""{ "b" : true, "a":1.50, "ä":"\u003cé\u003e", "A":"x" }""");
        Assert.Equal("""{"A":"x","a":1.5,"b":true,"ä":"<é>"}""", canonical);
        Assert.Equal("", Properties("{}"));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"a":1,"a":2}}"""));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"a":null}}"""));
        Assert.Equal("invalid_property", CodeOf("""{"idempotency_key":"k","type":"t","properties":{"":1}}"""));
    }

    [Fact]
    public void The_content_hash_is_over_the_content_and_nothing_else()
    {
        static Guid Hash(string rest) => Parse($$"""{"idempotency_key":"k","type":"t",{{rest}}}""").Events.Single().ContentHash;
        var hash = Hash(
            """
            "timestamp":"2026-01-15T12:00:00Z","properties":{"a":1,"b":"x"}
            """
        );
        // A stored value: it must never change, or a retry of an old key would be a conflict.
        Assert.Equal("819044be-5980-56c0-7d75-bf811b30bd81", hash.ToString());
        Assert.Equal(
            hash,
            Hash(
                """
                "properties":{"b":"x","a":1.0},"timestamp":"2026-01-15T13:00:00+01:00"
                """
            )
        );
        Assert.NotEqual(
            hash,
            Hash(
                """
                "timestamp":"2026-01-15T12:00:00Z","properties":{"a":"1","b":"x"}
                """
            )
        );
        Assert.NotEqual(
            hash,
            Hash(
                """
                "timestamp":"2026-01-15T12:00:00.000001Z","properties":{"a":1,"b":"x"}
                """
            )
        );
        Assert.NotEqual(
            hash,
            Hash(
                """
                "customer":"c","timestamp":"2026-01-15T12:00:00Z","properties":{"a":1,"b":"x"}
                """
            )
        );
    }

    [Fact]
    public void Whatever_bytes_come_the_answer_is_events_rejections_or_a_refusal() =>
        Check.Sample(
            Gen.OneOf(
                Gen.String,
                Gen.Select(Gen.Int[0, 200], Gen.Char)
                    .Select(change =>
                    {
                        var text = new StringBuilder(
                            """[{"idempotency_key":"k","type":"t","customer":"c","timestamp":"2026-01-15T12:00:00Z","""
                                + """ "properties":{"a":1.5,"b":"x","c":true}}]"""
                        );
                        text[change.Item1 % text.Length] = change.Item2;
                        return text.ToString();
                    })
            ),
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
            }
        );

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
            Now,
            partitions: 8
        );
        var stored = new StoredKey(Guid.Parse("0192e4a0-0000-7000-8000-00000000000f"), Event(0, "stored").ContentHash, Now.AddDays(-1));
        var (outcomes, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey> { [(one, "stored")] = stored });
        Assert.Equal(
            [Verdict.Accepted, Verdict.Duplicate, Verdict.Conflict, Verdict.Accepted],
            outcomes[0].Select(outcome => outcome.Verdict)
        );
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
        var group = new GroupResolution(
            [new WriteRequest(Guid.Parse("0192e4a0-0000-7000-8000-000000000001"), events, new())],
            Now,
            partitions: 8
        );
        var (_, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey>());
        Assert.Equal(1_000, batches.Sum(batch => batch.Events.Count));
        Assert.All(batches, batch => Assert.InRange(Google.Protobuf.MessageExtensions.ToByteArray(batch).Length, 1, 1_000_000));
    }

    [Fact]
    public void A_customer_keeps_its_partition()
    {
        var org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
        // Stored values: another function would send a customer's later events to another partition.
        Assert.Equal(3, Partitioning.Of(org, "acme", 8));
        Assert.True(
            Enumerable
                .Range(0, 1_000)
                .Select(i => Partitioning.Of(org, $"c{i}", 8))
                .GroupBy(partition => partition)
                .All(partition => partition.Count() > 60)
        );
    }
}
