using System.Security.Cryptography;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>Tenant isolation and sharding rules on the catalogs of all five databases.</summary>
public sealed class CatalogTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Every_table_keeps_the_rules_of_org_data_or_is_listed_with_a_reason()
    {
        var broken = new List<string>();
        foreach (var database in Catalog.Databases)
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var exempt = Catalog.WithoutOrgData.Where(table => table.Database == database).ToArray();
            foreach (var (rule, sql) in Catalog.Rules)
                broken.AddRange(
                    (await Catalog.OffendersAsync(connection, sql, (object)exempt.Select(table => table.Name).ToArray())).Select(what =>
                        $"{database}: {what}: {rule}"
                    )
                );
        }

        Assert.True(broken.Count == 0, "Broken (a table without org data goes into Catalog.WithoutOrgData):\n" + string.Join('\n', broken));
    }

    [Fact]
    public async Task Every_listed_table_is_there_and_names_an_org_only_where_the_list_says_so()
    {
        Assert.All(Catalog.WithoutOrgData, table => Assert.NotEqual("", table.Reason));
        foreach (var database in Catalog.Databases)
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var found = await Catalog.OffendersAsync(
                connection,
                """
                SELECT c.relname || CASE WHEN EXISTS (
                  SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname LIKE '%org_id%' AND NOT a.attisdropped)
                  THEN ' names an org' ELSE '' END
                FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname = ANY ($1)
                """,
                (object)Catalog.WithoutOrgData.Where(table => table.Database == database).Select(table => table.Name).ToArray()
            );
            Assert.Equal(
                Catalog
                    .WithoutOrgData.Where(table => table.Database == database)
                    .Select(table => table.Name + (table.NamesOrg ? " names an org" : ""))
                    .Order(StringComparer.Ordinal),
                found
            );
        }
    }

    [Fact]
    public async Task A_service_works_as_a_role_that_owns_nothing_and_goes_past_no_policy()
    {
        var roles = Catalog.Databases.ToDictionary(database => database, database => "polaris_" + database[..^"db".Length]);
        foreach (var (database, role) in roles)
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            foreach (var (rule, sql) in Catalog.RoleRules)
                Assert.Equal(
                    ($"{database}: {rule}", ""),
                    (
                        $"{database}: {rule}",
                        string.Join(
                            ", ",
                            await Catalog.OffendersAsync(connection, sql, role, roles.Values.Where(other => other != role).ToArray())
                        )
                    )
                );
        }
    }

    /// <summary>Each rule finds exactly those sample tables that break it.</summary>
    [Fact]
    public async Task Each_rule_finds_what_breaks_it()
    {
        var name = $"catalog_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        await polaris.ScalarAsync<object>("plansdb", $"CREATE DATABASE {name}");
        await using var connection = await polaris.OpenDatabaseAsync("plansdb", $";Database={name}");
        const string Write = """
            org_id = (SELECT nullif(current_setting('polaris.org_id', true), '')::uuid)
              OR (SELECT nullif(current_setting('polaris.cross_org', true), '') IS NOT NULL)
            """;
        const string Read = $"""
            {Write}
              OR org_id = ANY ((SELECT string_to_array(nullif(current_setting('polaris.org_ids', true), ''), ','))::uuid[])
            """;
        // Each table breaks only what its name says.
        foreach (
            var (table, columns) in new[]
            {
                ("sound", "org_id uuid, id uuid, PRIMARY KEY (org_id, id)"),
                ("no_org", "id uuid PRIMARY KEY"),
                ("text_org", "org_id text, id uuid, PRIMARY KEY (org_id, id)"),
                ("no_security", "org_id uuid PRIMARY KEY"),
                ("two_policies", "org_id uuid PRIMARY KEY"),
                ("open_policy", "org_id uuid PRIMARY KEY"),
                ("writes_orgs", "org_id uuid PRIMARY KEY"),
                ("no_key", "org_id uuid NOT NULL"),
                ("other_key", "org_id uuid NOT NULL, id uuid PRIMARY KEY"),
                ("other_unique", "org_id uuid PRIMARY KEY, id uuid UNIQUE"),
                ("strange_reference", "org_id uuid, id uuid, other uuid REFERENCES no_org, PRIMARY KEY (org_id, id)"),
                ("small_identity", "org_id uuid PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY"),
                ("with_trigger", "org_id uuid PRIMARY KEY"),
                ("parent", "org_id uuid PRIMARY KEY"),
                ("too_new", "org_id uuid PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL"),
                ("orgless", "id uuid PRIMARY KEY, org uuid REFERENCES no_security"),
            }
        )
        {
            await ExecuteAsync(connection, $"CREATE TABLE {table} ({columns})");
            if (table is "no_security" or "orgless" or "no_org" or "text_org")
                continue;
            await ExecuteAsync(
                connection,
                $"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {table} "
                    + (table == "open_policy" ? "USING (true)" : $"USING ({Read}) WITH CHECK ({(table == "writes_orgs" ? Read : Write)})")
            );
        }

        await ExecuteAsync(
            connection,
            """
            CREATE POLICY another ON two_policies USING (true);
            CREATE POLICY narrows ON sound AS RESTRICTIVE FOR UPDATE USING (false);
            CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER fires AFTER INSERT ON with_trigger FOR EACH ROW EXECUTE FUNCTION nothing();
            CREATE TABLE child (PRIMARY KEY (org_id)) INHERITS (parent);
            CREATE VIEW looks AS SELECT * FROM sound;
            """
        );
        string[][] expected =
        [
            ["no_org", "text_org"],
            ["child", "no_org", "no_security", "text_org"],
            ["child", "no_org", "no_security", "open_policy", "text_org", "two_policies", "writes_orgs"],
            ["no_key", "no_org", "other_key"],
            ["no_key"],
            ["no_org_pkey", "other_key_pkey", "other_unique_id_key"],
            ["strange_reference_other_fkey"],
            ["orgless_org_fkey"],
            ["small_identity.n"],
            ["fires"],
            ["child"],
            ["looks"],
            ["nothing"],
            ["too_new.b"],
        ];
        for (var i = 0; i < Catalog.Rules.Length; i++)
            Assert.Equal(
                (Catalog.Rules[i].Rule, string.Join(' ', expected[i])),
                (
                    Catalog.Rules[i].Rule,
                    string.Join(' ', await Catalog.OffendersAsync(connection, Catalog.Rules[i].Sql, (object)new[] { "orgless" }))
                )
            );
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
