using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>Requests that <c>/ingest</c> refuses, and the error responses.</summary>
public sealed class BadRequestTests(PolarisApp polaris) : PlatformTests
{
    private static object Event(string key, object? properties = null, string? timestamp = null) =>
        timestamp is null
            ? new
            {
                idempotency_key = key,
                type = "call",
                customer = "acme",
                properties,
            }
            : new
            {
                idempotency_key = key,
                type = "call",
                customer = "acme",
                timestamp,
                properties,
            };

    [Theory]
    [InlineData(null, 401, "missing_credentials")]
    [InlineData("Bearer pk_00000000_nothing", 401, "invalid_credentials")]
    [InlineData("Bearer not.a.token", 401, "invalid_credentials")]
    [InlineData("Basic YTpi", 401, "invalid_credentials")]
    public async Task Without_a_good_token_nothing_is_taken(string? authorization, int status, string code)
    {
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        if (authorization is not null)
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        using var content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync("/ingest", content);
        await Refused(response, status, code);
        Assert.True(response.Headers.Contains("WWW-Authenticate"));
    }

    [Fact]
    public async Task A_revoked_key_is_refused_within_a_second_or_so()
    {
        using var owner = await polaris.SignUpAsync();
        using var other = await owner.WithKeyAsync(["ingest"]);
        Assert.Equal(202, (await other.IngestAsync(Event("before"))).Status);
        var keys = (await owner.QueryAsync("{ apiKeys { id name } }")).GetProperty("apiKeys").EnumerateArray();
        var id = keys.Single(key => key.GetProperty("name").GetString() == "test").GetProperty("id").GetString();
        await owner.QueryAsync("mutation($id: ID!) { revokeApiKey(id: $id) { revokedAt } }", new { id });
        JsonElement body = default;
        await polaris.UntilAsync(
            "the revocation",
            async () =>
            {
                (var status, body) = await other.IngestAsync(Event("after"));
                return status == 401;
            }
        );
        Assert.Equal("revoked_credentials", body.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_key_without_the_scope_is_forbidden()
    {
        using var owner = await polaris.SignUpAsync();
        using var reader = await owner.WithKeyAsync(["read"]);
        var (status, body) = await reader.IngestAsync(Event("k"));
        Assert.Equal((403, "missing_scope"), (status, body.GetProperty("code").GetString()));
        using var sender = await owner.WithKeyAsync(["ingest"]);
        Assert.Equal("FORBIDDEN", (await sender.RefusalAsync("{ meters { key } }")).Code);
    }

    [Theory]
    [InlineData("", "malformed_json")]
    [InlineData("{", "malformed_json")]
    [InlineData("[{\"idempotency_key\":\"a\",}]", "malformed_json")]
    [InlineData("\"text\"", "malformed_json")]
    [InlineData("{} {}", "malformed_json")]
    [InlineData("{\"events\":[],\"more\":1}", "malformed_json")]
    [InlineData("[]", "no_events")]
    [InlineData("{\"events\":[]}", "no_events")]
    public async Task A_body_that_is_no_list_of_events_is_a_problem(string body, string code)
    {
        using var tenant = await polaris.SignUpAsync();
        var (status, problem) = await tenant.IngestTextAsync(body);
        Assert.Equal((code == "no_events" ? 422 : 400, code), (status, problem.GetProperty("code").GetString()));
        Assert.Equal($"https://polaris.dev/problems/{code}", problem.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Malformed_json_names_line_and_byte()
    {
        using var tenant = await polaris.SignUpAsync();
        var (_, problem) = await tenant.IngestTextAsync("[\n  {\"idempotency_key\": oops}\n]");
        Assert.Contains("line 2, byte 23", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_json_is_taken()
    {
        using var tenant = await polaris.SignUpAsync();
        var (status, problem) = await tenant.IngestTextAsync("a=b", "application/x-www-form-urlencoded");
        Assert.Equal((415, "unsupported_media_type"), (status, problem.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_thousand_events_are_taken_and_one_more_is_refused()
    {
        using var tenant = await polaris.SignUpAsync();
        var (status, body) = await tenant.IngestAsync(Enumerable.Range(0, 1_000).Select(i => Event($"k{i}")));
        Assert.Equal((202, 1_000), (status, body.Counted("accepted")));
        (status, body) = await tenant.IngestAsync(Enumerable.Range(0, 1_001).Select(i => Event($"l{i}")));
        Assert.Equal((422, "too_many_events"), (status, body.GetProperty("code").GetString()));
    }

    [Theory]
    [InlineData(5 * 1024 * 1024, 202)]
    [InlineData(5 * 1024 * 1024 + 1, 413)]
    [InlineData(6_000_000, 413)]
    public async Task Five_mebibytes_are_taken_and_one_byte_more_is_refused(int bytes, int expected)
    {
        using var tenant = await polaris.SignUpAsync();
        var text = new StringBuilder("[{\"idempotency_key\":\"k\",\"type\":\"call\"}]");
        text.Append(' ', bytes - text.Length);
        var (status, body) = await tenant.IngestTextAsync(text.ToString());
        Assert.Equal(expected, status);
        if (expected == 413)
            Assert.Equal("request_too_large", body.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_bad_event_does_not_cost_its_good_neighbours()
    {
        using var tenant = await polaris.SignUpAsync();
        var (status, body) = await tenant.IngestTextAsync(
            """
            [
              {"idempotency_key":"good-1","type":"call"},
              {"type":"call"},
              {"idempotency_key":"x","type":7},
              {"idempotency_key":"y","type":"call","colour":"red"},
              {"idempotency_key":"z","type":"call","timestamp":"yesterday"},
              {"idempotency_key":"n","type":"call","properties":{"deep":{"er":1}}},
              {"idempotency_key":"b","type":"call","properties":{"bytes":1e15}},
              42,
              {"idempotency_key":"nul\u0000","type":"call"},
              {"idempotency_key":"\ud800","type":"call"},
              {"idempotency_key":"good-2","type":"call","customer":null,"timestamp":null,"properties":null}
            ]
            """
        );
        Assert.Equal(202, status);
        Assert.Equal((2, 9), (body.Counted("accepted"), body.Counted("rejected")));
        var results = body.GetProperty("results")
            .EnumerateArray()
            .Select(result =>
                $"{result.GetProperty("index")} {result.GetProperty("code").GetString()} {result.GetProperty("field").GetString()}"
            )
            .ToArray();
        Assert.Equal(
            [
                "1 missing_field idempotency_key",
                "2 wrong_type type",
                "3 unknown_field colour",
                "4 invalid_timestamp timestamp",
                "5 invalid_property properties.deep",
                "6 number_out_of_range properties.bytes",
                "7 wrong_type ",
                "8 invalid_text idempotency_key",
                "9 invalid_text idempotency_key",
            ],
            results
        );
        Assert.All(body.GetProperty("results").EnumerateArray(), result => Assert.NotEmpty(result.GetProperty("message").GetString()!));
        using var found = await tenant.Http.GetAsync("/events/good-2");
        Assert.Equal("_self", JsonDocument.Parse(await found.Content.ReadAsStringAsync()).RootElement.GetProperty("customer").GetString());
    }

    [Fact]
    public async Task Of_a_single_event_the_status_tells_what_became_of_it()
    {
        using var tenant = await polaris.SignUpAsync();
        Assert.Equal(422, (await tenant.IngestAsync(new { type = "call" })).Status);
        var now = Now(TimeSpan.Zero);
        Assert.Equal(202, (await tenant.IngestAsync(Event("same", new { a = 1 }, now))).Status);
        Assert.Equal(202, (await tenant.IngestAsync(Event("same", new { a = 1.0 }, now))).Status);
        Assert.Equal(409, (await tenant.IngestAsync(Event("same", new { a = 2 }, now))).Status);
    }

    [Theory]
    [InlineData(-34.99, false, null)]
    [InlineData(-35.01, false, "timestamp_too_old")]
    [InlineData(-3650, true, null)]
    [InlineData(0.0033, false, null)]
    [InlineData(0.0037, false, "timestamp_too_new")]
    [InlineData(0.0037, true, "timestamp_too_new")]
    public async Task Timestamps_are_at_most_35_days_back_unless_backfilled_and_5_minutes_ahead(double days, bool backfill, string? code)
    {
        using var owner = await polaris.SignUpAsync();
        using var tenant = await owner.WithKeyAsync(["ingest"], backfill);
        var (status, body) = await tenant.IngestAsync(Event("k", null, Now(TimeSpan.FromDays(days))));
        Assert.Equal(code is null ? 202 : 422, status);
        if (code is not null)
            Assert.Equal(code, body.GetProperty("results")[0].GetProperty("code").GetString());
    }

    [Theory]
    [InlineData(
        "mutation { createMeter(input: {key: \"UPPER\", eventType: \"e\", aggregation: COUNT}) { id } }",
        "INVALID_INPUT",
        "invalid_key",
        "input.key"
    )]
    [InlineData(
        "mutation { createMeter(input: {key: \"m\", eventType: \"e\", aggregation: SUM}) { id } }",
        "INVALID_INPUT",
        "missing_field",
        "input.property"
    )]
    [InlineData(
        "mutation { createPlan(input: {key: \"p\", name: \"P\", currency: \"XXQ\", interval: MONTH, charges: []}) { id } }",
        "INVALID_INPUT",
        "unknown_currency",
        "input.currency"
    )]
    [InlineData(
        "mutation { createPlan(input: {key: \"p\", name: \"P\", currency: \"USD\", interval: MONTH, "
            + "charges: [{key: \"c\", meter: \"none\", price: {model: PER_UNIT, unitPrice: \"1\"}}]}) { id } }",
        "INVALID_INPUT",
        "unknown_meter",
        "input.charges[0].meter"
    )]
    [InlineData(
        "mutation { createPlan(input: {key: \"p\", name: \"P\", currency: \"USD\", interval: MONTH, "
            + "charges: [{key: \"c\", price: {model: FLAT, amount: \"1\"}}], terms: {discounts: [{key: \"d\"}]}}) { id } }",
        "INVALID_INPUT",
        "missing_field",
        "input.terms.discounts[0].percent"
    )]
    [InlineData(
        "mutation { createSubscriptions(input: [{customer: \"nobody\", plan: \"none\", start: \"2026-01-01T00:00:00Z\"}]) { id } }",
        "INVALID_INPUT",
        "unknown_plan",
        "input[0].plan"
    )]
    [InlineData("mutation { createCustomers(input: [{key: \"\"}]) { id } }", "INVALID_INPUT", "missing_field", "input[0].key")]
    [InlineData("mutation { finalizeInvoice(id: \"0192e4a0-0000-7000-8000-000000000001\") { id } }", "NOT_FOUND", "not_found", null)]
    [InlineData(
        "{ usage(meter: \"none\", from: \"2026-01-01T00:07:00Z\", to: \"2026-01-02T00:00:00Z\") { quantity } }",
        "INVALID_INPUT",
        "not_aligned",
        "from"
    )]
    [InlineData("{ invoices(first: 0) { totalCount } }", "INVALID_INPUT", "out_of_range", "first")]
    [InlineData("{ invoices(first: \"many\") { totalCount } }", "INVALID_INPUT", "invalid_value", "first")]
    [InlineData("mutation { setClock(now: \"2026-01-10T24:00:00Z\") { now } }", "INVALID_INPUT", "invalid_timestamp", "now")]
    [InlineData("mutation { setClock(now: \"2026-01-10T00:00:00,5Z\") { now } }", "INVALID_INPUT", "invalid_timestamp", "now")]
    [InlineData(
        "mutation { createSubscriptions(input: [{customer: \"c\", plan: \"p\", start: \"-9000-01-01T00:00:00Z\"}]) { id } }",
        "INVALID_INPUT",
        "out_of_range",
        "input[0].start"
    )]
    [InlineData(
        "{ usage(meter: \"none\", from: \"2026-01-01T00:00:00+01\", to: \"2026-01-02T00:00:00Z\") { quantity } }",
        "INVALID_INPUT",
        "invalid_timestamp",
        "from"
    )]
    [InlineData(
        "mutation { createMeter(input: {key: \"m\", eventType: \"e\", aggregation: COUNT, eventFee: {percent: 1}}) { id } }",
        "INVALID_INPUT",
        "only_of_a_sum",
        "input.eventFee"
    )]
    [InlineData(
        "mutation { createMeter(input: {key: \"m\", eventType: \"e\", aggregation: SUM, property: \"p\", "
            + "eventFee: {percent: \"2.9\", minimum: \"1e-10\"}}) { id } }",
        "INVALID_INPUT",
        "too_precise",
        "input.eventFee.minimum"
    )]
    public async Task Graphql_refusals_have_a_code_a_rule_and_a_path(string query, string code, string rule, string? path)
    {
        using var tenant = await polaris.SignUpAsync();
        Assert.Equal((code, rule, path), await tenant.RefusalAsync(query));
    }

    [Fact]
    public async Task A_variable_that_is_not_of_its_type_is_refused_with_a_rule_and_its_path()
    {
        using var tenant = await polaris.SignUpAsync();
        const string subscribe = "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }";
        var input = new[]
        {
            new
            {
                customer = "c",
                plan = "p",
                start = "2026-13-01T00:00:00Z",
            },
        };
        Assert.Equal(("INVALID_INPUT", "invalid_timestamp", "input[0].start"), await tenant.RefusalAsync(subscribe, new { input }));
        Assert.Equal(
            ("INVALID_INPUT", "invalid_timestamp", "now"),
            await tenant.RefusalAsync("mutation($now: DateTime!) { setClock(now: $now) { now } }", new { now = "2026-01-10" })
        );
    }

    [Fact]
    public async Task Timestamps_of_graphql_are_by_rfc_3339_too()
    {
        using var tenant = await polaris.SignUpAsync();
        foreach (
            var (sent, answered) in new[]
            {
                ("2026-01-10t00:00:00z", "2026-01-10T00:00:00Z"),
                ("2026-01-11T00:00:00+23:59", "2026-01-10T00:01:00Z"),
                ("2026-01-11T00:00:00.00000000009Z", "2026-01-11T00:00:00Z"),
            }
        )
        {
            var clock = await tenant.QueryAsync("mutation($now: DateTime!) { setClock(now: $now) { now } }", new { now = sent });
            Assert.Equal(answered, clock.GetProperty("setClock").GetProperty("now").GetString());
        }
    }

    [Fact]
    public async Task A_search_takes_its_text_as_it_is()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.QueryAsync(
            """
            mutation { createCustomers(input: [{key: "cus_123"}, {key: "cus_124"}, {key: "cusX125"}, {key: "a%b"}, {key: "a-b"},
              {key: "back\\slash"}, {key: "plain", name: "50% Off_Ltd"}]) { id } }
            """
        );
        foreach (
            var (search, count) in new[]
            {
                ("cus_", 2),
                ("CUS_123", 1),
                ("cus_1234", 0),
                ("_", 3),
                ("%", 2),
                ("a%b", 1),
                ("\\", 1),
                ("k\\s", 1),
                ("\\_", 0),
                ("0% off_l", 1),
                ("%%", 0),
                ("'", 0),
                ("", 7),
            }
        )
        {
            var page = await tenant.QueryAsync("query($search: String) { customers(search: $search) { totalCount } }", new { search });
            Assert.Equal((search, count), (search, page.GetProperty("customers").GetProperty("totalCount").GetInt32()));
        }
    }

    [Theory]
    [InlineData("{ nothing }")]
    [InlineData("{ invoices(first: \"many\") { totalCount } }")]
    [InlineData("{")]
    public async Task A_query_that_the_schema_does_not_allow_is_refused_by_the_gateway(string query)
    {
        using var tenant = await polaris.SignUpAsync();
        var answer = await tenant.SendQueryAsync(query);
        Assert.True(answer.GetProperty("errors").GetArrayLength() > 0);
        Assert.False(answer.TryGetProperty("data", out _));
    }

    private static string Now(TimeSpan offset) =>
        (TimeProvider.System.GetUtcNow() + offset).ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);

    private static async Task Refused(HttpResponseMessage response, int status, string code)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(code, problem.RootElement.GetProperty("code").GetString());
    }
}
