using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>
/// The cost of authenticating an API key: uncached, when the service asks Identity over gRPC and Identity its database, against cached,
/// when the service has a validation less than a second old. Requests to Ingestion have a body that is refused right after authentication,
/// so that little else is measured.
/// </summary>
internal sealed class AuthCommand(Options options)
{
    public static readonly string[] Switches = ["--keys", "--seconds", "--connections"];

    private const string Malformed = "{";
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public async Task<int> RunAsync()
    {
        var (count, connections, time) = (
            options.Number("--keys", 1_000),
            options.Number("--connections", 8),
            TimeSpan.FromSeconds(options.Number("--seconds", 5))
        );
        using var org = await BenchOrg.CreateAsync(options.Url, "auth");
        Console.WriteLine($"creating {count} keys");
        var keys = new List<string>();
        for (var i = 0; i < count; i++)
        {
            keys.Add(
                (
                    await org.Client.QueryAsync(
                        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }",
                        new { input = new { name = $"auth {i}", scopes = new[] { "ingest" } } }
                    )
                )
                    .GetProperty("createApiKey")
                    .GetProperty("secret")
                    .GetString()!
            );
        }

        var url = options.Endpoints is { ValueKind: System.Text.Json.JsonValueKind.Object } endpoints
            ? new Uri(endpoints.GetProperty("resources").GetProperty("ingestion").GetProperty("urls")[0].GetString()!)
            : options.Url;
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections }) { BaseAddress = url };
        foreach (var key in keys.Take(100))
            await SendAsync(http, key, HttpStatusCode.BadRequest);
        for (var i = 0; i < 500; i++)
            await SendAsync(http, org.ApiKey, HttpStatusCode.BadRequest);
        await Task.Delay(TimeSpan.FromSeconds(1.1));

        // First each key once, so that none is cached; then one key repeatedly.
        var cold = await OneByOneAsync(http, keys);
        var cached = await OneByOneAsync(http, [.. Enumerable.Repeat(keys[0], count)]);
        Print("sequential requests, ms", cached, cold);
        var (cachedRate, coldRate) = (
            await RateAsync(http, connections, time, () => org.ApiKey, HttpStatusCode.BadRequest),
            await RateAsync(http, connections, time, Unknown, HttpStatusCode.Unauthorized)
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{connections} concurrent connections, requests/s: cached {cachedRate:0}, cold {coldRate:0} (unknown keys), "
                    + $"ratio {cachedRate / coldRate:0.0}"
            )
        );
        return 0;
    }

    private static async Task<double[]> OneByOneAsync(HttpClient http, IReadOnlyList<string> keys)
    {
        var times = new List<double>();
        foreach (var key in keys)
        {
            var began = Stopwatch.GetTimestamp();
            await SendAsync(http, key, HttpStatusCode.BadRequest);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        times.Sort();
        return [.. times];
    }

    private static async Task<double> RateAsync(HttpClient http, int connections, TimeSpan time, Func<string> key, HttpStatusCode expected)
    {
        var (done, began) = (0L, Stopwatch.GetTimestamp());
        await Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(async _ =>
                {
                    while (Stopwatch.GetElapsedTime(began) < time)
                    {
                        await SendAsync(http, key(), expected);
                        Interlocked.Increment(ref done);
                    }
                })
        );
        return done / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task SendAsync(HttpClient http, string key, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ingest")
        {
            Content = new StringContent(Malformed, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await http.SendAsync(request);
        if (response.StatusCode != expected)
            throw new PolarisException($"/ingest answered {(int)response.StatusCode}, not {(int)expected}.");
    }

    private static void Print(string what, double[] cached, double[] cold)
    {
        double At(double[] ordered, double share) => LoadRun.Percentile(ordered, share);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: cached p50 {At(cached, 0.5):0.00} p99 {At(cached, 0.99):0.00}, cold p50 {At(cold, 0.5):0.00} p99 "
                    + $"{At(cold, 0.99):0.00}, ratio of p50 {At(cold, 0.5) / At(cached, 0.5):0.0}"
            )
        );
    }

    private static string Unknown() =>
        $"pk_{RandomNumberGenerator.GetHexString(8, lowercase: true)}_{RandomNumberGenerator.GetString(Alphabet, 40)}";
}
