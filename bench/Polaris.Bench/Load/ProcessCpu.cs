using System.Globalization;
using System.Text.Json;

namespace Polaris.Bench.Load;

/// <summary>CPU seconds used so far by each resource of the AppHost, children included (PostgreSQL's back ends), from Linux's <c>/proc</c>.</summary>
internal static class ProcessCpu
{
    private const double TicksPerSecond = 100;

    public static Dictionary<string, double> Read(JsonElement resources)
    {
        var processes = new Dictionary<int, (int Parent, double Seconds)>();
        if (!OperatingSystem.IsLinux()) return [];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id)) continue;
            try
            {
                var text = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
                // Fields 14 to 17 of stat: own user and system time, and those of children that have ended.
                var ticks = Enumerable.Range(11, 4).Sum(field => double.Parse(fields[field], CultureInfo.InvariantCulture));
                processes[id] = (int.Parse(fields[1], CultureInfo.InvariantCulture), ticks / TicksPerSecond);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile.
            }
        }

        double Tree(int id) => processes.TryGetValue(id, out var one) ? one.Seconds + processes.Where(other => other.Value.Parent == id).Sum(child => Tree(child.Key)) : 0;
        return resources.EnumerateObject().Where(resource => resource.Value.TryGetProperty("pid", out var pid) && pid.ValueKind == JsonValueKind.Number)
            .ToDictionary(resource => resource.Name, resource => Tree(resource.Value.GetProperty("pid").GetInt32()));
    }
}
