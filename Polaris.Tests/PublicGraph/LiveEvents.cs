using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>A subscription, and its events. A refused one has the refusal as its only event.</summary>
internal sealed class LiveEvents : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpResponseMessage response;
    private readonly CancellationTokenSource end;
    private readonly IAsyncEnumerator<SseItem<string>> events;

    private LiveEvents(HttpResponseMessage response, CancellationTokenSource end, IAsyncEnumerator<SseItem<string>> events) =>
        (this.response, this.end, this.events) = (response, end, events);

    public HttpStatusCode Status => response.StatusCode;

    public string? MediaType => response.Content.Headers.ContentType?.MediaType;

    public static Task<LiveEvents> OpenAsync(Tenant tenant, string query) =>
        OpenAsync(tenant.Http, new Uri(tenant.Http.BaseAddress!, "/graphql"), tenant.ApiKey, query);

    public static Task<LiveEvents> OpenAsync(HttpClient http, Uri address, string? token, string query) =>
        OpenAsync(http, token, new HttpRequestMessage(HttpMethod.Post, address) { Content = JsonContent.Create(new { query }) });

    public static async Task<LiveEvents> OpenAsync(HttpClient http, string? token, HttpRequestMessage request)
    {
        using (request)
        {
            request.Headers.Accept.ParseAdd(EventStream.MediaType);
            if (token is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var end = new CancellationTokenSource(Patience);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end.Token);
            var body = await response.Content.ReadAsStreamAsync(end.Token);
            return new LiveEvents(response, end, EventsOf(response, body, end.Token).GetAsyncEnumerator(end.Token));
        }
    }

    /// <summary>The answer of the next event; null after the last one.</summary>
    public async Task<JsonElement?> NextAsync()
    {
        end.CancelAfter(Patience);
        Assert.True(await events.MoveNextAsync(), "The stream ended without being complete.");
        var (kind, data) = (events.Current.EventType, events.Current.Data);
        if (kind == "complete")
        {
            Assert.Equal("", data);
            Assert.False(await events.MoveNextAsync(), "There is something after the end.");
            return null;
        }

        Assert.Equal("next", kind);
        return JsonSerializer.Deserialize<JsonElement>(data);
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        response.Dispose();
        end.Dispose();
    }

    private static async IAsyncEnumerable<SseItem<string>> EventsOf(
        HttpResponseMessage response,
        Stream body,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct
    )
    {
        if (response.Content.Headers.ContentType?.MediaType != EventStream.MediaType)
        {
            using var text = new StreamReader(body);
            yield return new SseItem<string>(await text.ReadToEndAsync(ct), "next");
            yield return new SseItem<string>("", "complete");
            yield break;
        }

        await foreach (var item in SseParser.Create(body).EnumerateAsync(ct))
            yield return item;
    }
}
