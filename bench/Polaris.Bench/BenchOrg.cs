using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace Polaris.Bench;

/// <summary>A new org for one run, with a key that has all scopes.</summary>
internal sealed class BenchOrg : IDisposable
{
    private readonly SignIn owner;

    private BenchOrg(string id, string apiKey, PolarisClient client, SignIn owner) =>
        (Id, ApiKey, Client, this.owner) = (id, apiKey, client, owner);

    private sealed record SignIn(string Email, string Password, string Proof);

    public string Id { get; }

    public string ApiKey { get; }

    public PolarisClient Client { get; }

    /// <summary>Accepted events, for commands that count them.</summary>
    public long Sent { get; set; }

    /// <summary>Makes its owner one who can sign in, and writes with what: for tests that read the org's pages.</summary>
    public async Task WriteSignInAsync(Uri url, string file)
    {
        await ProveAsync(url);
        await File.WriteAllTextAsync(
            file,
            JsonSerializer.Serialize(
                new
                {
                    email = owner.Email,
                    password = owner.Password,
                    apiKey = ApiKey,
                }
            )
        );
    }

    /// <summary>Its owner invites a viewer; the invitation's token.</summary>
    public async Task<string> InviteAsync(Uri url, string email)
    {
        await ProveAsync(url);
        using var session = await DashboardSession.SignInAsync(url, owner.Email, owner.Password);
        using var response = await session.PostAsJsonAsync(
            "/graphql",
            new
            {
                query = "mutation($email: String!) { createInvitation(input: {email: $email, role: \"viewer\"}) { token } }",
                variables = new { email },
            }
        );
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
            ? data.GetProperty("createInvitation").GetProperty("token").GetString()!
            : throw new PolarisException($"Nobody was invited: {answer}");
    }

    private async Task ProveAsync(Uri url)
    {
        using var anyone = new PolarisClient(url);
        await anyone.QueryAsync("mutation($token: String!) { proveEmail(token: $token) { userId } }", new { token = owner.Proof });
    }

    public static async Task<BenchOrg> CreateAsync(Uri url, string name)
    {
        using var anyone = new PolarisClient(url);
        var email = $"{name}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";
        var password = RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20);
        var signUp = (
            await anyone.QueryAsync(
                "mutation($input: SignUpInput!) { signUp(input: $input) { org { id } emailProof apiKey { secret } } }",
                new
                {
                    input = new
                    {
                        email,
                        password,
                        orgName = name,
                        currency = "USD",
                        timeZone = "UTC",
                    },
                }
            )
        ).GetProperty("signUp");
        using var admin = new PolarisClient(url, signUp.GetProperty("apiKey").GetProperty("secret").GetString());
        var key = (
            await admin.QueryAsync(
                "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }",
                new
                {
                    input = new
                    {
                        name,
                        scopes = new[] { "ingest", "read", "admin" },
                        backfill = true,
                    },
                }
            )
        ).GetProperty("createApiKey").GetProperty("secret").GetString()!;
        return new BenchOrg(
            signUp.GetProperty("org").GetProperty("id").GetString()!,
            key,
            new PolarisClient(url, key),
            new SignIn(email, password, signUp.GetProperty("emailProof").GetString()!)
        );
    }

    public async Task CreateMeterAsync(string key, string aggregation, string? property, string eventType) =>
        await Client.QueryAsync(
            "mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }",
            new
            {
                input = new
                {
                    key,
                    eventType,
                    aggregation,
                    property,
                },
            }
        );

    /// <summary>The quantity of a meter from so many days ago until the end of tomorrow.</summary>
    public async Task<decimal> UsageAsync(string meter, string? customer = null, int days = 1)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var answer = await Client.QueryAsync(
            "query($meter: String!, $from: DateTime!, $to: DateTime!, $customer: String) { usage(meter: $meter, from: $from, "
                + "to: $to, customer: $customer) { quantity } }",
            new
            {
                meter,
                from = Day(today.AddDays(-days)),
                to = Day(today.AddDays(2)),
                customer,
            }
        );
        return decimal.Parse(answer.GetProperty("usage").GetProperty("quantity").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>The quantity of a meter in each 15-minute bucket of yesterday, today and tomorrow, by its start.</summary>
    public async Task<IReadOnlyDictionary<string, decimal>> TimelineAsync(string meter)
    {
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var answer = await Client.QueryAsync(
            "query($meter: String!, $from: DateTime!, $to: DateTime!) { usageTimeline(meter: $meter, from: $from, to: $to, "
                + "window: QUARTER_HOUR) { start quantity } }",
            new
            {
                meter,
                from = Day(today.AddDays(-1)),
                to = Day(today.AddDays(2)),
            }
        );
        return answer
            .GetProperty("usageTimeline")
            .EnumerateArray()
            .ToDictionary(
                point => point.GetProperty("start").GetString()!,
                point => decimal.Parse(point.GetProperty("quantity").GetString()!, CultureInfo.InvariantCulture)
            );
    }

    /// <summary>Seconds until the meter has the quantity.</summary>
    /// <exception cref="PolarisException">It did not within the timeout, or exceeds the quantity.</exception>
    public async Task<double> CatchUpAsync(string meter, decimal quantity, TimeSpan timeout, int days = 1)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var now = await UsageAsync(meter, days: days);
            if (now == quantity)
                return Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (now > quantity)
                throw new PolarisException($"{meter} is {now}, more than the {quantity} sent.");
            if (Stopwatch.GetElapsedTime(began) > timeout)
                throw new PolarisException($"{meter} is {now} of {quantity} after {timeout.TotalSeconds:0} s.");
            await Task.Delay(20);
        }
    }

    public void Dispose() => Client.Dispose();

    private static string Day(DateTime day) => day.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
