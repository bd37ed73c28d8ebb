using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polaris.Demo;

/// <summary>What a newcomer needs to look around; kept beside the data, readable by the owner only.</summary>
internal sealed record DemoTenant(string OrgId, string ApiKey, string Email, string Password);

/// <summary>
/// The demo tenant, made through the public interfaces like anybody's: meters, a plan, customers with subscriptions, last month's usage (so
/// that there are invoices) and this month's up to now. At a later start only what is missing since then is sent.
/// </summary>
internal sealed class SeedDemo(Uri url, string stateFolder)
{
    private static readonly JsonSerializerOptions File = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);
    private const int BatchSize = 1_000;

    private string StatePath { get; } = Path.Combine(stateFolder, "demo.json");

    /// <summary>Written when the set-up is complete. Without it the next start repeats the set-up, which is idempotent.</summary>
    private string CompletePath => Path.ChangeExtension(StatePath, ".complete");

    public async Task<int> RunAsync()
    {
        var now = TimeProvider.System.GetUtcNow();
        var known = System.IO.File.Exists(StatePath)
            ? JsonSerializer.Deserialize<DemoTenant>(await System.IO.File.ReadAllTextAsync(StatePath), File)
            : null;
        var working = known is not null && await IsWorkingAsync(known);
        var fresh = !working || !System.IO.File.Exists(CompletePath);
        var tenant = working ? known! : await SignUpAsync();
        using var client = new PolarisClient(url, tenant.ApiKey);
        if (fresh)
            await SetUpAsync(client, now);
        var sent = await SendAsync(client, DemoUsage.Events(now), fresh);
        if (fresh)
        {
            await WaitForInvoicesAsync(client);
            await System.IO.File.WriteAllTextAsync(CompletePath, "");
        }

        Console.WriteLine(fresh ? $"demo tenant created with {sent} events" : $"demo tenant found; {sent} events since the last start");
        return 0;
    }

    private async Task<bool> IsWorkingAsync(DemoTenant tenant)
    {
        try
        {
            using var client = new PolarisClient(url, tenant.ApiKey);
            await client.QueryAsync("{ me { org { id } } }");
            return true;
        }
        catch (PolarisException)
        {
            return false;
        }
    }

    private async Task<DemoTenant> SignUpAsync()
    {
        using var anyone = new PolarisClient(url);
        var password = RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", 16);
        var email = "demo@polaris.example";
        while (true)
        {
            try
            {
                var answer = (
                    await anyone.QueryAsync(
                        "mutation($input: SignUpInput!) { signUp(input: $input) { emailProof org { id } apiKey { secret } } }",
                        new
                        {
                            input = new
                            {
                                email,
                                password,
                                orgName = "Northwind Cloud",
                                currency = "USD",
                                timeZone = "UTC",
                                sandbox = true,
                            },
                        }
                    )
                ).GetProperty("signUp");
                await anyone.QueryAsync(
                    "mutation($token: String!) { proveEmail(token: $token) { userId } }",
                    new { token = answer.GetProperty("emailProof").GetString() }
                );
                using var first = new PolarisClient(url, answer.GetProperty("apiKey").GetProperty("secret").GetString());
                var key = (
                    await first.QueryAsync(
                        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }",
                        new
                        {
                            input = new
                            {
                                name = "demo",
                                scopes = new[] { "ingest", "read", "admin" },
                                backfill = true,
                            },
                        }
                    )
                ).GetProperty("createApiKey").GetProperty("secret").GetString()!;
                var tenant = new DemoTenant(answer.GetProperty("org").GetProperty("id").GetString()!, key, email, password);
                await WriteAsync(tenant);
                return tenant;
            }
            catch (PolarisException exception) when (exception.Code == "CONFLICT")
            {
                // An earlier demo whose demo.json is lost.
                email = $"demo-{RandomNumberGenerator.GetHexString(6, lowercase: true)}@polaris.example";
            }
        }
    }

    private async Task WriteAsync(DemoTenant tenant)
    {
        var temporary = StatePath + ".new";
        var how = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (var stream = new FileStream(temporary, how))
            await JsonSerializer.SerializeAsync(stream, tenant, File);
        System.IO.File.Move(temporary, StatePath, overwrite: true);
    }

    private static async Task SetUpAsync(PolarisClient client, DateTimeOffset now)
    {
        foreach (
            var (key, name, type, aggregation, property) in new[]
            {
                ("api_calls", "API calls", "api.call", "COUNT", null),
                ("tokens", "Tokens", "api.call", "SUM", "tokens"),
                ("active_users", "Active users", "api.call", "UNIQUE_COUNT", "user"),
                ("peak_memory", "Peak memory (MB)", "job.run", "MAX", "memory_mb"),
            }
        )
            await client.QueryAsync(
                "mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }",
                new
                {
                    input = new
                    {
                        key,
                        name,
                        eventType = type,
                        aggregation,
                        property,
                    },
                }
            );

        await client.QueryAsync("mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }", new { input = Plan() });
        await client.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new
            {
                input = DemoUsage.Customers.Select(customer => new
                {
                    key = customer.Key,
                    name = customer.Name,
                    email = $"billing@{customer.Key}.example",
                }),
            }
        );
        var start = DemoUsage.StartOfMonth(now).AddMonths(-1).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        await client.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = DemoUsage.Customers.Select(customer => new
                {
                    customer = customer.Key,
                    plan = "pro",
                    start,
                    anchorDay = 1,
                    timeZone = "UTC",
                }),
            }
        );
    }

    private static object Plan() =>
        new
        {
            key = "pro",
            name = "Pro",
            currency = "USD",
            interval = "MONTH",
            publish = true,
            charges = new object[]
            {
                new
                {
                    key = "base",
                    name = "Platform fee",
                    price = new { model = "FLAT", amount = "49.00" },
                },
                new
                {
                    key = "api_calls",
                    name = "API calls",
                    meter = "api_calls",
                    price = new
                    {
                        model = "GRADUATED",
                        tiers = new object[]
                        {
                            new { upTo = "100", unitPrice = "0" },
                            new { upTo = "400", unitPrice = "0.02" },
                            new { unitPrice = "0.015" },
                        },
                    },
                },
                new
                {
                    key = "tokens",
                    name = "Tokens",
                    meter = "tokens",
                    price = new
                    {
                        model = "PACKAGE",
                        packageSize = "10000",
                        packagePrice = "0.25",
                        freeUnits = "50000",
                    },
                },
                new
                {
                    key = "active_users",
                    name = "Active users",
                    meter = "active_users",
                    price = new
                    {
                        model = "VOLUME",
                        tiers = new object[] { new { upTo = "5", unitPrice = "3.00" }, new { unitPrice = "2.50" } },
                    },
                },
            },
        };

    /// <summary>Newest first when the tenant is known: the first batch that is all duplicates ends it.</summary>
    private static async Task<int> SendAsync(PolarisClient client, IEnumerable<EventBody> events, bool all)
    {
        var sent = 0;
        foreach (var some in events.Chunk(all ? BatchSize : 200))
        {
            var answer = await client.IngestAsync(some);
            // A conflict is an event that an earlier version of the demo sent with other content: that one stands.
            if (answer.Rejected > 0)
                throw new PolarisException($"{answer.Rejected} of the demo's events were refused.");
            sent += answer.Accepted;
            if (!all && answer.Accepted == 0)
                break;
        }

        return sent;
    }

    private static async Task WaitForInvoicesAsync(PolarisClient client)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < Timeout)
        {
            var answer = await client.QueryAsync("{ clock { duePeriods } invoices(first: 1) { totalCount } }");
            if (
                answer.GetProperty("invoices").GetProperty("totalCount").GetInt32() > 0
                && answer.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 0
            )
                return;
            await Task.Delay(100);
        }

        throw new PolarisException("The demo's invoices did not appear.");
    }
}

/// <summary>
/// Usage like a small product's: more by day, less at weekends, customers of different sizes. A time always gives the same events.
/// </summary>
internal static class DemoUsage
{
    public static readonly (string Key, string Name, int Weight)[] Customers =
    [
        ("acme", "Acme Robotics", 10),
        ("bluebird", "Bluebird Travel", 6),
        ("cobalt", "Cobalt Games", 8),
        ("dunes", "Dunes Analytics", 4),
        ("evergreen", "Evergreen Health", 5),
        ("fjord", "Fjord Shipping", 3),
        ("granite", "Granite Bank", 7),
        ("harbor", "Harbor Foods", 2),
    ];

    public static DateTimeOffset StartOfMonth(DateTimeOffset at) => new(at.Year, at.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>From the start of last month until now, newest first.</summary>
    public static IEnumerable<EventBody> Events(DateTimeOffset now)
    {
        var from = StartOfMonth(now).AddMonths(-1);
        var hour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        for (; hour >= from; hour = hour.AddHours(-1))
        {
            for (var c = Customers.Length - 1; c >= 0; c--)
            {
                foreach (var one in OfHour(hour, c).Where(one => DateTimeOffset.Parse(one.Timestamp, CultureInfo.InvariantCulture) <= now))
                    yield return one;
            }
        }
    }

    private static IEnumerable<EventBody> OfHour(DateTimeOffset hour, int customer)
    {
        var (key, _, weight) = Customers[customer];
        // An explicit seed: System.Random keeps its sequence for one.
        var random = new Random(HashCode(hour, customer));
        var daily = 1 - Math.Cos((hour.Hour - 3) * Math.PI / 12);
        var weekend = hour.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 0.4 : 1;
        var count = (int)(weight * daily * weekend * (0.5 + random.NextDouble()) / 4);
        for (var i = 0; i < count; i++)
        {
            var at = hour.AddSeconds(random.Next(3_600)).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            yield return new EventBody(
                $"demo-{key}-{hour:yyyyMMddHH}-{i}",
                "api.call",
                key,
                at,
                new JsonObject
                {
                    ["endpoint"] = random.Next(3) switch
                    {
                        0 => "/v1/search",
                        1 => "/v1/summarize",
                        _ => "/v1/translate",
                    },
                    ["tokens"] = random.Next(50, 2_500),
                    ["user"] = $"user-{random.Next(2 + weight)}",
                }
            );
        }

        if (hour.Hour % 6 == 0)
            yield return new EventBody(
                $"demo-job-{key}-{hour:yyyyMMddHH}",
                "job.run",
                key,
                hour.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                new JsonObject { ["memory_mb"] = random.Next(128, 4_096) }
            );
    }

    private static int HashCode(DateTimeOffset hour, int customer) =>
        unchecked((int)(hour.ToUnixTimeSeconds() / 3_600 * 31) + customer * 7_919);
}
