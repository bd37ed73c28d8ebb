using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// <c>dotnet Polaris.X.dll migrate</c>: a separate step, run as the database's owner before the service starts. Creates the database if it
/// is missing, applies the EF migrations, then sets up the runtime role and row-level security from the catalog. Idempotent and safe to run
/// concurrently.
/// <para>
/// <c>migrate --wait</c>, run as the runtime role, changes nothing: it ends when another process has brought the database to this program's
/// newest migration. On Kubernetes a service starts behind it.
/// </para>
/// </summary>
public static class MigrateVerb
{
    // One migration at a time in the installation; the number only has to be unique to Polaris.
    private const long AdvisoryLock = 0x504f4c4152495331;

    private const string WaitSwitch = "--wait";
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>A wait this long fails the process; whoever started it starts it again, and the failure can be seen.</summary>
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Migrates (or waits for it) and returns true when the arguments ask for it; the caller then exits.</summary>
    /// <param name="ignoreOrgPolicy">
    /// Tables with an org_id that are read before the org is known (such as a key by its hash) and therefore have no policy.
    /// </param>
    public static async Task<bool> RunAsync<TContext>(
        string[] args,
        Func<DbContextOptions<TContext>, TContext> create,
        params string[] ignoreOrgPolicy
    )
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(create);
        if (args is not ["migrate", ..])
            return false;

        var wait = args.Contains(WaitSwitch);
        var settings = args[1..].Where(argument => argument != WaitSwitch).ToArray();
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(settings).Build();
        await using var source = DatabaseExtensions.BuildSource(
            configuration.GetConnectionString(DatabaseExtensions.ConnectionName),
            DatabaseExtensions.ConnectionName
        );
        var options = new DbContextOptionsBuilder<TContext>();
        DatabaseExtensions.Configure(options, source, commandTimeout: 600, retry: false);
        if (wait)
        {
            await WaitAsync(source, () => create(options.Options));
            return true;
        }

        await CreateDatabaseAsync(source, configuration.GetConnectionString(DatabaseExtensions.ConnectionName)!);
        await using var guard = await source.OpenConnectionAsync();
        await ExecuteAsync(guard, $"SELECT pg_advisory_lock({AdvisoryLock})");
        await using (var context = create(options.Options))
            await context.Database.MigrateAsync();
        await EnableRowSecurityAsync(guard, ignoreOrgPolicy);
        if (configuration["Database:RuntimeRole"] is { Length: > 0 } role)
            await GrantRuntimeRoleAsync(guard, role, configuration["Database:RuntimePassword"]);
        return true;
    }

    private static async Task WaitAsync(NpgsqlDataSource source, Func<DbContext> create)
    {
        var began = TimeProvider.System.GetTimestamp();
        var reason = "";
        while (TimeProvider.System.GetElapsedTime(began) < WaitTimeout)
        {
            var (done, missing) = await IsMigratedAsync(source, create);
            if (done)
                return;
            if (missing != reason)
                Console.WriteLine($"Waiting for migrations: {missing}");
            reason = missing;
            await Task.Delay(PollInterval);
        }

        throw new TimeoutException($"The database was not migrated within {WaitTimeout.TotalMinutes} minutes: {reason}");
    }

    private static async Task<(bool Done, string Missing)> IsMigratedAsync(NpgsqlDataSource source, Func<DbContext> create)
    {
        try
        {
            await using var guard = await source.OpenConnectionAsync();
            await using var transaction = await guard.BeginTransactionAsync();
            // Behind a migration that is under way: its grants and policies come after the last entry of the history.
            await ExecuteAsync(guard, $"SELECT pg_advisory_xact_lock_shared({AdvisoryLock})");
            await using var context = create();
            var pending = (await context.Database.GetPendingMigrationsAsync()).ToArray();
            return (pending.Length == 0, string.Join(", ", pending));
        }
        catch (Exception exception) when (exception is NpgsqlException or SocketException)
        {
            // No server, no database or no role yet, as before the first migration.
            return (false, exception.Message);
        }
    }

    private static async Task CreateDatabaseAsync(NpgsqlDataSource source, string connectionString)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
        }
        catch (PostgresException missing) when (missing.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            var server = new NpgsqlConnectionStringBuilder(connectionString) { Database = "postgres", Pooling = false };
            var name = new NpgsqlCommandBuilder().QuoteIdentifier(new NpgsqlConnectionStringBuilder(connectionString).Database!);
            await using var connection = new NpgsqlConnection(server.ConnectionString);
            await connection.OpenAsync();
            try
            {
                await ExecuteAsync(connection, $"CREATE DATABASE {name}");
            }
            catch (PostgresException other) when (other.SqlState == PostgresErrorCodes.DuplicateDatabase)
            {
                // Somebody else was faster.
            }
        }
    }

    /// <summary>
    /// The sub-queries make PostgreSQL read the settings once per statement instead of once per row, which cost a tenth of an insert.
    /// </summary>
    private const string Policy = """
        org_id = (SELECT nullif(current_setting('polaris.org_id', true), '')::uuid)
          OR (SELECT nullif(current_setting('polaris.cross_org', true), '') IS NOT NULL)
        """;

    /// <summary>What is read, in addition: the orgs that a person is verified in. Writing is for one org, or cross-org work.</summary>
    private const string ReadPolicy = $"""
        {Policy}
          OR org_id = ANY ((SELECT string_to_array(nullif(current_setting('polaris.org_ids', true), ''), ','))::uuid[])
        """;

    /// <summary>
    /// Creates the policy on every table with an org_id, so that none can be forgotten. A table that has it is not touched: changing a
    /// policy locks the table against all reads and writes, and there is no moment without one. Whether it is the same is decided by
    /// PostgreSQL's own text of the expression, compared with that of a temporary table's.
    /// </summary>
    private static Task EnableRowSecurityAsync(NpgsqlConnection connection, string[] except) =>
        ExecuteAsync(
            connection,
            $"""
            DO $do$
            DECLARE
              target record;
              wanted text;
              wanted_check text;
            BEGIN
              CREATE TEMPORARY TABLE polaris_policy (org_id uuid) ON COMMIT DROP;
              CREATE POLICY org_isolation ON polaris_policy USING ({ReadPolicy}) WITH CHECK ({Policy});
              SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) INTO wanted, wanted_check
              FROM pg_policy WHERE polrelid = 'polaris_policy'::regclass;
              FOR target IN
                SELECT c.oid, c.relname, c.relrowsecurity, p.oid AS policy,
                  coalesce(p.polpermissive AND p.polcmd = '*' AND p.polroles = ARRAY[0]::oid[]
                    AND pg_get_expr(p.polqual, c.oid) = wanted AND pg_get_expr(p.polwithcheck, c.oid) = wanted_check, false) AS same
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'org_isolation'
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                  AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped)
                  AND c.relname <> ALL (ARRAY[{string.Join(',', except.Select(table => $"'{table}'"))}]::text[])
              LOOP
                IF NOT target.relrowsecurity THEN
                  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target.relname);
                END IF;
                IF NOT target.same THEN
                  IF target.policy IS NOT NULL THEN
                    EXECUTE format('DROP POLICY org_isolation ON %I', target.relname);
                  END IF;
                  EXECUTE format($p$ CREATE POLICY org_isolation ON %I USING ({ReadPolicy}) WITH CHECK ({Policy}) $p$, target.relname);
                END IF;
              END LOOP;
            END $do$
            """
        );

    private static async Task GrantRuntimeRoleAsync(NpgsqlConnection connection, string role, string? password)
    {
        if (string.IsNullOrEmpty(password))
            throw new InvalidOperationException("Database:RuntimePassword is missing.");
        var name = new NpgsqlCommandBuilder().QuoteIdentifier(role);
        var literal = password.Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(
            connection,
            $"""
            DO $do$ BEGIN
              IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role.Replace("'", "''", StringComparison.Ordinal)}') THEN
                CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
              END IF;
            END $do$
            """
        );
        await ExecuteAsync(connection, $"ALTER ROLE {name} PASSWORD '{literal}'");
        await ExecuteAsync(connection, $"GRANT USAGE ON SCHEMA public TO {name}");
        await ExecuteAsync(connection, $"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}");
        await ExecuteAsync(connection, $"REVOKE INSERT, UPDATE, DELETE ON \"{HistoryRepository.DefaultTableName}\" FROM {name}");
        await ExecuteAsync(connection, $"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        await command.ExecuteNonQueryAsync();
    }
}
