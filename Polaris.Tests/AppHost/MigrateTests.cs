using System.Diagnostics;
using System.Security.Cryptography;
using Aspire.Hosting.Testing;
using Npgsql;
using Polaris.AppHost.Hosting;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>The verb <c>migrate</c> as a deployment runs it: the owner's Job, and the service that waits for it as its own role.</summary>
public sealed class MigrateTests(PolarisApp polaris) : PlatformTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_service_waits_until_its_database_is_there_and_at_the_newest_migration()
    {
        var name = "migrate_" + RandomNumberGenerator.GetHexString(8, lowercase: true);
        var owner = new NpgsqlConnectionStringBuilder(await polaris.App.GetConnectionStringAsync("billingdb"))
        {
            Database = name,
            Pooling = false,
        };
        var service = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = name, Password = name };
        try
        {
            using (var waiting = Start(service, "--wait"))
            {
                Assert.StartsWith("Waiting for migrations: ", await LineAsync(waiting), StringComparison.Ordinal);
                using (var migrating = Start(owner))
                    await EndAsync(migrating);
                await EndAsync(waiting);
            }

            // A release with one more migration than the database has.
            await using var history = new NpgsqlConnection(owner.ConnectionString);
            await history.OpenAsync();
            const string Newest = """SELECT max(migration_id) FROM "__EFMigrationsHistory" """;
            var newest = (string)(await ExecuteAsync(history, Newest))!;
            await ExecuteAsync(history, """UPDATE "__EFMigrationsHistory" SET migration_id = 'x' WHERE migration_id = $1""", newest);
            using var waitingAgain = Start(service, "--wait");
            Assert.Equal("Waiting for migrations: " + newest, await LineAsync(waitingAgain));
            await ExecuteAsync(history, """UPDATE "__EFMigrationsHistory" SET migration_id = $1 WHERE migration_id = 'x'""", newest);
            await EndAsync(waitingAgain);
        }
        finally
        {
            await using var server = await polaris.OpenDatabaseAsync("billingdb");
            await ExecuteAsync(server, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            await ExecuteAsync(server, $"DROP ROLE IF EXISTS {name}");
        }
    }

    [Fact]
    public async Task A_second_migration_touches_no_policy_but_one_that_differs()
    {
        var name = "migrate_" + RandomNumberGenerator.GetHexString(8, lowercase: true);
        var owner = new NpgsqlConnectionStringBuilder(await polaris.App.GetConnectionStringAsync("billingdb"))
        {
            Database = name,
            Pooling = false,
        };
        const string Policies = "SELECT string_agg(polrelid::regclass || ' ' || oid || ' ' || xmin, ',' ORDER BY oid) FROM pg_policy";
        try
        {
            using (var first = Start(owner))
                await EndAsync(first);
            await using var connection = new NpgsqlConnection(owner.ConnectionString);
            await connection.OpenAsync();
            var before = (string)(await ExecuteAsync(connection, Policies))!;
            using (var second = Start(owner))
                await EndAsync(second);
            Assert.Equal(before, (string)(await ExecuteAsync(connection, Policies))!);

            await ExecuteAsync(connection, "ALTER POLICY org_isolation ON meters USING (true)");
            await ExecuteAsync(connection, "ALTER TABLE meters DISABLE ROW LEVEL SECURITY");
            using (var third = Start(owner))
                await EndAsync(third);
            const string Meters = """
                SELECT count(DISTINCT pg_get_expr(polqual, polrelid)) = 1 AND bool_and(relrowsecurity)
                FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relname IN ('meters', 'subscriptions', 'usage_aggregates')
                """;
            Assert.Equal(true, await ExecuteAsync(connection, Meters));
            Assert.Equal(
                before.Split(',').Length,
                ((string)(await ExecuteAsync(connection, Policies))!).Split(',').Intersect(before.Split(',')).Count() + 1
            );
        }
        finally
        {
            await using var server = await polaris.OpenDatabaseAsync("billingdb");
            await ExecuteAsync(server, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            await ExecuteAsync(server, $"DROP ROLE IF EXISTS {name}");
        }
    }

    private static Process Start(NpgsqlConnectionStringBuilder database, params string[] more)
    {
        var program = BuiltProject.ExecutableOf(Path.Combine(Switches.RepositoryRoot, "Polaris.Billing", "Polaris.Billing.csproj"));
        var start = new ProcessStartInfo(program, ["migrate", .. more])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["ConnectionStrings__database"] = database.ConnectionString,
                ["Database__RuntimeRole"] = database.Database,
                ["Database__RuntimePassword"] = database.Database,
            },
        };
        return Process.Start(start)!;
    }

    private static async Task<string?> LineAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        return await process.StandardOutput.ReadLineAsync(timeout.Token);
    }

    private static async Task EndAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        await process.WaitForExitAsync(timeout.Token);
        Assert.Equal(0, process.ExitCode);
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql, params string[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        return await command.ExecuteScalarAsync();
    }
}
