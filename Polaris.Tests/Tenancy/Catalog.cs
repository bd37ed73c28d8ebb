using Npgsql;

namespace Polaris.Tests.Tenancy;

/// <summary>A table without org data, or one that is read before the org is known, with the reason.</summary>
internal sealed record OrglessTable(string Database, string Name, string Reason, bool NamesOrg = false);

/// <summary>
/// Rules for a database's catalog, so that rows are isolated between orgs (a policy under a role that cannot bypass it) and the schema can
/// be sharded by org (docs/adr/0007-tenancy.md). Each rule's query returns the violations.
/// </summary>
internal static class Catalog
{
    public static readonly string[] Databases = ["identitydb", "plansdb", "ingestiondb", "billingdb", "notificationsdb"];

    /// <summary>Every table that the rules for org data do not cover. A new one needs a line here with the reason.</summary>
    public static readonly OrglessTable[] WithoutOrgData =
    [
        .. Databases.Select(database => new OrglessTable(database, "__EFMigrationsHistory", "which migrations ran")),
        new("identitydb", "users", "people; one may be a member of several orgs"),
        new("identitydb", "user_claims", "of a person"),
        new("identitydb", "user_logins", "of a person"),
        new("identitydb", "user_tokens", "of a person"),
        new("identitydb", "OpenIddictApplications", "OAuth clients of the installation"),
        new("identitydb", "OpenIddictAuthorizations", "of a person and a client"),
        new("identitydb", "OpenIddictScopes", "of the installation"),
        new("identitydb", "OpenIddictTokens", "of a person and a client"),
        new("identitydb", "signing_keys", "of the installation"),
        new("identitydb", "sessions", "of a person"),
        new("identitydb", "sign_in_failures", "counts attempts to sign in, before the person is known"),
        new("identitydb", "data_protection_keys", "of the installation"),
        new("identitydb", "api_key_lookup", "finds a key's org by the hash of its secret; nothing else is in it", NamesOrg: true),
        new("ingestiondb", "relay_leases", "which replica publishes which partition"),
        new("billingdb", "relay_lease", "which replica publishes the outbox"),
        new("billingdb", "consumer_positions", "how far each Kafka partition was read"),
        new("billingdb", "recovery_position", "position of the search for lost batches"),
        new("billingdb", "throughput", "events counted in ten seconds, of all orgs together"),
        new("billingdb", "reconciliation_position", "position of reconciliation's slow cycle"),
    ];

    /// <summary>The tables that the rules below cover: $1 names the others.</summary>
    private const string Bound = """
        WITH bound AS (
          SELECT c.oid, c.relname, c.relrowsecurity, a.attnum AS org, a.atttypid, a.attnotnull FROM pg_class c
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f') AND c.relname <> ALL ($1))
        """;

    public static readonly (string Rule, string Sql)[] Rules =
    [
        (
            "every table has a column org_id uuid NOT NULL",
            Bound + "SELECT relname FROM bound WHERE org IS NULL OR atttypid <> 'uuid'::regtype OR NOT attnotnull"
        ),
        ("every table has row-level security on", Bound + "SELECT relname FROM bound WHERE NOT relrowsecurity"),
        // Restrictive policies only narrow what the permissive one allows.
        (
            "every table has one permissive policy, for all commands and roles, that requires the org or cross-org access, "
                + "and for reading also the orgs that a person was verified in",
            Bound
                + """
                SELECT relname FROM bound b WHERE 1 <> (SELECT count(*) FROM pg_policy p WHERE p.polrelid = b.oid AND p.polpermissive)
                    OR NOT EXISTS (SELECT 1 FROM pg_policy p
                      WHERE p.polrelid = b.oid AND p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
                        AND pg_get_expr(p.polqual, b.oid)
                          LIKE '%(org_id = ( SELECT (NULLIF(current_setting(''polaris.org_id''::text, true), ''''::text))::uuid%'
                        AND pg_get_expr(p.polqual, b.oid)
                          LIKE '%OR ( SELECT (NULLIF(current_setting(''polaris.cross_org''::text, true), ''''::text) IS NOT NULL)%'
                        AND pg_get_expr(p.polqual, b.oid)
                          LIKE '%OR (org_id = ANY ((( SELECT string_to_array(NULLIF(current_setting(''polaris.org_ids''%'
                        AND starts_with(pg_get_expr(p.polqual, b.oid), left(pg_get_expr(p.polwithcheck, b.oid), -1))
                        AND pg_get_expr(p.polwithcheck, b.oid) NOT LIKE '%polaris.org_ids%')
                """
        ),
        (
            "every table has a whole index that starts with org_id",
            Bound
                + """
                SELECT relname FROM bound b WHERE NOT EXISTS (
                  SELECT 1 FROM pg_index i
                  WHERE i.indrelid = b.oid AND i.indkey[0] = b.org AND i.indpred IS NULL AND i.indisvalid)
                """
        ),
        (
            "every table has a primary key",
            Bound + "SELECT relname FROM bound b WHERE NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = b.oid AND i.indisprimary)"
        ),
        (
            "every primary key, unique index and exclusion constraint starts with org_id",
            Bound
                + """
                SELECT i.indexrelid::regclass::text FROM bound b JOIN pg_index i ON i.indrelid = b.oid
                WHERE (i.indisunique OR i.indisexclusion) AND i.indkey[0] IS DISTINCT FROM b.org
                """
        ),
        (
            "every foreign key goes from org_id to org_id first",
            Bound
                + """
                SELECT k.conname FROM bound b JOIN pg_constraint k ON k.conrelid = b.oid AND k.contype = 'f'
                WHERE k.conkey[1] IS DISTINCT FROM b.org
                  OR k.confkey[1] IS DISTINCT FROM (
                    SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attname = 'org_id')
                """
        ),
        (
            "no table without org data refers to one with it",
            Bound
                + """
                SELECT k.conname FROM pg_constraint k JOIN bound b ON b.oid = k.confrelid
                WHERE k.contype = 'f' AND NOT EXISTS (SELECT 1 FROM bound o WHERE o.oid = k.conrelid)
                """
        ),
        (
            "identity columns are bigint",
            Bound
                + """
                SELECT relname || '.' || a.attname FROM bound b JOIN pg_attribute a ON a.attrelid = b.oid
                WHERE a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype
                """
        ),
        ("no trigger", Bound + "SELECT t.tgname FROM pg_trigger t JOIN bound b ON b.oid = t.tgrelid WHERE NOT t.tgisinternal"),
        (
            "no rule, no table inherits but a partition",
            Bound
                + """
                SELECT r.rulename FROM pg_rewrite r JOIN bound b ON b.oid = r.ev_class
                UNION ALL SELECT c.relname FROM pg_inherits i JOIN bound b ON b.oid = i.inhparent
                  JOIN pg_class c ON c.oid = i.inhrelid WHERE NOT c.relispartition
                """
        ),
        // A view reads with its owner's privileges and bypasses the policies; so does a SECURITY DEFINER function.
        (
            "no view, no materialized view",
            Bound
                + """
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm') AND c.relname <> ALL ($1)
                  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                """
        ),
        (
            "no function with its owner's privileges",
            """
            SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.proname <> ALL ($1)
              AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            """
        ),
        (
            "nothing newer than PostgreSQL 15",
            Bound
                + """
                SELECT relname || '.' || a.attname FROM bound b JOIN pg_attribute a ON a.attrelid = b.oid
                LEFT JOIN pg_attrdef d ON d.adrelid = b.oid AND d.adnum = a.attnum
                WHERE a.attgenerated = 'v' OR pg_get_expr(d.adbin, b.oid) ~ 'uuidv[47]\('
                """
        ),
    ];

    /// <summary>Rules for the role of a service ($1); $2 names the roles of the other services.</summary>
    public static readonly (string Rule, string Sql)[] RoleRules =
    [
        ("the role exists", "SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1) AND $2::text[] IS NOT NULL"),
        (
            "no role has a privilege that bypasses policies",
            """
            SELECT rolname FROM pg_roles WHERE rolname = ANY ($1 || $2::text[])
              AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
            """
        ),
        (
            "no role is a member of another",
            "SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member::regrole::text = ANY ($1 || $2::text[])"
        ),
        (
            "no role owns anything",
            """
            SELECT 'database ' || datname FROM pg_database WHERE datdba::regrole::text = ANY ($1 || $2::text[])
            UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspowner::regrole::text = ANY ($1 || $2::text[])
            UNION ALL SELECT 'relation ' || relname FROM pg_class
              WHERE relowner::regrole::text = ANY ($1 || $2::text[]) AND relpersistence <> 't'
            UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proowner::regrole::text = ANY ($1 || $2::text[])
            """
        ),
        (
            "no role creates anything that stays",
            """
            SELECT r.rolname FROM pg_roles r WHERE r.rolname = ANY ($1 || $2::text[])
              AND (has_schema_privilege(r.oid, 'public', 'CREATE') OR has_database_privilege(r.oid, current_database(), 'CREATE'))
            """
        ),
        // TRUNCATE ignores policies; the others let a role add code that runs with another role's privileges.
        (
            "no role has TRUNCATE, REFERENCES or TRIGGER on a table",
            """
            SELECT r.rolname || ' on ' || c.relname FROM pg_roles r CROSS JOIN pg_class c
            WHERE r.rolname = ANY ($1 || $2::text[]) AND c.relnamespace = 'public'::regnamespace
              AND c.relkind IN ('r', 'p') AND has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
            """
        ),
        (
            "no other service's role reads or writes here",
            """
            SELECT r.rolname || ' on ' || c.relname FROM pg_roles r CROSS JOIN pg_class c
            WHERE r.rolname = ANY ($2::text[]) AND $1::text IS NOT NULL
              AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
            """
        ),
        (
            "only the owner may change the migration history",
            """
            SELECT r.rolname || ' on ' || c.relname FROM pg_roles r CROSS JOIN pg_class c
            WHERE r.rolname = ANY ($1 || $2::text[]) AND c.relname = '__EFMigrationsHistory'
              AND has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE')
            """
        ),
    ];

    public static async Task<List<string>> OffendersAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.AddWithValue(value);
        var offenders = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            offenders.Add(reader.GetString(0));
        offenders.Sort(StringComparer.Ordinal);
        return offenders;
    }
}
