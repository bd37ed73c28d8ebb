using System.Net;
using System.Text.Json;
using Polaris.Client;
using Xunit;

namespace Polaris.Tests.Clients;

/// <summary>The .NET client against a server that fails as it likes.</summary>
public sealed class PolarisClientTests
{
    private readonly Ingest ingest = new();

    [Fact]
    public async Task Tracked_events_share_requests_in_the_order_they_came()
    {
        await using var polaris = Open();
        var keys = Enumerable.Range(0, 1200).Select(_ => polaris.Track(new() { Type = "call" })).ToArray();
        await polaris.FlushAsync();
        Assert.All(ingest.Requests, request => Assert.InRange(request.GetArrayLength(), 1, 500));
        Assert.InRange(ingest.Requests.Count, 3, 4);
        Assert.Equal(keys, ingest.Sent().Select(KeyOf));
    }

    [Fact]
    public async Task A_request_that_fails_is_sent_again_with_the_same_keys_and_content()
    {
        await using var polaris = Open();
        ingest.Next.Enqueue(request =>
        {
            ingest.Store(request);
            throw new HttpRequestException("The connection was closed.");
        });
        ingest.Next.Enqueue(_ => Problem(HttpStatusCode.ServiceUnavailable, "storage_unavailable"));
        var receipt = await polaris.SendAsync(
            new()
            {
                Type = "call",
                Properties = new Dictionary<string, object> { ["amount"] = 0.10m },
            }
        );
        Assert.True(receipt.Duplicate);
        Assert.Equal(3, ingest.Requests.Count);
        Assert.Single(ingest.Requests.Select(request => request.GetRawText()).Distinct());
        Assert.Equal("0.10", ingest.Sent().First().GetProperty("properties").GetProperty("amount").GetRawText());
        Assert.Single(ingest.Stored);
    }

    [Fact]
    public async Task A_rejected_event_is_told_with_its_field_and_its_neighbours_are_stored()
    {
        var errors = new List<UsageEventException>();
        await using var polaris = Open(errors);
        ingest.Next.Enqueue(request =>
            Answer(
                request
                    .EnumerateArray()
                    .Select(
                        (sent, index) =>
                            KeyOf(sent) == "b"
                                ? $$"""{"index":{{index}},"status":"rejected","code":"too_long","field":"type","message":"Long."}"""
                                : $$"""{"index":{{index}},"idempotency_key":"{{KeyOf(sent)}}","status":"accepted"}"""
                    )
            )
        );
        polaris.Track(new() { Type = "call", IdempotencyKey = "a" });
        polaris.Track(new() { Type = new string('x', 300), IdempotencyKey = "b" });
        var receipt = await polaris.SendAsync(new() { Type = "call", IdempotencyKey = "c" });
        Assert.Equal(new Receipt("c", false), receipt);
        await polaris.FlushAsync();
        var error = Assert.Single(errors);
        Assert.Equal(("too_long", "type", "b"), (error.Code, error.Field, error.Event.IdempotencyKey));
    }

    [Fact]
    public async Task A_refused_request_is_not_tried_again()
    {
        var errors = new List<UsageEventException>();
        await using var polaris = Open(errors);
        ingest.Next.Enqueue(_ => Problem(HttpStatusCode.Unauthorized, "invalid_credentials"));
        polaris.Track(new() { Type = "call" });
        var refused = await Assert.ThrowsAsync<UsageEventException>(() => polaris.SendAsync(new() { Type = "call" }));
        Assert.Equal(("invalid_credentials", 401), (refused.Code, refused.Status));
        Assert.Single(errors);
        Assert.Single(ingest.Requests);
    }

    [Fact]
    public async Task The_buffer_is_bounded_track_refuses_and_send_waits_for_room()
    {
        await using var polaris = Open(maxBuffered: 2, linger: TimeSpan.FromMinutes(10));
        polaris.Track(new() { Type = "call" });
        polaris.Track(new() { Type = "call" });
        Assert.Throws<BufferFullException>(() => polaris.Track(new() { Type = "call" }));
        var third = polaris.SendAsync(new() { Type = "call", IdempotencyKey = "third" });
        Assert.False(third.IsCompleted);
        // It gets room while the others are flushed, or a moment later.
        while (!third.IsCompleted)
        {
            await polaris.FlushAsync();
            await Task.Yield();
        }

        Assert.Equal("third", (await third).IdempotencyKey);
        Assert.Equal(3, ingest.Stored.Count);
    }

    [Fact]
    public async Task An_event_that_cannot_be_sent_in_time_is_given_back_with_its_key()
    {
        await using var polaris = Open(giveUpAfter: TimeSpan.Zero);
        ingest.Next.Enqueue(_ => throw new HttpRequestException("Refused."));
        var sent = polaris.SendAsync(new() { Type = "call", IdempotencyKey = "mine" });
        var error = await Assert.ThrowsAsync<UsageEventException>(() => sent);
        Assert.Equal(("unreachable", "mine"), (error.Code, error.Event.IdempotencyKey));
    }

    [Fact]
    public async Task A_disposed_client_has_sent_everything_and_takes_nothing_more()
    {
        var polaris = Open(linger: TimeSpan.FromMinutes(10));
        polaris.Track(new() { Type = "call" });
        await polaris.DisposeAsync();
        Assert.Single(ingest.Stored);
        Assert.Throws<ObjectDisposedException>(() => polaris.Track(new() { Type = "call" }));
    }

    [Fact]
    public async Task Errors_of_the_graph_carry_their_code_and_what_was_answered_beside_them()
    {
        await using var polaris = Open();
        ingest.Next.Enqueue(_ =>
            Json(
                HttpStatusCode.OK,
                """{"data":{"a":1,"b":null},"errors":[{"message":"No.","path":["b"],"extensions":{"code":"not_found"}}]}"""
            )
        );
        var error = await Assert.ThrowsAsync<GraphQLRequestException>(() => polaris.QueryAsync<JsonElement>("{ a b }"));
        Assert.Equal("not_found", error.Code);
        Assert.Equal(1, error.AnsweredData!.Value.GetProperty("a").GetInt32());
    }

    private PolarisClient Open(
        List<UsageEventException>? errors = null,
        int maxBuffered = 10_000,
        TimeSpan? linger = null,
        TimeSpan? giveUpAfter = null
    ) =>
        new(
            new()
            {
                Url = new Uri("http://polaris.test"),
                ApiKey = "key",
                Handler = ingest,
                MaxBuffered = maxBuffered,
                Linger = linger ?? TimeSpan.FromMilliseconds(5),
                GiveUpAfter = giveUpAfter ?? TimeSpan.FromMinutes(10),
                OnError = error => errors?.Add(error),
            }
        );

    private static string KeyOf(JsonElement sent) => sent.GetProperty("idempotency_key").GetString()!;

    private static HttpResponseMessage Json(HttpStatusCode status, string body) => new(status) { Content = new StringContent(body) };

    private static HttpResponseMessage Answer(IEnumerable<string> results) =>
        Json(HttpStatusCode.Accepted, $$"""{"accepted":0,"results":[{{string.Join(',', results)}}]}""");

    private static HttpResponseMessage Problem(HttpStatusCode status, string code) =>
        Json(status, $$"""{"code":"{{code}}","title":"No."}""");

    /// <summary>Answers as Polaris does: a key is accepted once, then a duplicate. One request at a time.</summary>
    private sealed class Ingest : HttpMessageHandler
    {
        public List<JsonElement> Requests { get; } = [];

        public HashSet<string> Stored { get; } = [];

        /// <summary>For the next requests; then it stores.</summary>
        public Queue<Func<JsonElement, HttpResponseMessage>> Next { get; } = new();

        public IEnumerable<JsonElement> Sent() => Requests.SelectMany(request => request.EnumerateArray());

        public HttpResponseMessage Store(JsonElement request) =>
            Answer(
                request
                    .EnumerateArray()
                    .Select(KeyOf)
                    .Select((key, index) => $$"""{"index":{{index}},"status":"{{(Stored.Add(key) ? "accepted" : "duplicate")}}"}""")
            );

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
        {
            var body = JsonSerializer.Deserialize<JsonElement>(await request.Content!.ReadAsStringAsync(ct));
            Requests.Add(body);
            return Next.TryDequeue(out var planned) ? planned(body) : Store(body);
        }
    }
}
