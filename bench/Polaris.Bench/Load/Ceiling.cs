using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;

namespace Polaris.Bench.Load;

/// <summary>
/// Baselines on the same PostgreSQL. The ceiling inserts events by arrays, one wide row each with an outbox row per statement, without
/// HTTP, parsing or consumers: an upper bound for ingestion. One row per commit is what a naive service would do.
/// </summary>
internal sealed class Ceiling(string postgres)
{
    private const string Database = "polaris_bench";

    public Task<double> RateAsync(int batch, int connections, TimeSpan time) =>
        MeasureAsync(connections, time, (connection, index, began) => InsertAsync(connection, batch, index, began, time));

    /// <summary>Events per second with one statement and one commit per event: the upper bound of a service without group commit.</summary>
    public Task<double> OneRowRateAsync(int connections, TimeSpan time) =>
        MeasureAsync(connections, time, (connection, index, began) => InsertOneByOneAsync(connection, index, began, time));

    /// <summary>Events per second of an HTTP service with one commit per event.</summary>
    public async Task<double> ServiceRateAsync(int connections, TimeSpan time)
    {
        await CreateAsync();
        double rate;
        await using (var service = await OneRowService.StartAsync($"{postgres};Database={Database}", connections))
            rate = (await new LoadRun(service.Url, "", 1, connections, time).RunAsync()).Rate;
        await CleanAsync();
        return rate;
    }

    private async Task<double> MeasureAsync(int connections, TimeSpan time, Func<NpgsqlConnection, int, long, Task<long>> insertAsync)
    {
        await CreateAsync();
        double rate;
        await using (
            var source = NpgsqlDataSource.Create($"{postgres};Database={Database};Maximum Pool Size={connections};Max Auto Prepare=10")
        )
        {
            // Opening connections is not measured: it takes as much CPU as a thousand rows.
            var open = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => source.OpenConnectionAsync().AsTask()));
            var began = Stopwatch.GetTimestamp();
            var counts = await Task.WhenAll(open.Select((connection, index) => Task.Run(() => insertAsync(connection, index, began))));
            rate = counts.Sum() / Stopwatch.GetElapsedTime(began).TotalSeconds;
            foreach (var connection in open)
                await connection.DisposeAsync();
        }

        await CleanAsync();
        return rate;
    }

    /// <summary>Removes what would slow down the next measurement: back ends that are ending, dirty pages, vacuuming.</summary>
    private Task CleanAsync() => OnServerAsync($"DROP DATABASE {Database} WITH (FORCE)", "CHECKPOINT");

    private async Task OnServerAsync(params string[] statements)
    {
        await using var server = NpgsqlDataSource.Create($"{postgres};Database=postgres;Pooling=false");
        foreach (var statement in statements)
        {
            await using var command = server.CreateCommand(statement);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task<long> InsertOneByOneAsync(NpgsqlConnection connection, int index, long began, TimeSpan time)
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO events (org_id, idempotency_key, type, customer, at, properties, batch_id, received_at)
            VALUES ($1, $2, 'api.call', $3, $4, $5::jsonb, $1, now()) ON CONFLICT DO NOTHING
            """,
            connection
        );
        var (key, customer) = (new NpgsqlParameter<string>(), new NpgsqlParameter<string>());
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
        command.Parameters.Add(key);
        command.Parameters.Add(customer);
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = TimeProvider.System.GetUtcNow().UtcDateTime });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = """{"tokens":42,"region":"eu-west"}""" });
        var next = 0L;
        for (; Stopwatch.GetElapsedTime(began) < time; next++)
        {
            (key.TypedValue, customer.TypedValue) = ($"{index}-{next:D12}", $"customer-{next % EventBodies.Customers}");
            await command.ExecuteNonQueryAsync();
        }

        return next;
    }

    private async Task CreateAsync()
    {
        await OnServerAsync($"DROP DATABASE IF EXISTS {Database} WITH (FORCE)", $"CREATE DATABASE {Database}");
        await using var source = NpgsqlDataSource.Create($"{postgres};Database={Database};Pooling=false");
        await using var tables = source.CreateCommand(
            """
            CREATE TABLE events (org_id uuid NOT NULL, idempotency_key text NOT NULL, type text NOT NULL, customer text NOT NULL,
              at timestamptz NOT NULL,
              properties jsonb NOT NULL, batch_id uuid NOT NULL, received_at timestamptz NOT NULL, PRIMARY KEY (org_id, idempotency_key));
            CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id uuid NOT NULL, batch_id uuid NOT NULL);
            """
        );
        await tables.ExecuteNonQueryAsync();
    }

    private static async Task<long> InsertAsync(NpgsqlConnection connection, int batch, int index, long began, TimeSpan time)
    {
        var (run, org, next) = (RandomNumberGenerator.GetHexString(8, lowercase: true), Guid.CreateVersion7(), 0L);
        while (Stopwatch.GetElapsedTime(began) < time)
        {
            await using var command = new NpgsqlCommand(
                """
                WITH fresh AS (
                  INSERT INTO events (org_id, idempotency_key, type, customer, at, properties, batch_id, received_at)
                  SELECT $1, k, t, c, a, p::jsonb, $2, now()
                  FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[]) e(k, t, c, a, p)
                  ON CONFLICT DO NOTHING RETURNING 1)
                INSERT INTO outbox (org_id, batch_id) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM fresh)
                """,
                connection
            );
            var at = TimeProvider.System.GetUtcNow().UtcDateTime;
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
            Add(command, batch, i => $"{run}-{index}-{next + i:D12}");
            Add(command, batch, _ => "api.call");
            Add(command, batch, i => $"customer-{i % EventBodies.Customers}");
            Add(command, batch, _ => at);
            Add(command, batch, i => $$"""{"tokens":{{i % 97}},"region":"eu-west"}""");
            await command.ExecuteNonQueryAsync();
            next += batch;
        }

        return next;
    }

    private static void Add<T>(NpgsqlCommand command, int count, Func<int, T> value)
    {
        var values = new T[count];
        for (var i = 0; i < count; i++)
            values[i] = value(i);
        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values });
    }
}
