using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>Rules for the SQL in the source against the real tables, and the metric of cross-org access.</summary>
public sealed partial class OrgStatementTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>Statements over all orgs, with cross-org access and outside of requests.</summary>
    private static readonly (string Statement, string Reason)[] OfAllOrgs =
    [
        ("DELETE FROM dead_letters WHERE resolved_at < $1", "forgets by age, once in a while"),
        ("DELETE FROM org_throughput WHERE slot < $1", "forgets by age, once in a while"),
        ("SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL", "how many wait, for the alert"),
        (
            "SELECT count(*)::int, min(seen_at) FROM (SELECT seen_at FROM dead_letters WHERE resolved_at IS NULL LIMIT $1) w",
            "how many wait, for operators"
        ),
        (
            "SELECT count(*)::int FROM (SELECT 1 FROM reconciliation_findings WHERE repaired_at IS NULL LIMIT $1) w",
            "how many are open, for operators"
        ),
        (
            "SELECT (SELECT count(*)::int FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT $1) w), "
                + "(SELECT event_id FROM outbox WHERE published_at IS NULL ORDER BY event_id LIMIT 1)",
            "how many wait for the broker, for operators"
        ),
    ];

    [Fact]
    public async Task Every_statement_on_a_table_with_org_data_names_the_org()
    {
        var statements = new List<(string Path, string Text)>();
        foreach (var database in Catalog.Databases)
        {
            await using var connection = await polaris.OpenDatabaseAsync(database);
            var tables = (
                await Catalog.OffendersAsync(
                    connection,
                    """
                    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                    """
                )
            ).ToHashSet();
            var service = $"Polaris.{char.ToUpperInvariant(database[0])}{database[1..^2]}/";
            statements.AddRange(
                SourceText
                    .Files()
                    .Where(file => file.Path.StartsWith(service, StringComparison.Ordinal))
                    .SelectMany(file =>
                        SourceText
                            .Literals(file.Text)
                            .Where(literal => TablesIn(literal, tables).Length > 0)
                            .Select(literal => (file.Path, literal))
                    )
            );
        }

        Assert.Equal(["meters"], TablesIn("SELECT count(*) FROM meters m WHERE m.key = $1", new HashSet<string> { "meters", "orgs" }));
        Assert.True(statements.Count > 50, $"Only {statements.Count} statements were found in the source.");
        var nameless = statements.Where(one => !one.Text.Contains("org_id", StringComparison.Ordinal)).ToArray();
        Assert.Equal(
            OfAllOrgs.Select(one => one.Statement).Order(StringComparer.Ordinal),
            nameless.Select(one => Spaces().Replace(one.Text, " ").Trim()).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Every_use_of_a_cross_org_scope_is_counted_by_its_name()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(new { idempotency_key = "counted", type = "call" });
        using var ingestion = polaris.App.CreateHttpClient("ingestion", "http");
        await polaris.UntilAsync(
            "the count of a scope",
            async () =>
                (await ingestion.GetStringAsync("/metrics"))
                    .Split('\n')
                    .Any(line =>
                        line.StartsWith("polaris_tenancy_cross_org", StringComparison.Ordinal)
                        && line.Contains($"scope=\"{CrossOrgScope.Ingest}\"", StringComparison.Ordinal)
                    )
        );
    }

    private static string[] TablesIn(string literal, IReadOnlySet<string> tables) =>
        [.. NamesTable().Matches(literal).Select(match => match.Groups[1].Value).Where(tables.Contains).Distinct()];

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)\b")]
    private static partial Regex NamesTable();
}
