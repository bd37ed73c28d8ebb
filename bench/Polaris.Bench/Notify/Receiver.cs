using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Polaris.Bench.Notify;

/// <summary>A request that a receiver got, as a line of its log.</summary>
public sealed record Receipt(string Name, string Id, string Timestamp, string Signature, string Body, long AtMs);

/// <summary>
/// A receiver of webhooks in a process of its own, which behaves as the path says: <c>/{name}/{behaviour}</c>. Each request becomes a line
/// of its log before it is answered, so nothing is forgotten when it ends.
/// </summary>
public static class Receiver
{
    /// <param name="port">Loopback.</param>
    /// <param name="log">The file for the lines; null to count only.</param>
    public static async Task<int> RunAsync(int port, string? log)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add($"http://127.0.0.1:{port}");
        await using var lines = log is null ? null : new StreamWriter(log, append: true) { AutoFlush = true };
        using var gate = new SemaphoreSlim(1, 1);
        var (seen, counts) = (new ConcurrentDictionary<(string, string), int>(), new ConcurrentDictionary<string, long>());
        app.MapGet("/count/{name}", (string name) => counts.GetValueOrDefault(name));
        app.MapPost(
            "/{name}/{behaviour}",
            async (HttpContext context, string name, string behaviour) =>
            {
                using var reader = new StreamReader(context.Request.Body);
                var body = await reader.ReadToEndAsync(context.RequestAborted);
                string Header(string header) => context.Request.Headers[header].ToString();
                counts.AddOrUpdate(name, 1, (_, count) => count + 1);
                var id = Header("webhook-id");
                if (lines is not null)
                {
                    var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
                    var receipt = new Receipt(name, id, Header("webhook-timestamp"), Header("webhook-signature"), body, now);
                    await gate.WaitAsync();
                    await lines.WriteLineAsync(JsonSerializer.Serialize(receipt));
                    gate.Release();
                }

                await AnswerAsync(context, behaviour, id, seen.AddOrUpdate((name, id), 1, (_, tries) => tries + 1));
            }
        );
        await app.StartAsync();
        Console.WriteLine("ready");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task AnswerAsync(HttpContext context, string behaviour, string id, int attempt)
    {
        switch (behaviour)
        {
            case "fails-twice" when attempt <= 2:
                context.Response.StatusCode = 500;
                await context.Response.WriteAsync($"not yet: {attempt}");
                break;
            case "fails-some" when attempt == 1 && id.Length > 0 && id[^1] is >= '0' and <= '3':
                context.Response.StatusCode = 500;
                break;
            case "fails":
                context.Response.StatusCode = 503;
                break;
            case "gone":
                context.Response.StatusCode = 410;
                break;
            case "redirects":
                context.Response.Redirect("/redirected/ok", permanent: false, preserveMethod: true);
                break;
            case "hangs":
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case "hangs-once" when attempt == 1:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case "half-once" when attempt == 1:
                context.Response.ContentLength = 1_000;
                await context.Response.WriteAsync("the beginn");
                await context.Response.Body.FlushAsync();
                context.Abort();
                break;
            case "huge":
                context.Response.ContentLength = 10_000_000;
                for (var i = 0; i < 1_000; i++)
                    await context.Response.WriteAsync(new string('x', 10_000));
                break;
            default:
                await context.Response.WriteAsync("thanks");
                break;
        }
    }
}
