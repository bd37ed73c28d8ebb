using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>What the SQL in the source says about orgs, and that nothing goes past the gates.</summary>
public sealed partial class StatementTests(PolarisApp polaris)
{
    /// <summary>Words that no statement may hold: Citus refuses them over several orgs, or PostgreSQL 15 does not know them.</summary>
    private static readonly Regex[] Refused =
    [
        LocksRows(), new(@"\bCREATE (OR REPLACE )?TRIGGER\b"), new(@"\bMERGE INTO\b"), new(@"\buuidv[47]\("), new(@"\bRETURNING\s+(old|new)\."), new(@"\bTRUNCATE\b"), new(@"\bSET ROLE\b"),
        new(@"\bDISABLE ROW LEVEL SECURITY\b"),
    ];

    /// <summary>What opens a database or steps over a filter, and the only files that may.</summary>
    private static readonly (Regex Way, string[] Allowed)[] Ways =
    [
        (new(@"polaris\.gate|GateSetting"), ["Polaris.ServiceDefaults/Tenancy/TenantSql.cs", "Polaris.ServiceDefaults/Tenancy/KeptConnection.cs", "Polaris.ServiceDefaults/Persistence/MigrateVerb.cs"]),
        (new(@"polaris\.org_id|OrgSetting"), ["Polaris.ServiceDefaults/Tenancy/TenantSql.cs", "Polaris.ServiceDefaults/Tenancy/KeptConnection.cs", "Polaris.ServiceDefaults/Persistence/MigrateVerb.cs"]),
        (new(@"\bIgnoreQueryFilters\b|\bHasQueryFilter\b"), ["Polaris.ServiceDefaults/Persistence/PolarisDbContext.cs"]),
        (new(@"\bNpgsqlDataSource\.Create\b|\bNpgsqlDataSourceBuilder\b|new NpgsqlConnection\("),
            ["Polaris.ServiceDefaults/Persistence/DatabaseExtensions.cs"]),
        (new(@"\bnew KeptConnection\(|\bKeptConnection connection = new\("), ["Polaris.Ingestion/Features/Ingest/StoreGroup.cs", "Polaris.Ingestion/Features/Relay/UsageRelay.cs"]),
        (new(@"\bnew TenantScope\b|\bTenant = "), ["Polaris.ServiceDefaults/Persistence/DatabaseExtensions.cs"]),
        (new(@"\bnew ScopedTransaction\(|\bScopedTransaction\.Borrow\("), ["Polaris.ServiceDefaults/Tenancy/TenantSql.cs", "Polaris.ServiceDefaults/Tenancy/KeptConnection.cs", "Polaris.Billing/Features/Invoices/DraftInvoices.cs"]),
    ];

    /// <summary>What asks every org alike, behind a gate and on nobody's path.</summary>
    private static readonly (string Statement, string Reason)[] OfAllOrgs =
    [
        ("DELETE FROM dead_letters WHERE resolved_at < $1", "forgets by age, once in a while"),
        ("SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL", "how many wait, for the alert"),
    ];

    [Fact]
    public async Task Every_statement_on_a_table_with_org_data_names_the_org()
    {
        var statements = new List<(string Path, string Text)>();
        foreach (var database in Catalog.Databases)
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var tables = (await Catalog.OffendersAsync(connection, """
                SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                """)).ToHashSet();
            var service = $"Polaris.{char.ToUpperInvariant(database[0])}{database[1..^2]}/";
            statements.AddRange(SourceText.Files().Where(file => file.Path.StartsWith(service, StringComparison.Ordinal))
                .SelectMany(file => SourceText.Literals(file.Text).Where(literal => TablesIn(literal, tables).Length > 0).Select(literal => (file.Path, literal))));
        }

        Assert.Equal(["meters"], TablesIn("SELECT count(*) FROM meters m WHERE m.key = $1", new HashSet<string> { "meters", "orgs" }));
        Assert.True(statements.Count > 50, $"Only {statements.Count} statements were found in the source.");
        var nameless = statements.Where(one => !one.Text.Contains("org_id", StringComparison.Ordinal)).ToArray();
        Assert.Equal(OfAllOrgs.Select(one => one.Statement).Order(StringComparer.Ordinal), nameless.Select(one => one.Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_statement_is_one_that_a_sharded_database_refuses()
    {
        foreach (var sample in new[] { "SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED", "CREATE TRIGGER t", "MERGE INTO a", "SELECT uuidv7()", "RETURNING old.id", "TRUNCATE meters", "SET ROLE postgres", "DISABLE ROW LEVEL SECURITY" })
            Assert.Contains(Refused, rule => rule.IsMatch(sample));
        Assert.DoesNotContain(Refused, rule => rule.IsMatch("SELECT 1 FROM outbox WHERE org_id = $1 FOR UPDATE SKIP LOCKED"));
        Assert.Empty(SourceText.Files().SelectMany(file => SourceText.Literals(file.Text).Where(literal => Refused.Any(rule => rule.IsMatch(literal))).Select(literal => $"{file.Path}: {literal}")));
    }

    [Fact]
    public void Nothing_reaches_several_orgs_but_through_a_gate()
    {
        foreach (var (way, allowed) in Ways)
        {
            Assert.All(allowed, file => Assert.Matches(way, File.ReadAllText(Path.Combine(SourceText.Root, file))));
            Assert.Empty(SourceText.Files().Where(file => way.IsMatch(file.Text) && !allowed.Contains(file.Path)).Select(file => $"{file.Path}: {way}"));
        }

        // Each gate is used, and none by an expression that hides which.
        var entries = SourceText.Files().SelectMany(file => EntersGate().Matches(file.Text).Select(match => match.Groups[1].Value)).ToArray();
        Assert.All(entries, entry => Assert.StartsWith("Gate.", entry, StringComparison.Ordinal));
        Assert.Equal(typeof(Gate).GetFields().Where(field => field.FieldType == typeof(Gate)).Select(field => $"Gate.{field.Name}").Order(), entries.Distinct().Order());
        Assert.Equal(Gate.All.Count, Gate.All.Select(gate => gate.Name).Distinct().Count());
    }

    [Fact]
    public async Task Every_entry_of_a_gate_is_counted_by_its_name()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(new { idempotency_key = "counted", type = "call" });
        using var ingestion = polaris.App.CreateHttpClient("ingestion", "http");
        await polaris.UntilAsync("the count of a gate", async () => (await ingestion.GetStringAsync("/metrics")).Split('\n')
            .Any(line => line.StartsWith("polaris_tenancy_gate", StringComparison.Ordinal) && line.Contains($"gate=\"{Gate.Ingest}\"", StringComparison.Ordinal)));
    }

    private static string[] TablesIn(string literal, IReadOnlySet<string> tables) =>
        [.. NamesTable().Matches(literal).Select(match => match.Groups[1].Value).Where(tables.Contains).Distinct()];

    [GeneratedRegex(@"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)\b")]
    private static partial Regex NamesTable();

    [GeneratedRegex(@"^(?!.*\borg_id = [${]).*\bFOR\s+(?:NO KEY\s+)?(?:UPDATE|SHARE)\b", RegexOptions.Singleline)]
    private static partial Regex LocksRows();

    [GeneratedRegex(@"(?:\.BeginGateAsync|\.CreateGateCommandAsync|\.EnterGate)\(([^,)]*)")]
    private static partial Regex EntersGate();
}
