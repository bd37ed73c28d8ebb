using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Polaris.Bench.Notify;

/// <summary>
/// Webhooks of an org beside quiet, beside endpoints that hang, and beside an org with very many waiting deliveries: the time from an
/// event's arrival to its delivery, and how many deliveries a second the busy org gets meanwhile.
/// </summary>
internal sealed class NotifyCommand(Options options)
{
    public static readonly string[] Switches = ["--waiting", "--seconds", "--rate", "--postgres"];

    private const int HangingEndpoints = 8;
    private const int HangingDeliveries = 2_000;
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(2);

    public async Task<int> RunAsync()
    {
        var server =
            options.Postgres() ?? throw new PolarisException("PostgreSQL is unknown; name the AppHost's state folder with --state.");
        await using var database = NpgsqlDataSource.Create(server + ";Database=notificationsdb;Command Timeout=600");
        using var receiver = Start(out var port);
        try
        {
            string Url(string name, string behaviour) =>
                string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/{name}/{behaviour}");
            using var neighbour = await BenchOrg.CreateAsync(options.Url, "notify");
            await EndpointAsync(neighbour, Url("neighbour", "ok"));
            await MeasureAsync(database, neighbour, "warm-up", 5);
            Console.WriteLine("  beside                 events   p50 ms   p99 ms   max ms   busy org's deliveries/s");
            var seconds = options.Number("--seconds", 20);
            Print("quiet", await MeasureAsync(database, neighbour, "quiet", seconds), null);

            using var hanging = await BenchOrg.CreateAsync(options.Url, "hanging");
            for (var i = 0; i < HangingEndpoints; i++)
                await FillAsync(database, hanging, await EndpointAsync(hanging, Url("hanging", "hangs")), HangingDeliveries, i);
            Print($"{HangingEndpoints} hanging", await MeasureAsync(database, neighbour, "hanging", seconds), null);

            using var busy = await BenchOrg.CreateAsync(options.Url, "busy");
            var waiting = options.Number("--waiting", 200_000);
            var began = Stopwatch.GetTimestamp();
            await FillAsync(database, busy, await EndpointAsync(busy, Url("busy", "ok")), waiting, 0);
            Console.WriteLine($"  ({waiting} deliveries written in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s)");
            var before = await DeliveredAsync(database, busy);
            began = Stopwatch.GetTimestamp();
            var beside = await MeasureAsync(database, neighbour, "busy", seconds);
            var rate = (await DeliveredAsync(database, busy) - before) / Stopwatch.GetElapsedTime(began).TotalSeconds;
            Print($"{waiting} waiting", beside, rate);
            // What is left is nobody's: the platform may go on to something else.
            foreach (var org in new[] { busy, hanging })
                await ExecuteAsync(database, "DELETE FROM deliveries WHERE org_id = $1", Guid.Parse(org.Id));
            return 0;
        }
        finally
        {
            receiver.Kill();
        }
    }

    private static Process Start(out int port)
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.ChangeExtension(typeof(NotifyCommand).Assembly.Location, ".dll"));
        start.ArgumentList.Add("receiver");
        start.ArgumentList.Add(port.ToString(CultureInfo.InvariantCulture));
        var process = Process.Start(start)!;
        process.StandardOutput.ReadLine();
        return process;
    }

    private static async Task<Guid> EndpointAsync(BenchOrg org, string url)
    {
        var made = await org.Client.QueryAsync(
            "mutation($url: String!) { createWebhookEndpoint(input: {url: $url, eventTypes: [\"customer.created\"]}) { endpoint { id } } }",
            new { url }
        );
        return made.GetProperty("createWebhookEndpoint").GetProperty("endpoint").GetProperty("id").GetGuid();
    }

    /// <summary>Writes waiting deliveries past the service: what days of an outage would leave behind.</summary>
    private static async Task FillAsync(NpgsqlDataSource database, BenchOrg org, Guid endpoint, int count, int series)
    {
        await ExecuteAsync(
            database,
            """
            WITH made AS (
              INSERT INTO events (org_id, id, kind, occurred_at, body, secret, received_at)
              SELECT $1, ('0190000' || $4 || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'customer.created', now(),
                '{"type":"customer.created","version":1,"data":{"customer":"c' || n || '"}}', false, now()
              FROM generate_series(1, $3) n RETURNING id)
            INSERT INTO deliveries (org_id, id, queue_id, event_id, kind, channel, recipient, status, attempts, tries, next_at, created_at)
            SELECT $1, id, $2, id, 'customer.created', 'webhook', '', 'waiting', 0, 0, now(), now() FROM made
            """,
            Guid.Parse(org.Id),
            endpoint,
            count,
            series.ToString(CultureInfo.InvariantCulture)
        );
        await ExecuteAsync(
            database,
            """
            INSERT INTO queues AS q (org_id, id, due_at, turn_at, held_until, failures) VALUES ($1, $2, now(), now(), now(), 0)
            ON CONFLICT (org_id, id) DO UPDATE SET due_at = now()
            """,
            Guid.Parse(org.Id),
            endpoint
        );
    }

    /// <summary>Events at a steady rate; for each the milliseconds from its arrival at Notifications to its delivery.</summary>
    private async Task<double[]> MeasureAsync(NpgsqlDataSource database, BenchOrg org, string phase, int seconds)
    {
        var rate = options.Number("--rate", 10);
        var (began, sent) = (Stopwatch.GetTimestamp(), 0);
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / rate));
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds && await pace.WaitForNextTickAsync())
            await org.Client.QueryAsync(
                "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
                new { input = new[] { new { key = string.Create(CultureInfo.InvariantCulture, $"{phase}-{sent++}") } } }
            );
        began = Stopwatch.GetTimestamp();
        while (true)
        {
            var found = new List<double>();
            await using var command = database.CreateCommand(
                """
                SELECT extract(epoch FROM d.finished_at - d.created_at)::float8 * 1000 FROM deliveries d
                JOIN events e ON e.org_id = d.org_id AND e.id = d.event_id
                WHERE d.org_id = $1 AND d.status = 'delivered' AND e.body LIKE $2
                """
            );
            command.Parameters.AddWithValue(Guid.Parse(org.Id));
            command.Parameters.AddWithValue($"%\"{phase}-%");
            await using (var reader = await command.ExecuteReaderAsync())
            {
                while (await reader.ReadAsync())
                    found.Add(reader.GetDouble(0));
            }

            if (found.Count >= sent)
                return [.. found.Order()];
            if (Stopwatch.GetElapsedTime(began) > CatchUp)
                throw new PolarisException($"Only {found.Count} of {sent} events were delivered within {CatchUp.TotalMinutes} minutes.");
            await Task.Delay(100);
        }
    }

    private static async Task<long> DeliveredAsync(NpgsqlDataSource database, BenchOrg org)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM deliveries WHERE org_id = $1 AND status = 'delivered'");
        command.Parameters.AddWithValue(Guid.Parse(org.Id));
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, params object[] values)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        await command.ExecuteNonQueryAsync();
    }

    private static void Print(string beside, double[] took, double? rate) =>
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {beside, -20} {took.Length, 8} {At(took, 0.5), 8:0} {At(took, 0.99), 8:0} {took[^1], 8:0}   {rate, 8:0}"
            )
        );

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
