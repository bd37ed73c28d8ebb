using System.Text;
using Polaris.Ingestion.Domain;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>CloudEvents and NDJSON; plain JSON is in <see cref="EventParserTests"/>.</summary>
public sealed class BodyFormTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    private static ParsedBody Parse(string body, BodyForm form) =>
        EventParser.Parse(Encoding.UTF8.GetBytes(body), Now, backfill: false, form);

    private static string Cloud(string more) => $$"""{"specversion":"1.0","id":"42","source":"/shop","type":"order"{{more}}}""";

    private static string? CodeOf(string body) =>
        Parse(body, BodyForm.CloudEvent).Rejected.SingleOrDefault().Why is { } why ? $"{why.Code} {why.Field}" : null;

    [Fact]
    public void A_cloud_event_says_the_same_as_a_plain_one()
    {
        var cloud = Parse(
            Cloud(
                ""","subject":"acme","time":"2026-01-15T11:00:00Z","datacontenttype":"application/json;"""
                    + """ charset=utf-8","data":{"n":1.50},"traceparent":"00-1","any":{"thing":[1]}"""
            ),
            BodyForm.CloudEvent
        )
            .Events.Single();
        var plain = Parse(
            """{"idempotency_key":"/shop 42","type":"order","customer":"acme","timestamp":"2026-01-15T11:00:00Z","properties":{"n":1.5}}""",
            BodyForm.Json
        )
            .Events.Single();
        Assert.Equal((plain.IdempotencyKey, plain.ContentHash), (cloud.IdempotencyKey, cloud.ContentHash));
    }

    [Theory]
    [InlineData("""{"specversion":"0.3","id":"1","source":"s","type":"t"}""", "unsupported_specversion specversion")]
    [InlineData("""{"id":"1","source":"s","type":"t"}""", "missing_field specversion")]
    [InlineData("""{"specversion":"1.0","id":"1","type":"t"}""", "missing_field source")]
    [InlineData("""{"specversion":"1.0","source":"s","type":"t"}""", "missing_field id")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s"}""", "missing_field type")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s t","type":"t"}""", "invalid_text source")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AA=="}""", "unsupported_data data_base64")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/xml","data":"<a/>"}""", "wrong_type data")]
    [InlineData(
        """{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/xml","data":{}}""",
        "unsupported_data datacontenttype"
    )]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":null}}""", "invalid_property data.a")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s","type":"t","time":"today"}""", "invalid_timestamp time")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2020-01-01T00:00:00Z"}""", "timestamp_too_old time")]
    [InlineData("""{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t"}""", "duplicate_field id")]
    public void What_a_cloud_event_must_be_is_said_by_its_own_names(string body, string refusal) => Assert.Equal(refusal, CodeOf(body));

    [Theory]
    [InlineData(250, null)]
    [InlineData(251, "too_long id")]
    public void Source_and_id_have_255_characters_together(int idLength, string? refusal) =>
        Assert.Equal(refusal, CodeOf($$"""{"specversion":"1.0","id":"{{new string('i', idLength)}}","source":"/abc","type":"t"}"""));

    [Fact]
    public void One_cloud_event_is_an_object_and_a_batch_is_an_array()
    {
        Assert.Equal(2, Parse($"[{Cloud("")},{Cloud("")}]", BodyForm.CloudEventBatch).Events.Count);
        Assert.Equal("malformed_json", Assert.Throws<BodyException>(() => Parse(Cloud(""), BodyForm.CloudEventBatch)).Code);
        Assert.Equal("malformed_json", Assert.Throws<BodyException>(() => Parse($"[{Cloud("")}]", BodyForm.CloudEvent)).Code);
    }

    [Fact]
    public void A_line_that_is_no_json_costs_itself_alone()
    {
        var body = Parse(
            "{\"idempotency_key\":\"a\",\"type\":\"t\"}\r\n\n   \n{\"idempotency_key\":\n"
                + "{\"idempotency_key\":\"b\",\"type\":\"t\"} {}\n7\n{\"idempotency_key\":\"c\",\"type\":\"t\"}",
            BodyForm.Ndjson
        );
        Assert.Equal([(0, "a"), (4, "c")], body.Events.Select(one => (one.Index, one.IdempotencyKey)));
        Assert.Equal(
            [(1, "malformed_json"), (2, "malformed_json"), (3, "wrong_type")],
            body.Rejected.Select(one => (one.Index, one.Why.Code))
        );
        Assert.Contains("line 4, byte ", body.Rejected[0].Why.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(1_000, null)]
    [InlineData(1_001, "too_many_events")]
    public void A_thousand_lines_are_taken_and_one_more_is_refused(int lines, string? code)
    {
        var body = string.Join('\n', Enumerable.Range(0, lines).Select(i => $$"""{"idempotency_key":"k{{i}}","type":"t"}"""));
        if (code is null)
            Assert.Equal(lines, Parse(body, BodyForm.Ndjson).Events.Count);
        else
            Assert.Equal(code, Assert.Throws<BodyException>(() => Parse(body, BodyForm.Ndjson)).Code);
    }

    [Theory]
    [InlineData("""{"idempotency_key":"v","voids":"k"}""", null)]
    [InlineData("""{"idempotency_key":"v","voids":"k","properties":null}""", null)]
    [InlineData("""{"idempotency_key":"v","voids":"k","timestamp":"2020-01-01T00:00:00Z"}""", null)]
    [InlineData("""{"idempotency_key":"v","replaces":"k","properties":{"n":1}}""", null)]
    [InlineData("""{"idempotency_key":"v","replaces":"k","timestamp":"2020-01-01T00:00:00Z"}""", "timestamp_too_old timestamp")]
    [InlineData("""{"idempotency_key":"v","voids":"k","replaces":"k"}""", "invalid_correction replaces")]
    [InlineData("""{"idempotency_key":"v","voids":"k","properties":{}}""", "invalid_correction properties")]
    [InlineData("""{"voids":"k"}""", "missing_field idempotency_key")]
    public void A_correction_leaves_to_its_target_what_it_does_not_say(string body, string? refusal)
    {
        var parsed = Parse(body, BodyForm.Json);
        Assert.Equal(refusal, parsed.Rejected.SingleOrDefault().Why is { } why ? $"{why.Code} {why.Field}" : null);
        if (refusal is null)
            Assert.Equal("k", parsed.Events.Single().Corrects!.Key);
    }

    [Fact]
    public void What_an_event_corrects_is_part_of_its_content()
    {
        static Guid Hash(string rest) =>
            Parse($$"""{"idempotency_key":"k","type":"t",{{rest}}}""", BodyForm.Json).Events.Single().ContentHash;
        Assert.Equal(Hash("\"voids\":\"a\""), Hash("\"voids\":\"a\""));
        Assert.Equal(
            4,
            new[] { Hash("\"voids\":\"a\""), Hash("\"replaces\":\"a\""), Hash("\"voids\":\"b\""), Hash("\"customer\":\"c\"") }
                .Distinct()
                .Count()
        );
    }
}
