using System.Net;
using System.Net.Sockets;
using System.Text;
using Polaris.Tests.Otlp;

namespace Polaris.Tests.Telemetry;

/// <summary>A span as a service exported it.</summary>
internal sealed record ExportedSpan(string Service, string Scope, Span Span)
{
    public string TraceId => Convert.ToHexStringLower(Span.TraceId.Span);

    public string Id => Convert.ToHexStringLower(Span.SpanId.Span);

    /// <summary>Empty for a root span.</summary>
    public string ParentId => Convert.ToHexStringLower(Span.ParentSpanId.Span);

    public bool IsRoot => Span.ParentSpanId.IsEmpty;

    public IEnumerable<string> LinkedIds => Span.Links.Select(link => Convert.ToHexStringLower(link.SpanId.Span));

    public string? this[string attribute] =>
        Span.Attributes.FirstOrDefault(one => one.Key == attribute)?.Value is not { } value ? null
        : value.HasIntValue ? value.IntValue.ToString()
        : value.StringValue;

    public override string ToString() =>
        $"{Service} {Scope} {Span.Kind} '{Span.Name}' {TraceId[..6]}/{Id} under '{ParentId}' links [{string.Join(' ', LinkedIds)}]";
}

/// <summary>Receives OpenTelemetry's exports over HTTP and keeps the raw bodies and, of traces, each span.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly StringBuilder told = new();
    private readonly Dictionary<string, Dictionary<string, ExportedSpan>> traces = [];
    private readonly Task taking;

    public OtlpCollector()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
        }

        listener.Prefixes.Add(Url);
        listener.Start();
        taking = Task.Run(TakeAsync);
    }

    public string Url { get; }

    public ExportedSpan[] Spans
    {
        get
        {
            lock (told)
                return [.. traces.Values.SelectMany(trace => trace.Values)];
        }
    }

    public ExportedSpan[] SpansOf(string trace)
    {
        lock (told)
            return traces.TryGetValue(trace, out var spans) ? [.. spans.Values] : [];
    }

    public bool Has(string text)
    {
        lock (told)
            return told.ToString().Contains(text, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await taking;
        listener.Close();
    }

    private async Task TakeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            try
            {
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Take(context.Request.Url!.AbsolutePath, body.ToArray());
                context.Response.Close();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // This sender has gone, or gave up waiting on a busy machine, and sends again.
            }
        }
    }

    private void Take(string path, byte[] body)
    {
        lock (told)
        {
            // One character per byte: protobuf keeps text as it is.
            told.Append(Encoding.Latin1.GetString(body));
            if (path != "/v1/traces")
                return;
            foreach (var span in SpansOf(ExportedTraces.Parser.ParseFrom(body)))
            {
                if (!traces.TryGetValue(span.TraceId, out var spans))
                    traces.Add(span.TraceId, spans = []);
                spans[span.Id] = span;
            }
        }
    }

    private static IEnumerable<ExportedSpan> SpansOf(ExportedTraces traces) =>
        from resource in traces.ResourceSpans
        let service = resource.Resource.Attributes.First(one => one.Key == "service.name").Value.StringValue
        from scope in resource.ScopeSpans
        from span in scope.Spans
        select new ExportedSpan(service, scope.Scope.Name, span);
}
