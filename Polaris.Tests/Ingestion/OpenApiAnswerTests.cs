using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Polaris.Gateway.Proxy;
using Polaris.Ingestion;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.RateLimiting;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>
/// Every problem that docs/openapi/ingestion.json shows is returned word for word, with its status and headers. Responses that store events
/// are in <see cref="OpenApiTests"/>. Needs no platform.
/// </summary>
public sealed class OpenApiAnswerTests
{
    private const string Post = "POST /ingest";
    private const string Get = "GET /events/{idempotencyKey}";
    private const string One = """{"idempotency_key":"k","type":"t"}""";

    private static readonly OpenApiDocument Document = new();

    private static readonly (string Operation, int Status, string[] Codes)[] Answered =
    [
        (Post, 400, ["malformed_json", "malformed_gzip", "invalid_parameter", "bad_request"]),
        (Post, 401, ["missing_credentials", "invalid_credentials", "revoked_credentials"]),
        (Post, 403, ["missing_scope"]),
        (Post, 408, ["bad_request", "body_timeout"]),
        (Post, 413, ["request_too_large"]),
        (Post, 415, ["unsupported_media_type", "unsupported_encoding"]),
        (Post, 422, ["no_events", "too_many_events"]),
        (Post, 429, ["rate_limited", "too_many_queued", "too_many_requests", "too_many_bytes"]),
        (Post, 500, ["internal_error"]),
        (Post, 503, ["storage_unavailable", "identity_unavailable", "service_unavailable"]),
        (Get, 400, ["invalid_path"]),
        (Get, 401, ["missing_credentials", "invalid_credentials", "revoked_credentials"]),
        (Get, 403, ["missing_scope"]),
        (Get, 500, ["internal_error"]),
        (Get, 503, ["storage_unavailable", "identity_unavailable", "service_unavailable"]),
    ];

    public static TheoryData<string, int, string> Problems =>
        [.. Answered.SelectMany(one => one.Codes.Select(code => (one.Operation, one.Status, code)))];

    [Fact]
    public void The_document_shows_no_problem_that_nobody_has_seen()
    {
        var shown =
            from operation in Document.Operations
            from answer in Document.Answers(operation)
            where answer.Type == OpenApiDocument.ProblemJson
            from example in answer.Media["examples"]!.AsObject()
            select $"{operation} {answer.Status} {example.Key}";
        var seen = Answered.SelectMany(one => one.Codes.Select(code => $"{one.Operation} {one.Status} {code}"));
        // The one that needs a database.
        Assert.Equal(seen.Append($"{Get} 404 {OpenApiTests.NotFound}").Order(), shown.Order());
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public async Task A_problem_is_answered_as_the_document_shows_it(string operation, int status, string code)
    {
        // The document shows the default limits; here they are so low that few events exceed them.
        var options = new IngestionOptions
        {
            MaxQueuedEventsPerOrg = code == "too_many_queued" ? 1 : 100_000,
            MaxRequestsPerKey = code == "too_many_requests" ? 1 : 256,
            MaxBytesInFlightPerOrg = code == "too_many_bytes" ? 1 : 64 * 1024 * 1024,
            BodyTimeout = TimeSpan.FromSeconds(code == "body_timeout" ? 1 : 30),
        };
        await using var service = await IngestionAlone.StartAsync(
            options,
            closed: code == "internal_error",
            eventsPerSecond: code == "rate_limited" ? 1 : 200_000
        );
        using var response = await ProvokeAsync(service, operation, status, code);
        var problem = await Document.AssertDescribesAsync(operation, response);
        Assert.Equal((status, code), ((int)response.StatusCode, problem["code"]!.GetValue<string>()));
        var example = Document.Example(operation, status, OpenApiDocument.ProblemJson, code).DeepClone();
        var detail = example["detail"]!.GetValue<string>();
        var defaults = new IngestionOptions();
        object? usual = code switch
        {
            "rate_limited" => RateBudgets.DefaultPerSecond(RateBudgets.Events),
            "too_many_queued" => defaults.MaxQueuedEventsPerOrg,
            "too_many_requests" => defaults.MaxRequestsPerKey,
            "too_many_bytes" => defaults.MaxBytesInFlightPerOrg,
            "body_timeout" => defaults.BodyTimeout.TotalSeconds,
            _ => null,
        };
        if (usual is not null)
        {
            Assert.Contains($" {usual} ", detail, StringComparison.Ordinal);
            example["detail"] = detail.Replace($" {usual} ", " 1 ", StringComparison.Ordinal);
        }

        if (code == "internal_error")
            example["trace_id"] = problem["trace_id"]!.DeepClone();
        Assert.True(JsonNode.DeepEquals(example, problem), $"The document shows {example}, but the response is {problem}");
    }

    [Fact]
    public async Task The_described_operations_are_the_routes_with_their_scopes()
    {
        await using var service = await IngestionAlone.StartAsync();
        var routes = service
            .Routes.Where(route => route.Metadata.GetMetadata<IAllowAnonymous>() is null)
            .Select(route =>
                $"{route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Single()} "
                + route.RoutePattern.RawText!.Replace("**", "", StringComparison.Ordinal)
                + $" Scope `{route.Metadata.GetMetadata<IAuthorizeData>()!.Policy}`."
            );
        var described = Document.Operations.Select(operation =>
            $"{operation} {Document.Operation(operation)["description"]!.GetValue<string>()}"
        );
        Assert.All(
            routes.Order().Zip(described.Order(), (route, description) => (route, description)),
            pair => Assert.StartsWith(pair.route, pair.description, StringComparison.Ordinal)
        );
        Assert.Equal(2, routes.Count());
        Assert.Equal(2, described.Count());
    }

    [Fact]
    public async Task Parameters_take_the_described_values_and_no_other()
    {
        await using var service = await IngestionAlone.StartAsync();
        var tried = 0;
        foreach (var parameter in Document.Operation(Post)["parameters"]!.AsArray())
        {
            var name = parameter!["name"]!.GetValue<string>();
            foreach (var value in parameter["schema"]!["enum"]!.AsArray().Select(value => value!.GetValue<string>()).Append("other"))
            {
                using var request = Json(One, parameter["in"]!.GetValue<string>() == "query" ? $"?{name}={value}" : "");
                if (name == "Content-Encoding")
                {
                    request.Content = value == "gzip" ? Gzip(One) : request.Content;
                    request.Content!.Headers.ContentEncoding.Clear();
                    request.Content.Headers.ContentEncoding.Add(value);
                }

                using var response = await service.SendAsync(IngestionAlone.ValidKey, request);
                var body = await Document.AssertDescribesAsync(Post, response);
                // Accepted means that it reached the database, which is unavailable.
                Assert.Equal(
                    value != "other" ? "storage_unavailable"
                        : name == "Content-Encoding" ? "unsupported_encoding"
                        : "invalid_parameter",
                    body["code"]!.GetValue<string>()
                );
                tried++;
            }
        }

        Assert.Equal(8, tried);
    }

    [Fact]
    public async Task The_service_serves_the_file_to_anyone()
    {
        await using var service = await IngestionAlone.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/ingestion.json");
        using var response = await service.SendAsync(key: null, request);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(await File.ReadAllTextAsync(OpenApiDocument.File), await response.Content.ReadAsStringAsync());
    }

    private static Task<HttpResponseMessage> ProvokeAsync(IngestionAlone service, string operation, int status, string code)
    {
        HttpRequestMessage Usual() => operation == Post ? Json(One) : new HttpRequestMessage(HttpMethod.Get, "/events/k");
        Task<HttpResponseMessage> Send(HttpRequestMessage request, string? key = IngestionAlone.ValidKey) =>
            service.SendAsync(key, request);
        return (status, code) switch
        {
            (400, "malformed_json") => Send(Json("""{"idempotency_key": oops}""")),
            (400, "malformed_gzip") => Send(Json(One, encoding: "gzip")),
            (400, "invalid_parameter") => Send(Json(One, "?atomic=yes")),
            (400, "bad_request") => RawAsync(service.Url, "Transfer-Encoding: chunked", "no size\r\n"),
            (400, "invalid_path") => ThroughGatewayAsync(new HttpRequestMessage(HttpMethod.Get, "/events/a\\b")),
            (401, "missing_credentials") => Send(Usual(), key: null),
            (401, "invalid_credentials") => Send(Usual(), IngestionAlone.UnknownKey),
            (401, "revoked_credentials") => Send(Usual(), IngestionAlone.RevokedKey),
            (403, "missing_scope") => Send(Usual(), operation == Post ? IngestionAlone.ReadOnlyKey : IngestionAlone.IngestOnlyKey),
            (408, "body_timeout") => RawAsync(service.Url, "Content-Length: 100", "{"),
            (408, "bad_request") => RawAsync(service.Url, "Content-Length: 100", "{"),
            (413, "request_too_large") => Send(Json(One.PadRight(Limits.MaxRequestBytes + 1))),
            (415, "unsupported_media_type") => Send(Json(One, type: "text/plain")),
            (415, "unsupported_encoding") => Send(Json(One, encoding: "br")),
            (422, "no_events") => Send(Json("[]")),
            (422, "too_many_events") => Send(Json($"[{string.Join(',', Enumerable.Repeat(One, Limits.MaxEvents + 1))}]")),
            // A burst of one full request is always accepted.
            (429, "rate_limited") => SecondAsync(service, $"[{string.Join(',', Enumerable.Repeat(One, Limits.MaxEvents))}]"),
            (429, "too_many_queued") => Send(Json($"[{One},{One}]")),
            (429, "too_many_bytes") => Send(Json(One)),
            (429, "too_many_requests") => BesideAsync(service),
            (500, "internal_error") => Send(operation == Post ? Json(One, "?atomic=true") : Usual()),
            (503, "storage_unavailable") => Send(operation == Post ? Json(One, "?atomic=true") : Usual()),
            (503, "identity_unavailable") => Send(Usual(), IngestionAlone.KeyWhileIdentityIsAway),
            (503, "service_unavailable") => ThroughGatewayAsync(Usual()),
            _ => throw new InvalidOperationException($"The test does not know how to make {operation} answer {status} {code}."),
        };
    }

    private static async Task<HttpResponseMessage> SecondAsync(IngestionAlone service, string body)
    {
        using var first = await service.SendAsync(IngestionAlone.ValidKey, Json(body, "?atomic=true"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, first.StatusCode);
        return await service.SendAsync(IngestionAlone.ValidKey, Json(body, "?atomic=true"));
    }

    /// <summary>While another request of the same key waits for the rest of its body.</summary>
    private static async Task<HttpResponseMessage> BesideAsync(IngestionAlone service)
    {
        var waiting = new List<Socket>();
        try
        {
            HttpResponseMessage response;
            do
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                waiting.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, service.Url.Port);
                await socket.SendAsync(
                    Encoding.ASCII.GetBytes(
                        $"POST /ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {IngestionAlone.ValidKey}\r\n"
                            + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
                    )
                );
                response = await service.SendAsync(IngestionAlone.ValidKey, Json(One));
            } while (response.StatusCode != HttpStatusCode.TooManyRequests && waiting.Count < 100);
            return response;
        }
        finally
        {
            waiting.ForEach(socket => socket.Dispose());
        }
    }

    /// <summary>The gateway's proxy, without any service behind it.</summary>
    private static async Task<HttpResponseMessage> ThroughGatewayAsync(HttpRequestMessage request)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(
            new[] { "ingestion", "identity", "dashboard" }
                .Select(service =>
                    KeyValuePair.Create(
                        $"services:{service}:{(service == "dashboard" ? "http" : "public")}:0",
                        (string?)"http://127.0.0.1:1"
                    )
                )
                .Append(new("services:identity:grpc:0", "http://127.0.0.1:1"))
                .Append(new("Polaris:PublicUrl", "http://localhost"))
                .Append(new("URLS", "http://127.0.0.1:0"))
                .Append(new(DeclaredAccess.FolderSetting, ""))
        );
        builder.AddServiceDefaults("gateway");
        builder.Logging.ClearProviders();
        builder.AddPolarisProxy();
        await using var app = builder.Build();
        app.MapPolarisProxy();
        await app.StartAsync();
        using var http = new HttpClient();
        // As it is written: a Uri would resolve the dots of a path.
        var asWritten = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        request.RequestUri = new Uri(app.Urls.Single() + request.RequestUri!.OriginalString, asWritten);
        var response = await http.SendAsync(request);
        await response.Content.LoadIntoBufferAsync();
        return response;
    }

    private static HttpRequestMessage Json(string body, string query = "", string type = "application/json", string? encoding = null)
    {
        var content = new StringContent(body, Encoding.UTF8, type);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        return new HttpRequestMessage(HttpMethod.Post, "/ingest" + query) { Content = content };
    }

    private static ByteArrayContent Gzip(string body)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(compressed, System.IO.Compression.CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(body));
        return new ByteArrayContent(compressed.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    /// <summary>
    /// Sends a body that no HTTP client would send, and returns everything received until the server closes the connection.
    /// </summary>
    private static async Task<HttpResponseMessage> RawAsync(Uri url, string header, string body)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, url.Port);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"POST /ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {IngestionAlone.ValidKey}\r\n"
                    + $"Content-Type: application/json\r\nConnection: close\r\n{header}\r\n\r\n{body}"
            )
        );
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var parts = (await reader.ReadToEndAsync()).Split("\r\n\r\n", 2);
        var lines = parts[0].Split("\r\n");
        var response = new HttpResponseMessage((HttpStatusCode)int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture));
        // A single chunk, with its size on the first line.
        response.Content = new StringContent(parts[1].Split("\r\n")[1]);
        response.Content.Headers.Clear();
        foreach (var line in lines[1..])
        {
            var (name, value) = (
                line[..line.IndexOf(':', StringComparison.Ordinal)],
                line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]
            );
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }
}
