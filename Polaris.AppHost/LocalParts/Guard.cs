using System.Globalization;
using System.Runtime.InteropServices;

namespace Polaris.LocalParts;

/// <summary>Waits until its standard input closes, which happens when the AppHost is gone, and then ends the processes it was told of.</summary>
internal static partial class Guard
{
    private const int SigInt = 2;
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private sealed record Watched(int Pid, string StartTime, int Signal);

    public static int Run()
    {
        // A closing terminal or Ctrl-C reaches this process too; its work begins just then.
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        var watched = new Dictionary<int, Watched>();
        while (Console.In.ReadLine() is { } line)
        {
            if (line.StartsWith('+') && Parse(line[1..]) is { } process) watched[process.Pid] = process;
            else if (line.StartsWith('-')) watched.Remove(int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture));
        }

        End(watched.Values);
        return 0;
    }

    /// <summary>Ends what a list on standard input names.</summary>
    public static int Sweep()
    {
        End([.. Console.In.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse).OfType<Watched>()]);
        return 0;
    }

    private static Watched? Parse(string line) =>
        line.Split(' ') is [var pid, var startTime, var signal] ? new Watched(int.Parse(pid, CultureInfo.InvariantCulture), startTime, signal == "INT" ? SigInt : SigTerm) : null;

    private static void End(IReadOnlyCollection<Watched> processes)
    {
        var waiting = processes.Where(IsSame).ToList();
        foreach (var process in waiting) Signal(process, process.Signal);
        var until = TimeProvider.System.GetTimestamp();
        while (waiting.Count > 0 && TimeProvider.System.GetElapsedTime(until) < Patience)
        {
            Thread.Sleep(50);
            waiting.RemoveAll(process => !IsSame(process));
        }

        foreach (var process in waiting) Signal(process, SigKill);
    }

    // The group first: the AppHost's processes lead one each, with whatever they started in it.
    private static void Signal(Watched process, int signal)
    {
        if (!OperatingSystem.IsLinux() || Kill(-process.Pid, signal) != 0) _ = Kill(process.Pid, signal);
    }

    /// <summary>The pid still names the process that was meant: pids are used again.</summary>
    private static bool IsSame(Watched process)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] != "Z" && fields[19] == process.StartTime;
        }
        catch (IOException)
        {
            // No /proc (macOS): a start time of 0 means that none was known either.
            return !Directory.Exists("/proc/self") && process.StartTime == "0" && Kill(process.Pid, 0) == 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
