using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Polaris.Tests.PublicGraph;

namespace Polaris.Tests.Tenancy;

/// <summary>An answer of any protocol: status, text to search, and raw bytes.</summary>
/// <param name="Refusal">UNAUTHENTICATED, FORBIDDEN or another stable code; empty when the call was accepted.</param>
internal sealed record Answer(int Status, string Refusal, string Text, byte[] Bytes)
{
    /// <summary>Whether the caller was rejected, not the input.</summary>
    public bool RefusesCaller => Refusal is "UNAUTHENTICATED" or "FORBIDDEN";

    /// <summary>A server error, which no caller may be able to cause.</summary>
    public bool IsFault => Status >= 500 || Refusal.StartsWith(Fault, StringComparison.Ordinal);

    public const string Fault = "FAULT ";
}

/// <summary>Calls entry points with a token and converts their answers to one form.</summary>
internal sealed partial class LeakProbe : IDisposable
{
    private static readonly Dictionary<string, MethodDescriptor> Methods = Descriptors()
        .DistinctBy(method => FullName(method))
        .ToDictionary(FullName);
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
    private readonly ConcurrentDictionary<Uri, GrpcChannel> channels = [];

    /// <summary>All gRPC methods whose code is in the services' assemblies.</summary>
    public static IEnumerable<string> GrpcMethods => Methods.Keys;

    /// <summary>Of a subscription the first event, which is its answer as of now.</summary>
    public async Task<Answer> GraphQLAsync(Uri service, string? token, string operation)
    {
        if (!operation.StartsWith("subscription", StringComparison.Ordinal))
            return await HttpAsync(
                service,
                token,
                new HttpRequestMessage(HttpMethod.Post, "/graphql") { Content = JsonContent.Create(new { query = operation }) }
            );
        await using var events = await LiveEvents.OpenAsync(http, new Uri(service, "/graphql"), token, operation);
        var first = await events.NextAsync() ?? throw new InvalidOperationException("A subscription begins with an answer.");
        var text = first.ToString();
        var status = (int)events.Status;
        return new Answer(status, Refusal(status, isGraphQL: true, text), text, Encoding.UTF8.GetBytes(text));
    }

    public async Task<Answer> HttpAsync(Uri service, string? token, HttpRequestMessage request)
    {
        request.RequestUri = new Uri(service, request.RequestUri!.OriginalString);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using (request)
        using (var response = await http.SendAsync(request))
        {
            var bytes = await response.Content.ReadAsByteArrayAsync();
            var text = Encoding.UTF8.GetString(bytes);
            var status = (int)response.StatusCode;
            var refusal = Refusal(status, request.RequestUri.AbsolutePath == "/graphql", text);
            // Headers are part of the answer.
            return new Answer(status, refusal, text + "\n" + response.Headers.Location, bytes);
        }
    }

    public async Task<Answer> GrpcAsync(Uri service, string? token, string method, string json)
    {
        var channel = channels.GetOrAdd(service, GrpcChannel.ForAddress);
        var descriptor = Methods[method];
        var raw = new Method<byte[], byte[]>(
            descriptor.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary,
            descriptor.Service.FullName,
            descriptor.Name,
            Marshallers.Create(x => x, x => x),
            Marshallers.Create(x => x, x => x)
        );
        var request = JsonParser.Default.Parse(json, descriptor.InputType).ToByteArray();
        var options = new CallOptions(
            token is null ? [] : new Metadata { { "Authorization", "Bearer " + token } },
            TimeProvider.System.GetUtcNow().AddSeconds(20).UtcDateTime
        );
        try
        {
            var messages = new List<byte[]>();
            if (raw.Type == MethodType.Unary)
            {
                using var call = channel.CreateCallInvoker().AsyncUnaryCall(raw, null, options, request);
                messages.Add(await call);
            }
            else
            {
                using var call = channel.CreateCallInvoker().AsyncServerStreamingCall(raw, null, options, request);
                await foreach (var message in call.ResponseStream.ReadAllAsync())
                    messages.Add(message);
            }

            return new Answer(
                200,
                "",
                string.Join(
                    '\n',
                    messages.Select(message => JsonFormatter.Default.Format(descriptor.OutputType.Parser.ParseFrom(message)))
                ),
                [.. messages.SelectMany(message => message)]
            );
        }
        catch (RpcException refused)
        {
            var code = refused.StatusCode switch
            {
                StatusCode.Unauthenticated => "UNAUTHENTICATED",
                StatusCode.PermissionDenied => "FORBIDDEN",
                StatusCode.Internal
                or StatusCode.Unknown
                or StatusCode.Unavailable
                or StatusCode.DeadlineExceeded
                or StatusCode.Unimplemented => $"{Answer.Fault}{refused.StatusCode}",
                var other => other.ToString(),
            };
            return new Answer(200, code, $"{code}: {refused.Status.Detail}", Encoding.UTF8.GetBytes(refused.Status.Detail));
        }
    }

    /// <summary>
    /// The answer without the requested keys, ids and times, for comparison. Also without those of the request that it is compared with:
    /// my own org has events that name both, once they were sent to it.
    /// </summary>
    public static string Normal(Answer answer, Known asked, Known other)
    {
        var text = new StringBuilder($"{answer.Status} {answer.Refusal} {answer.Text}");
        var differing = asked.Values().Zip(other.Values()).Where(pair => pair.First != pair.Second);
        foreach (
            var value in differing.SelectMany(pair => new[] { pair.First, pair.Second }).Distinct().OrderByDescending(own => own.Length)
        )
            text.Replace(value, "?");
        return Times().Replace(Ids().Replace(Measured().Replace(text.ToString(), ""), "#"), "@");
    }

    /// <summary>The answer without what changes over time: timestamps, tries, reconciliation status and clock.</summary>
    public static string Still(Answer answer) =>
        Times()
            .Replace(Measured().Replace(answer.Text, ""), "@")
            .Replace("\"lastUsedAt\":null", "\"lastUsedAt\":\"@\"", StringComparison.Ordinal);

    public void Dispose()
    {
        http.Dispose();
        foreach (var channel in channels.Values)
            channel.Dispose();
    }

    private static string Refusal(int status, bool isGraphQL, string text) =>
        status switch
        {
            401 => "UNAUTHENTICATED",
            403 => "FORBIDDEN",
            200 when isGraphQL => GraphQLRefusal(text),
            _ => "",
        };

    private static string GraphQLRefusal(string text)
    {
        using var answer = JsonDocument.Parse(text);
        if (!answer.RootElement.TryGetProperty("errors", out var errors))
            return "";
        var given =
            errors[0].TryGetProperty("extensions", out var extensions) && extensions.TryGetProperty("code", out var code)
                ? code.GetString()!
                : "none";
        return given is "UNAUTHENTICATED" or "FORBIDDEN" or "NOT_FOUND" or "INVALID_INPUT" or "CONFLICT" or "RATE_LIMITED"
            ? given
            : Answer.Fault + given;
    }

    private static string FullName(MethodDescriptor method) => $"{method.Service.FullName}/{method.Name}";

    // Identity's methods are compiled into ServiceDefaults, which calls them too.
    private static IEnumerable<MethodDescriptor> Descriptors() =>
        LeakPlatform
            .Services.Select(service => $"{char.ToUpperInvariant(service[0])}{service[1..]}")
            .Append("ServiceDefaults")
            .Select(name => System.Reflection.Assembly.Load($"Polaris.{name}"))
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(type => type.GetProperty("Descriptor")?.GetValue(null))
            .OfType<FileDescriptor>()
            .SelectMany(file => file.Services)
            .SelectMany(service => service.Methods);

    [GeneratedRegex(
        "inv_[0-9a-zA-Z_]+|eyJ[0-9a-zA-Z._-]+|[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|pk_[0-9a-zA-Z_]+"
    )]
    private static partial Regex Ids();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)")]
    private static partial Regex Times();

    // Trace ids, how long it took, the form's antiforgery token, and what is random in a sign-in.
    /// <summary>Among them the tries of webhooks to an endpoint that does not exist, which go on.</summary>
    [GeneratedRegex(
        "\"(?:milliseconds|column|attemptCount)\":\\d+|\"attempts\":\\[[^\\]]*\\]|\"nextAttemptAt\":(?:null|\"[^\"]*\")"
            + "|\"traceId\":\"[^\"]*\"|(?:code_challenge|nonce|state)=[^&]+|CfDJ8[0-9A-Za-z_-]+"
    )]
    private static partial Regex Measured();
}
