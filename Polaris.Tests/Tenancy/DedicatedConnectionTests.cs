using System.Text.Json;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;
using UsageRelay = Polaris.Ingestion.Features.Relay.UsageRelay;

namespace Polaris.Tests.Tenancy;

/// <summary>What a worker's own connection can see, under its service's role.</summary>
public sealed class DedicatedConnectionTests(PolarisApp polaris) : PlatformTests
{
    private const string Row =
        "'0192e4a0-0000-7000-8000-000000000001'::uuid, 'kept', "
        + "'0192e4a0-0000-7000-8000-000000000002'::uuid, '0192e4a0-0000-7000-8000-000000000003'::uuid";

    [Fact]
    public async Task Cross_org_access_ends_with_its_statement_and_is_given_only_to_what_reads_its_scope()
    {
        await using var source = await SourceAsync();
        await using var kept = new DedicatedConnection(source);
        await using (
            var inside = await kept.CreateCrossOrgCommandAsync(
                CrossOrgScope.Ingest,
                $"stored AS (INSERT INTO event_keys SELECT r.* FROM scope, (SELECT {Row}) r RETURNING 1) SELECT count(*) / 0 FROM stored",
                default
            )
        )
            Assert.Equal(
                PostgresErrorCodes.DivisionByZero,
                (await Assert.ThrowsAsync<PostgresException>(() => inside.ExecuteScalarAsync())).SqlState
            );

        await using (
            var forgets = await kept.CreateCrossOrgCommandAsync(
                CrossOrgScope.Ingest,
                $"stored AS (INSERT INTO event_keys SELECT {Row} RETURNING 1) SELECT count(*) FROM stored",
                default
            )
        )
            Assert.Equal(
                PostgresErrorCodes.InsufficientPrivilege,
                (await Assert.ThrowsAsync<PostgresException>(() => forgets.ExecuteScalarAsync())).SqlState
            );

        await using var opens = await kept.CreateCrossOrgCommandAsync(
            CrossOrgScope.Ingest,
            "seen AS (SELECT * FROM scope) SELECT current_setting('polaris.cross_org', true) FROM seen",
            default
        );
        Assert.Equal("ingest", await opens.ExecuteScalarAsync());
        await using var after = new NpgsqlCommand(
            "SELECT coalesce(current_setting('polaris.cross_org', true), '') || coalesce(current_setting('polaris.org_id', true), '')",
            opens.Connection
        );
        Assert.Equal("", await after.ExecuteScalarAsync());
        await using (var tx = await kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, default))
            Assert.Same(opens.Connection, tx.Connection);
        Assert.Equal("", await after.ExecuteScalarAsync());
    }

    [Theory]
    [InlineData(UsageRelay.OldestRows, "(int[], int)", "('{0,1,2,3}', 512)")]
    [InlineData(UsageRelay.Backlog, "", "")]
    public async Task What_the_relay_plans_while_nothing_is_stored_does_not_read_all_that_is_stored_later(
        string query,
        string types,
        string values
    )
    {
        await using var connection = await polaris.OpenDatabaseAsync("ingestiondb");
        // Empty temporary tables shadow those that other tests have filled.
        await using var command = new NpgsqlCommand(
            $"""
            CREATE TEMP TABLE outbox (LIKE public.outbox INCLUDING ALL);
            CREATE TEMP TABLE usage_batches (LIKE public.usage_batches INCLUDING ALL);
            SET plan_cache_mode = force_generic_plan;
            PREPARE planned{types} AS {query};
            EXPLAIN EXECUTE planned{values}
            """,
            connection
        );
        var plan = new List<string>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                plan.Add(reader.GetString(0));
        }

        Assert.Contains(
            plan,
            line =>
                line.Contains("Index Scan using", StringComparison.Ordinal) && line.Contains("on usage_batches", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on usage_batches", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_broke_is_opened_anew()
    {
        await using var source = await SourceAsync();
        await using var kept = new DedicatedConnection(source);
        int first;
        await using (var tx = await kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, default))
            first = tx.Connection.ProcessID;
        await polaris.ScalarAsync<bool>("ingestiondb", "SELECT pg_terminate_backend($1, 5000)", first);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, default));
        await using var again = await kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, default);
        Assert.NotEqual(first, again.Connection.ProcessID);
        await using var mode = again.Command("SHOW plan_cache_mode");
        Assert.Equal("force_generic_plan", await mode.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_transaction_that_could_not_begin_is_not_in_the_way_of_the_next()
    {
        using var stop = new CancellationTokenSource();
        using var statements = new CancelAt("transaction", stop);
        await using var source = await SourceAsync(statements);
        await using var kept = new DedicatedConnection(source);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, stop.Token));
        Assert.True(stop.IsCancellationRequested);
        await using var next = await kept.BeginCrossOrgAsync(CrossOrgScope.Ingest, default);
        await using var setting = next.Command("SELECT current_setting('polaris.cross_org')");
        Assert.Equal("ingest", await setting.ExecuteScalarAsync());
    }

    private async Task<NpgsqlDataSource> SourceAsync(ILoggerFactory? log = null)
    {
        using var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(polaris.State, "secrets.json")));
        return new NpgsqlDataSourceBuilder(
            $"{await polaris.App.GetConnectionStringAsync("ingestiondb")};Username=polaris_ingestion;"
                + $"Password={secrets.RootElement.GetProperty("ingestion-database-password").GetString()};No Reset On Close=true"
        )
            .UseLoggerFactory(log)
            .Build();
    }

    /// <summary>Cancels when Npgsql logs the given text.</summary>
    private sealed class CancelAt(string word, CancellationTokenSource stop) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (formatter(state, exception).Contains(word, StringComparison.Ordinal))
                stop.Cancel();
        }

        public void Dispose() { }
    }
}
