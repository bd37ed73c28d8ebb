using System.Text.RegularExpressions;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>Rules for the SQL in the source: it filters by org and uses only declared cross-org access.</summary>
public sealed partial class StatementTests
{
    /// <summary>Constructs that no statement may contain: Citus rejects them across orgs, or PostgreSQL 15 does not support them.</summary>
    private static readonly Regex[] Refused =
    [
        LocksRows(),
        new(@"\bCREATE (OR REPLACE )?TRIGGER\b"),
        new(@"\bMERGE INTO\b"),
        new(@"\buuidv[47]\("),
        new(@"\bRETURNING\s+(old|new)\."),
        new(@"\bTRUNCATE\b"),
        new(@"\bSET ROLE\b"),
        new(@"\bDISABLE ROW LEVEL SECURITY\b"),
    ];

    /// <summary>Ways to open a database or bypass a filter, and the only files that may use them.</summary>
    private static readonly (Regex Way, string[] Allowed)[] Ways =
    [
        (
            new(@"polaris\.cross_org|CrossOrgSetting"),
            [
                "Polaris.ServiceDefaults/Tenancy/TenantSql.cs",
                "Polaris.ServiceDefaults/Tenancy/DedicatedConnection.cs",
                "Polaris.ServiceDefaults/Persistence/MigrateVerb.cs",
            ]
        ),
        (
            new(@"polaris\.org_id|OrgSetting"),
            [
                "Polaris.ServiceDefaults/Tenancy/TenantSql.cs",
                "Polaris.ServiceDefaults/Tenancy/DedicatedConnection.cs",
                "Polaris.ServiceDefaults/Persistence/MigrateVerb.cs",
                // The name of a span attribute.
                "Polaris.ServiceDefaults/Telemetry/PolarisTelemetry.cs",
            ]
        ),
        (new(@"\bIgnoreQueryFilters\b|\bHasQueryFilter\b"), ["Polaris.ServiceDefaults/Persistence/PolarisDbContext.cs"]),
        (
            new(@"\bNpgsqlDataSource\.Create\b|\bNpgsqlDataSourceBuilder\b|new NpgsqlConnection\("),
            // `migrate` creates a missing database, as the owner and before there is data.
            ["Polaris.ServiceDefaults/Persistence/DatabaseExtensions.cs", "Polaris.ServiceDefaults/Persistence/MigrateVerb.cs"]
        ),
        (
            new(@"\bnew DedicatedConnection\(|\bDedicatedConnection connection = new\("),
            ["Polaris.Ingestion/Features/Ingest/StoreGroup.cs", "Polaris.Ingestion/Features/Relay/UsageRelay.cs"]
        ),
        (new(@"\bnew TenantScope\b|\bTenant = "), ["Polaris.ServiceDefaults/Persistence/DatabaseExtensions.cs"]),
        (
            new(@"\bnew ScopedTransaction\(|\bScopedTransaction\.Borrow\("),
            [
                "Polaris.ServiceDefaults/Tenancy/TenantSql.cs",
                "Polaris.ServiceDefaults/Tenancy/DedicatedConnection.cs",
                "Polaris.Billing/Persistence/BillingDbContext.cs",
                "Polaris.Identity/Features/Access/CallerAccess.cs",
            ]
        ),
    ];

    [Fact]
    public void No_statement_is_one_that_a_sharded_database_refuses()
    {
        foreach (
            var sample in new[]
            {
                "SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED",
                "CREATE TRIGGER t",
                "MERGE INTO a",
                "SELECT uuidv7()",
                "RETURNING old.id",
                "TRUNCATE meters",
                "SET ROLE postgres",
                "DISABLE ROW LEVEL SECURITY",
            }
        )
            Assert.Contains(Refused, rule => rule.IsMatch(sample));
        Assert.DoesNotContain(Refused, rule => rule.IsMatch("SELECT 1 FROM outbox WHERE org_id = $1 FOR UPDATE SKIP LOCKED"));
        Assert.Empty(
            SourceText
                .Files()
                .SelectMany(file =>
                    SourceText
                        .Literals(file.Text)
                        .Where(literal => Refused.Any(rule => rule.IsMatch(literal)))
                        .Select(literal => $"{file.Path}: {literal}")
                )
        );
    }

    [Fact]
    public void Nothing_reaches_several_orgs_but_by_a_cross_org_scope()
    {
        foreach (var (way, allowed) in Ways)
        {
            Assert.All(allowed, file => Assert.Matches(way, File.ReadAllText(Path.Combine(SourceText.Root, file))));
            Assert.Empty(
                SourceText
                    .Files()
                    .Where(file => way.IsMatch(file.Text) && !allowed.Contains(file.Path))
                    .Select(file => $"{file.Path}: {way}")
            );
        }

        // Each declared access is used, and named directly.
        var entries = SourceText
            .Files()
            .SelectMany(file => EntersCrossOrg().Matches(file.Text).Select(match => match.Groups[1].Value.Trim()))
            .ToArray();
        Assert.All(entries, entry => Assert.StartsWith("CrossOrgScope.", entry, StringComparison.Ordinal));
        Assert.Equal(
            typeof(CrossOrgScope)
                .GetFields()
                .Where(field => field.FieldType == typeof(CrossOrgScope))
                .Select(field => $"CrossOrgScope.{field.Name}")
                .Order(),
            entries.Distinct().Order()
        );
        Assert.Equal(CrossOrgScope.All.Count, CrossOrgScope.All.Select(scope => scope.Name).Distinct().Count());
    }

    // A person's sessions belong to no org: their table is not sharded.
    [GeneratedRegex(@"^(?!.*\borg_id = [${])(?!.*\bFROM sessions\b).*\bFOR\s+(?:NO KEY\s+)?(?:UPDATE|SHARE)\b", RegexOptions.Singleline)]
    private static partial Regex LocksRows();

    [GeneratedRegex(@"(?:\.BeginCrossOrgAsync|\.CreateCrossOrgCommandAsync|\.EnterCrossOrg)\(\s*([^,)\s]*)")]
    private static partial Regex EntersCrossOrg();
}
