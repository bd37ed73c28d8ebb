using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>One org does its worst at <c>/ingest</c>, while another is served.</summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(Attack))]
public sealed class IngestAbuseTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private const int SlowSockets = 1_000;
    private const int Bodies = 20_000;

    private Uri Ingestion => polaris.App.GetEndpoint("ingestion", "public");

    /// <summary>Each announces 5 MB; booked as announced, 52 of them would have been all that Ingestion holds for everyone.</summary>
    [Fact]
    public async Task A_thousand_connections_that_announce_a_large_body_and_send_little_stop_nobody_else()
    {
        using var slow = await polaris.SignUpAsync();
        await using var neighbour = await Neighbour.StartAsync(polaris);
        var sockets = await Task.WhenAll(Enumerable.Range(0, SlowSockets).Select(_ => RawHttp.ConnectAsync(Ingestion)));
        try
        {
            var head = Encoding.ASCII.GetBytes(
                $"POST /ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {slow.ApiKey}\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 5000000\r\n\r\n[{"
            );
            foreach (var socket in sockets)
                await socket.SendAsync(head);
            // Those over the key's share are told so at once; the others wait for their bodies, for seconds.
            await polaris.UntilAsync(
                "refusal of the connections over the key's share",
                () => Task.FromResult(sockets.Count(socket => socket.Available > 0) >= SlowSockets - 256)
            );
            var refused = await RawHttp.ReadAsync(sockets.First(socket => socket.Available > 0));
            Assert.Equal(429, refused.Status);
            Assert.Contains("too_many_requests", refused.Text, StringComparison.Ordinal);
            await neighbour.ServedAsync(polaris, calls: 50);
            await neighbour.EndAsync(polaris, output);
        }
        finally
        {
            foreach (var socket in sockets)
                socket.Dispose();
        }

        // What they held is free again.
        await polaris.UntilAsync(
            "the slow org being served again",
            async () => (await slow.IngestAsync(new { idempotency_key = "after", type = "call" })).Status == 202
        );
    }

    [Fact]
    public async Task No_body_is_answered_by_a_failure_of_the_server()
    {
        var seed = Random.Shared.Next(1 << 30);
        output.WriteLine($"seed {seed}");
        using var tenant = await polaris.SignUpAsync();
        await using var neighbour = await Neighbour.StartAsync(polaris);
        var next = 0;
        var failures = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(() => SendAsync(new Random(seed + worker)))));
        Assert.True(failures.IsEmpty, $"seed {seed}\n" + string.Join("\n", failures.Take(5)));
        await neighbour.EndAsync(polaris, output);

        async Task SendAsync(Random random)
        {
            using var http = new HttpClient { BaseAddress = Ingestion };
            http.DefaultRequestHeaders.Authorization = new("Bearer", tenant.ApiKey);
            while (Interlocked.Increment(ref next) <= Bodies)
            {
                var body = HostileBodies.Next(random, out var type);
                using var content = new ByteArrayContent(body);
                content.Headers.TryAddWithoutValidation("Content-Type", type);
                using var response = await http.PostAsync("/ingest", content);
                if ((int)response.StatusCode >= 500)
                    failures.Enqueue(
                        string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {type} ")
                            + Encoding.Latin1.GetString(body)[..Math.Min(body.Length, 400)]
                    );
            }
        }
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59-18:00", "timestamp_too_new")]
    [InlineData("9999-12-31T23:59:59Z", "timestamp_too_new")]
    [InlineData("0000-01-01T00:00:00+18:00", "timestamp_too_old")]
    [InlineData("0001-01-01T00:00:00+18:00", "timestamp_too_old")]
    [InlineData("-0001-01-01T00:00:00Z", "invalid_timestamp")]
    [InlineData("-9998-01-01T00:00:00+18:00", "invalid_timestamp")]
    [InlineData("2026-02-30T00:00:00Z", "invalid_timestamp")]
    public async Task A_timestamp_at_the_edge_of_the_calendar_rejects_its_event_alone(string timestamp, string code)
    {
        using var tenant = await polaris.SignUpAsync();
        using var backfill = await tenant.WithKeyAsync(["ingest"], backfill: true);
        foreach (var sender in new[] { tenant, backfill })
        {
            var (status, answer) = await sender.IngestAsync(
                new object[]
                {
                    new { idempotency_key = $"good {sender.ApiKey}", type = "call" },
                    new
                    {
                        idempotency_key = "bad",
                        type = "call",
                        timestamp,
                    },
                }
            );
            Assert.Equal(202, status);
            Assert.Equal(code, Assert.Single(answer.GetProperty("results").EnumerateArray()).GetProperty("code").GetString());
        }
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked", "ffffffffffffffff\r\n{")]
    [InlineData("Transfer-Encoding: chunked", "fffffffffffffffffffffffff\r\n{")]
    [InlineData("Transfer-Encoding: chunked", "-1\r\n{")]
    [InlineData("Transfer-Encoding: chunked", "7fffffff\r\n{\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 99999999999999999999", "{")]
    [InlineData("Content-Length: -1", "{")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
    [InlineData("Content-Encoding: gzip\r\nContent-Length: 4", "\u001f\u008b\b\0")]
    [InlineData("Expect: nonsense\r\nContent-Length: 2", "{}")]
    public async Task Framing_that_no_client_sends_is_the_client_s_fault(string headers, string body)
    {
        using var tenant = await polaris.SignUpAsync();
        foreach (var server in new[] { Ingestion, polaris.Gateway })
        {
            using var socket = await RawHttp.ConnectAsync(server);
            await socket.SendAsync(
                Encoding.Latin1.GetBytes(
                    $"POST /ingest HTTP/1.1\r\nHost: {server.Authority}\r\nAuthorization: Bearer {tenant.ApiKey}\r\n"
                        + $"Content-Type: application/json\r\nConnection: close\r\n{headers}\r\n\r\n{body}"
                )
            );
            socket.Shutdown(SocketShutdown.Send);
            var (status, text) = await RawHttp.ReadAsync(socket);
            // 0: closed without an answer, as there is nobody who could read one.
            Assert.True(status is 0 or (>= 400 and < 500), text);
        }
    }

    [Theory]
    [InlineData("/events/%00")]
    [InlineData("/events/a%00b")]
    [InlineData("/events/%ed%a0%80")]
    [InlineData("/events/%ff%fe")]
    public async Task An_event_s_key_that_cannot_be_one_is_not_found_or_refused(string path)
    {
        using var tenant = await polaris.SignUpAsync();
        foreach (var server in new[] { Ingestion, polaris.Gateway })
        {
            var (status, text) = await RawHttp.SendAsync(
                server,
                $"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\nAuthorization: Bearer {tenant.ApiKey}\r\nConnection: close\r\n\r\n"
            );
            Assert.True(status is >= 400 and < 500, text);
        }
    }
}
