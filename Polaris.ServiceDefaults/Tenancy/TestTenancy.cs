using System.Text.RegularExpressions;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>
/// In a Debug build with <c>POLARIS_TEST_TENANCY=no-filters</c> queries no longer filter by org, neither EF's query filters nor the
/// conditions of hand-written SQL, so that row-level security alone must isolate orgs. The tenant isolation tests run against such
/// processes. A Release build ignores the setting.
/// </summary>
internal static partial class TestTenancy
{
#if DEBUG
    private static readonly bool Off = Environment.GetEnvironmentVariable("POLARIS_TEST_TENANCY") == "no-filters";

    public static bool NoFilters => Off;

    /// <summary>
    /// The statement to run. Without filters every <c>org_id = $n</c> becomes a condition that is always true and keeps the parameter.
    /// </summary>
    public static string Filtered(string sql) => Off ? Unfiltered(sql) : sql;

    internal static string Unfiltered(string sql) =>
        OneOf().Replace(One().Replace(sql, "$$$1::uuid IS NOT NULL"), "$$$1::uuid[] IS NOT NULL");

    [GeneratedRegex(@"(?:\b\w+\.)?\borg_id = \$(\d+)\b")]
    private static partial Regex One();

    [GeneratedRegex(@"(?:\b\w+\.)?\borg_id = ANY ?\(\$(\d+)\)")]
    private static partial Regex OneOf();
#else
    public static bool NoFilters => false;

    public static string Filtered(string sql) => sql;
#endif
}
