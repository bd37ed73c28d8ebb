using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>
/// One person who belongs to 20 orgs of 10 invoices each asks for all of them at once, through the gateway and all services behind it:
/// requests per second, latencies, and the SQL statements that a request takes in each service. The person signs in as people do, by the
/// sign-in page, and asks with the dashboard's session.
/// </summary>
internal sealed class OrganizationsCommand(Options options)
{
    public static readonly string[] Switches = ["--orgs", "--connections", "--seconds"];

    private const int Invoices = 10;
    private const int SetUpAtOnce = 4;
    private const string Query = "{ organizations { id name invoices(first: 10) { nodes { id total } } } }";

    private static readonly string[] Services = ["identity", "plans", "ingestion", "billing", "notifications"];
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly string email = $"person-{RandomNumberGenerator.GetHexString(12, lowercase: true)}@example.com";
    private readonly string password = RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 20);

    public async Task<int> RunAsync()
    {
        var count = options.Number("--orgs", 20);
        var (connections, time) = (options.Number("--connections", 8), TimeSpan.FromSeconds(options.Number("--seconds", 10)));
        var invitations = new string[count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = SetUpAtOnce },
            async (i, _) => invitations[i] = await SetUpAsync(i)
        );
        using var anyone = new PolarisClient(options.Url);
        foreach (var token in invitations)
            await anyone.QueryAsync(
                "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { org { id } } }",
                new { input = new { token, password } }
            );
        using var session = await DashboardSession.SignInAsync(options.Url, email, password);
        Console.WriteLine($"  a person in {count} orgs of {Invoices} invoices");
        // The first run compiles, prepares statements and plans the document.
        await LoadAsync(session, connections, time, count);
        var before = await StatementsAsync();
        await Task.Delay(Quiet);
        var quiet = await StatementsAsync();
        var (took, failed) = await LoadAsync(session, connections, time, count);
        var after = await StatementsAsync();
        var ordered = took.Order().ToArray();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {connections} connections: {took.Count / time.TotalSeconds:0} requests/s, "
                    + $"p50 {LoadRun.Percentile(ordered, 0.5):0.0} ms, p99 {LoadRun.Percentile(ordered, 0.99):0.0} ms, {failed} failed"
            )
        );
        foreach (var service in Services)
        {
            if (before[service] is not { } at || quiet[service] is not { } then || after[service] is not { } now)
                continue;
            // What it does anyway is not the request's.
            var anyway = (then - at) * (time / Quiet);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {service, -14} {(now - then - anyway) / took.Count:0.00} SQL statements a request"
                )
            );
        }

        return failed == 0 ? 0 : 1;
    }

    /// <summary>An org with its invoices, and an invitation into it.</summary>
    private async Task<string> SetUpAsync(int number)
    {
        using var org = await BenchOrg.CreateAsync(options.Url, $"org-{number}");
        await org.Client.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await org.Client.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "USD", interval: MONTH, publish: true,
              charges: [{key: "fee", price: {model: FLAT, amount: "12.50"}}]}) { id } }
            """
        );
        var keys = Enumerable.Range(0, Invoices).Select(i => $"c{i}").ToArray();
        await org.Client.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = keys.Select(key => new { key }) }
        );
        await org.Client.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = keys.Select(key => new
                {
                    customer = key,
                    plan = "p",
                    start = "2015-05-01T00:00:00Z",
                    end = "2015-06-01T00:00:00Z",
                }),
            }
        );
        await org.Client.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var began = Stopwatch.GetTimestamp();
        while (
            (await org.Client.QueryAsync("{ invoices(first: 1) { totalCount } }"))
                .GetProperty("invoices")
                .GetProperty("totalCount")
                .GetInt32() < Invoices
        )
        {
            if (Stopwatch.GetElapsedTime(began) > Limit)
                throw new PolarisException("The invoices were not drafted in time.");
            await Task.Delay(100);
        }

        return await org.InviteAsync(options.Url, email);
    }

    /// <returns>Milliseconds of each request, and how many did not answer with all of it.</returns>
    private static async Task<(IReadOnlyList<double> Took, int Failed)> LoadAsync(
        HttpClient session,
        int connections,
        TimeSpan during,
        int orgs
    )
    {
        var (took, failed) = (new List<double>(), 0);
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => AskAsync()));
        return (took, failed);

        async Task AskAsync()
        {
            while (Stopwatch.GetElapsedTime(began) < during)
            {
                var asked = Stopwatch.GetTimestamp();
                using var response = await session.PostAsJsonAsync("/graphql", new { query = Query });
                var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
                var milliseconds = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
                var isWhole =
                    answer.TryGetProperty("data", out var data)
                    && data.ValueKind == JsonValueKind.Object
                    && data.GetProperty("organizations").EnumerateArray().Count() == orgs
                    && data.GetProperty("organizations")
                        .EnumerateArray()
                        .All(org => org.GetProperty("invoices").GetProperty("nodes").GetArrayLength() == Invoices);
                lock (took)
                {
                    took.Add(milliseconds);
                    failed += isWhole ? 0 : 1;
                }
            }
        }
    }

    private async Task<Dictionary<string, double?>> StatementsAsync()
    {
        var statements = new Dictionary<string, double?>();
        foreach (var service in Services)
            statements.Add(service, await options.StatementsAsync(service));
        return statements;
    }
}
