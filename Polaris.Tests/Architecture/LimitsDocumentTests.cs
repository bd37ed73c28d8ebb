using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Polaris.AppHost.Hosting;
using Polaris.ServiceDefaults.Contracts;
using Xunit;

namespace Polaris.Tests.Architecture;

/// <summary>docs/limits.md has every limit of the code, with its value, and no other.</summary>
public sealed partial class LimitsDocumentTests
{
    private static readonly Assembly[] Services =
    [
        typeof(Limits).Assembly,
        typeof(Gateway.Proxy.ProxyRoutes).Assembly,
        typeof(Polaris.Identity.Persistence.OrgsDbContext).Assembly,
        typeof(Polaris.Plans.Persistence.PlansDbContext).Assembly,
        typeof(Polaris.Ingestion.IngestionOptions).Assembly,
        typeof(Polaris.Billing.BillingOptions).Assembly,
        typeof(Polaris.Notifications.Persistence.NotificationsDbContext).Assembly,
    ];

    /// <summary>Settings that are no limits.</summary>
    private static readonly HashSet<string> NoLimits =
    [
        "Billing:Grace",
        "Billing:BatchIdRetention",
        "Billing:ReconcileEvery",
        "Billing:ReconcilePercent",
        "Billing:LostBatchAge",
        "Billing:LostBatchInterval",
        "SigningKeys:",
        "Notifications:MissAfter",
        "Notifications:AllowHttp",
        "Notifications:AllowedNetworks",
        "Smtp:",
    ];

    /// <summary>Bounds of Polaris's own work, which nobody's request meets.</summary>
    private static readonly HashSet<string> Inside =
    [
        "BoundedForms.MaxDiscardedBytes",
        "ConsumerPositions.MaxClusters",
        "EventWriter.MaxGroupEvents",
        "GroupResolution.MaxBatchBytes",
        "GroupResolution.MaxBatchEvents",
        "OrgBackoff.MaxHeld",
        "PolarisTelemetry.MaxOrgs",
        "RatingEngine.MaxExplainedCombinations",
        "TraceLinks.MaxLinks",
        "TraceLinks.MaxLinksPerMessage",
        "UsageTraces.MaxOfDay",
        "UsageTraces.MaxOfInvoice",
    ];

    [Fact]
    public void Every_setting_that_is_a_limit_stands_in_the_document_with_its_default()
    {
        var (inCode, inDocument) = (Settings().ToDictionary(), Rows(Setting()));
        Assert.True(inCode.Count > 30, "The settings were not found.");
        AssertSame(inCode, inDocument);
    }

    [Fact]
    public void Every_fixed_limit_stands_in_the_document_with_its_value()
    {
        var (inCode, inDocument) = (Constants().ToDictionary(), Rows(Constant()));
        Assert.True(inCode.Count > 40, "The constants were not found.");
        AssertSame(inCode, inDocument);
    }

    private static void AssertSame(Dictionary<string, string> inCode, Dictionary<string, string> inDocument)
    {
        Assert.True(!inCode.Except(inDocument).Any(), "Not in docs/limits.md: " + string.Join(", ", inCode.Except(inDocument)));
        Assert.True(!inDocument.Except(inCode).Any(), "Not in the code: " + string.Join(", ", inDocument.Except(inCode)));
    }

    private static IEnumerable<KeyValuePair<string, string>> Settings() =>
        from type in Services.SelectMany(assembly => assembly.GetTypes())
        where type.Name.EndsWith("Options", StringComparison.Ordinal) || type.Name.EndsWith("Limits", StringComparison.Ordinal)
        let section = type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string
        where section is not null
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        let name = $"{section}:{property.Name}"
        where property.CanWrite && !NoLimits.Contains(name) && !NoLimits.Contains(section + ":")
        select KeyValuePair.Create(name, Text(property.GetValue(Activator.CreateInstance(type))));

    /// <summary>What is called Max… in a service, and the limits that services share.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Constants() =>
        from type in Services.SelectMany(assembly => assembly.GetTypes())
        from field in type.GetFields(BindingFlags.Public | BindingFlags.Static)
        let name = $"{type.Name}.{field.Name}"
        where field.IsLiteral || field.IsInitOnly
        where
            field.FieldType == typeof(int)
            || field.FieldType == typeof(long)
            || field.FieldType == typeof(decimal)
            || field.FieldType == typeof(TimeSpan)
            || field.FieldType == typeof(DateTimeOffset)
        where type == typeof(Limits) || (field.Name is ['M', 'a', 'x', >= 'A' and <= 'Z', ..] && !Inside.Contains(name))
        select KeyValuePair.Create(name, Text(field.GetValue(null)));

    private static Dictionary<string, string> Rows(Regex row) =>
        File.ReadLines(Path.Combine(Switches.RepositoryRoot, "docs", "limits.md"))
            .Select(line => row.Match(line))
            .Where(match => match.Success)
            .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value);

    private static string Text(object? value) =>
        value switch
        {
            TimeSpan { TotalDays: >= 1 } days => Number(days.TotalDays) + " d",
            TimeSpan { TotalHours: >= 1 } hours => Number(hours.TotalHours) + " h",
            TimeSpan { TotalMinutes: >= 1 } minutes => Number(minutes.TotalMinutes) + " min",
            TimeSpan seconds => Number(seconds.TotalSeconds) + " s",
            DateTimeOffset at => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            NodaTime.Instant at => at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            NodaTime.LocalDate day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString("#,##0.###", CultureInfo.InvariantCulture),
            _ => $"{value}",
        };

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| `(?<name>\w+:\w+)` \| (?<value>[^|]+) \|")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\| `(?<name>\w+\.\w+)` \| (?<value>[^|]+) \|")]
    private static partial Regex Constant();
}
