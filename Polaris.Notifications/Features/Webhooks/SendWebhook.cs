using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Options;
using NodaTime;
using Polaris.Notifications.Features.Sending;

namespace Polaris.Notifications.Features.Webhooks;

/// <summary>Posts an event to an endpoint, signed by Standard Webhooks. 2xx is a success, everything else a failure.</summary>
internal sealed class SendWebhook(GuardedConnections connections, IOptions<NotificationsOptions> options, TimeProvider time) : IDisposable
{
    private const int MaxResponseBytes = 4 * Outcome.MaxTextLength;

    // Not from the factory: its clients resolve names of Polaris's own services.
    private readonly HttpClient http = new(connections.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="url">Where to.</param>
    /// <param name="secrets">What to sign with; one signature each.</param>
    /// <param name="delivery">What.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<Outcome> HandleAsync(string url, IReadOnlyList<string> secrets, Sendable delivery, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(options.Value.RequestTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            using var request = Request(url, secrets, delivery);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var text = await ReadAsync(response, either.Token);
            return Read(response, text);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return new Outcome($"No answer within {options.Value.RequestTimeout.TotalSeconds:0.###} s.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new Outcome(Outcome.Storable(Reason(exception)));
        }
    }

    public void Dispose() => http.Dispose();

    private HttpRequestMessage Request(string url, IReadOnlyList<string> secrets, Sendable delivery)
    {
        var (id, at) = (delivery.EventId.ToString(), time.GetUtcNow());
        var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(delivery.Body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", SigningKeys.Sign(secrets, id, at, delivery.Body));
        request.Headers.UserAgent.ParseAdd("Polaris-Webhooks/1");
        return request;
    }

    private Outcome Read(HttpResponseMessage response, string text)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            _ when response.IsSuccessStatusCode => new Outcome(null, status, text),
            HttpStatusCode.Gone => new Outcome("It answered 410: it wants no more.", status, text, Final: true, Gone: true),
            >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => new Outcome(
                $"It answered {status}: redirects are not followed.",
                status,
                text
            ),
            _ => new Outcome($"It answered {status}.", status, text, RetryAfter: RetryAfter(response)),
        };
    }

    private Duration? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } wait } when wait > TimeSpan.Zero => Duration.FromTimeSpan(wait),
            { Date: { } at } when at > time.GetUtcNow() => Duration.FromTimeSpan(at - time.GetUtcNow()),
            _ => null,
        };

    /// <summary>The beginning of the body. One that ends early is an error: nobody knows what the receiver did.</summary>
    private static async Task<string> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        await using var body = await response.Content.ReadAsStreamAsync(ct);
        var bytes = new byte[MaxResponseBytes];
        var length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct);
        return Outcome.Storable(Encoding.UTF8.GetString(bytes, 0, length));
    }

    private static string Reason(Exception exception) =>
        exception.InnerException is RefusedAddressException or System.Net.Sockets.SocketException
            ? exception.InnerException.Message
            : exception.Message;
}
