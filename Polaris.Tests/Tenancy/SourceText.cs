using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Polaris.Tests.Tenancy;

/// <summary>The services' source, for rules that neither compiler nor catalog can check.</summary>
internal static partial class SourceText
{
    public static readonly string Root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../.."));

    private static readonly string[] Projects =
    [
        "Polaris.ServiceDefaults",
        "Polaris.Identity",
        "Polaris.Plans",
        "Polaris.Ingestion",
        "Polaris.Billing",
        "Polaris.Notifications",
        "Polaris.Gateway",
    ];

    /// <summary>Path below the root, and text. Without migrations, which run as the owner.</summary>
    public static IEnumerable<(string Path, string Text)> Files() =>
        Projects
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Where(file =>
                !file.Contains("/obj/", StringComparison.Ordinal)
                && !file.Contains("/bin/", StringComparison.Ordinal)
                && !file.Contains("/Migrations/", StringComparison.Ordinal)
            )
            .Order(StringComparer.Ordinal)
            .Select(file => (file, File.ReadAllText(Path.Combine(Root, file))));

    /// <summary>Every string literal, raw or regular.</summary>
    public static IEnumerable<string> Literals(string text) =>
        Literal()
            .Matches(WithoutComments().Replace(text, ""))
            .Select(match => match.Groups["raw"].Success ? match.Groups["raw"].Value : match.Groups["plain"].Value);

    [GeneratedRegex("\"\"\"(?<raw>.*?)\"\"\"|\"(?<plain>(?:[^\"\\\\\n]|\\\\.)*)\"", RegexOptions.Singleline)]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex WithoutComments();

    private static string Here([CallerFilePath] string path = "") => path;
}
