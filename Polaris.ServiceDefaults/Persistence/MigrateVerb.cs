using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Polaris.ServiceDefaults.Persistence;

/// <summary>
/// <c>dotnet Polaris.X.dll migrate</c>: a step of its own, run as the database's owner before the service starts. Applies the EF
/// migrations, then brings the runtime role and row-level security to what the catalog asks for. Safe to repeat and to run twice at once.
/// </summary>
public static class MigrateVerb
{
    // One migration at a time, installation-wide; the number only has to be ours.
    private const long AdvisoryLock = 0x504f4c4152495331;

    /// <summary>True when the arguments asked for migration, which is then done; the caller returns.</summary>
    /// <param name="ignoreOrgPolicy">Tables with an org_id that are looked up before the org is known (a key by its hash) and so carry no policy.</param>
    public static async Task<bool> RunAsync<TContext>(string[] args, Func<DbContextOptions<TContext>, TContext> create, params string[] ignoreOrgPolicy)
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(create);
        if (args is not ["migrate", ..]) return false;

        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args[1..]).Build();
        await using var source = DatabaseExtensions.BuildSource(
            configuration.GetConnectionString(DatabaseExtensions.ConnectionName), DatabaseExtensions.ConnectionName);
        var options = new DbContextOptionsBuilder<TContext>();
        DatabaseExtensions.Configure(options, source, commandTimeout: 600, retry: false);

        await using var guard = await source.OpenConnectionAsync();
        await ExecuteAsync(guard, $"SELECT pg_advisory_lock({AdvisoryLock})");
        await using (var context = create(options.Options)) await context.Database.MigrateAsync();
        await EnableRowSecurityAsync(guard, ignoreOrgPolicy);
        if (configuration["Database:RuntimeRole"] is { Length: > 0 } role)
            await GrantRuntimeRoleAsync(guard, role, configuration["Database:RuntimePassword"]);
        return true;
    }

    /// <summary>As sub-queries the settings are read once a statement; without them, once a row, which cost a tenth of an insert.</summary>
    private const string Policy = """
        org_id = (SELECT nullif(current_setting('polaris.org_id', true), '')::uuid) OR (SELECT nullif(current_setting('polaris.gate', true), '') IS NOT NULL)
        """;

    /// <summary>Every table with an org_id gets its policy, whoever added it: a forgotten one cannot exist.</summary>
    private static Task EnableRowSecurityAsync(NpgsqlConnection connection, string[] except) => ExecuteAsync(connection, $"""
        DO $do$
        DECLARE target record;
        BEGIN
          FOR target IN
            SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
              AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped)
              AND c.relname <> ALL (ARRAY[{string.Join(',', except.Select(table => $"'{table}'"))}]::text[])
          LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target.relname);
            EXECUTE format('DROP POLICY IF EXISTS org_isolation ON %I', target.relname);
            EXECUTE format($p$ CREATE POLICY org_isolation ON %I USING ({Policy}) WITH CHECK ({Policy}) $p$, target.relname);
          END LOOP;
        END $do$
        """);

    private static async Task GrantRuntimeRoleAsync(NpgsqlConnection connection, string role, string? password)
    {
        if (string.IsNullOrEmpty(password)) throw new InvalidOperationException("Database:RuntimePassword is missing.");
        var name = new NpgsqlCommandBuilder().QuoteIdentifier(role);
        var literal = password.Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(connection, $"""
            DO $do$ BEGIN
              IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role.Replace("'", "''", StringComparison.Ordinal)}') THEN
                CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
              END IF;
            END $do$
            """);
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
