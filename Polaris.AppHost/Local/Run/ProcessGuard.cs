using System.Diagnostics;
using System.Globalization;

namespace Aspire.Hosting.Local;

/// <summary>
/// Ends everything the AppHost started when the AppHost itself is gone, however it went: a process of its own that reads, from a pipe, which
/// processes there are. The pipe closes with the AppHost. What was started is also kept in <c>run.json</c>, for the case that both died.
/// </summary>
internal sealed class ProcessGuard : IDisposable
{
    private readonly Process guard;
    private readonly StateDirectory state;
    private readonly Dictionary<int, string> running = [];
    private readonly Lock sync = new();

    private ProcessGuard(Process guard, StateDirectory state) => (this.guard, this.state) = (guard, state);

    public static ProcessGuard Start(StateDirectory state)
    {
        EndLeftovers(state);
        var start = LocalParts.Command("guard");
        start.RedirectStandardInput = true;
        return new ProcessGuard(Process.Start(start)!, state);
    }

    /// <summary>From now on the process ends with the AppHost. <paramref name="signal"/> is sent first: TERM, or INT for Postgres' fast shutdown.</summary>
    public void Add(int pid, string signal)
    {
        lock (sync)
        {
            running[pid] = $"{pid} {StartTime(pid)} {signal}";
            Tell("+" + running[pid]);
        }
    }

    public void Remove(int pid)
    {
        lock (sync)
        {
            if (running.Remove(pid)) Tell($"-{pid}");
        }
    }

    public void Dispose()
    {
        try
        {
            guard.StandardInput.Close();
            guard.WaitForExit(TimeSpan.FromSeconds(15));
        }
        catch (IOException)
        {
            // It is gone already.
        }

        guard.Dispose();
    }

    /// <summary>When a process started, in ticks since boot: with the pid it names a process for good. Empty where the system does not tell.</summary>
    public static string StartTime(int pid)
    {
        try
        {
            // Field 22 of stat; the name in parentheses may hold spaces.
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "0";
        }
        catch (UnauthorizedAccessException)
        {
            return "0";
        }
    }

    private void Tell(string line)
    {
        state.WriteProtected("run.json", string.Join('\n', running.Values));
        try
        {
            guard.StandardInput.WriteLine(line);
            guard.StandardInput.Flush();
        }
        catch (IOException)
        {
            // Without its guard the AppHost still ends its children itself.
        }
    }

    /// <summary>A run whose AppHost and guard were both killed left processes behind: end those that are still the same.</summary>
    private static void EndLeftovers(StateDirectory state)
    {
        if (!File.Exists(state["run.json"])) return;
        var start = LocalParts.Command("sweep");
        start.RedirectStandardInput = true;
        using var sweep = Process.Start(start)!;
        sweep.StandardInput.Write(File.ReadAllText(state["run.json"]));
        sweep.StandardInput.Close();
        sweep.WaitForExit();
        File.Delete(state["run.json"]);
    }
}

/// <summary>How to run the helper program with the parts that need a process of their own.</summary>
internal static class LocalParts
{
    public static ProcessStartInfo Command(params string[] arguments)
    {
        var start = new ProcessStartInfo(DotnetPath) { UseShellExecute = false };
        start.ArgumentList.Add(new Projects.Polaris_LocalParts().AssemblyPath);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    /// <summary>The dotnet that runs this very process, or the one on the path.</summary>
    public static string DotnetPath { get; } =
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host
        : "dotnet";
}
