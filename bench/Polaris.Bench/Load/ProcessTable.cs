using System.Globalization;
using System.Text.Json;

namespace Polaris.Bench.Load;

/// <summary>
/// A process according to <c>/proc</c>: CPU seconds used so far (including ended children), and resident memory without shared pages.
/// </summary>
internal readonly record struct ProcessFigures(int Parent, double CpuSeconds, double ResidentMiB);

/// <summary>Figures of the AppHost's resources, including their child processes (PostgreSQL's back ends).</summary>
internal static class ProcessTable
{
    private const double TicksPerSecond = 100;
    private const int PageBytes = 4096;
    private const double MiB = 1024 * 1024;

    public static Dictionary<string, double> Read(JsonElement resources, Func<ProcessFigures, double> figure)
    {
        var processes = new Dictionary<int, ProcessFigures>();
        if (!OperatingSystem.IsLinux())
            return [];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) && Of(id, evenEnded: true) is { } process)
                processes[id] = process;
        }

        double Tree(int id) =>
            processes.TryGetValue(id, out var process)
                ? figure(process) + processes.Where(other => other.Value.Parent == id).Sum(child => Tree(child.Key))
                : 0;
        return resources
            .EnumerateObject()
            .Where(resource => resource.Value.TryGetProperty("pid", out var pid) && pid.ValueKind == JsonValueKind.Number)
            .ToDictionary(resource => resource.Name, resource => Tree(resource.Value.GetProperty("pid").GetInt32()));
    }

    /// <summary>Null when the process has ended.</summary>
    public static int? ParentOf(int id) => Of(id, evenEnded: false)?.Parent;

    public static string CommandOf(int id) => ReadOrNull(id, "cmdline") ?? "";

    /// <param name="id">The process.</param>
    /// <param name="evenEnded">
    /// Include an ended process that its parent has not waited for: its CPU time is not in its parent's figures yet.
    /// </param>
    private static ProcessFigures? Of(int id, bool evenEnded)
    {
        if (ReadOrNull(id, "stat") is not { } text)
            return null;
        // Fields from the third on: state, parent, …; 14 to 17 are user and system time, own and of ended children; 24 is resident pages.
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        if (fields[0] == "Z" && !evenEnded)
            return null;
        double Number(int field) => double.Parse(fields[field - 3], CultureInfo.InvariantCulture);
        // Shared pages are left out: PostgreSQL's buffers would be counted with each of its back ends.
        var shared = ReadOrNull(id, "statm") is { } statm ? double.Parse(statm.Split(' ')[2], CultureInfo.InvariantCulture) : 0;
        return new ProcessFigures(
            (int)Number(4),
            (Number(14) + Number(15) + Number(16) + Number(17)) / TicksPerSecond,
            (Number(24) - shared) * PageBytes / MiB
        );
    }

    private static string? ReadOrNull(int id, string name)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/{name}"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The process has ended.
            return null;
        }
    }
}
