using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Aspire.Hosting.Local;

/// <summary>A process that belongs to a resource: its output is prefixed with the name, and the guard knows of it.</summary>
internal sealed partial class ManagedProcess
{
    private readonly Process process;
    private readonly ProcessGuard guard;
    private readonly int stopSignal;

    private ManagedProcess(Process process, ProcessGuard guard, int stopSignal) => (this.process, this.guard, this.stopSignal) = (process, guard, stopSignal);

    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    public int Pid => process.Id;

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    public static ManagedProcess Start(string name, ProcessStartInfo start, ProcessGuard guard, LocalConsole console, int stopSignal = SigTerm)
    {
        start.UseShellExecute = false;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => console.Line(name, line.Data);
        process.ErrorDataReceived += (_, line) => console.Line(name, line.Data);
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new DistributedApplicationException($"{name}: '{start.FileName}' could not be started: {exception.Message}", exception);
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        guard.Add(process.Id, stopSignal == SigInt ? "INT" : "TERM");
        return new ManagedProcess(process, guard, stopSignal);
    }

    public async Task<int> WaitAsync(CancellationToken ct)
    {
        await process.WaitForExitAsync(ct);
        guard.Remove(process.Id);
        return process.ExitCode;
    }

    /// <summary>Asks it to end, and after <paramref name="patience"/> ends it.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!process.HasExited)
        {
            Signal(stopSignal);
            using var late = new CancellationTokenSource(patience);
            try
            {
                await process.WaitForExitAsync(late.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }

        guard.Remove(process.Id);
    }

    public void Signal(int signal)
    {
        if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
        else if (!OperatingSystem.IsLinux() || Kill(-process.Id, signal) != 0) _ = Kill(process.Id, signal);
    }

    /// <summary>
    /// On Linux each process leads a session of its own: Ctrl-C at the terminal reaches the AppHost alone, which stops things in order, and
    /// a signal to the group reaches whatever the process started in turn.
    /// </summary>
    public static ProcessStartInfo Command(params string[] command)
    {
        if (OperatingSystem.IsLinux()) command = ["setsid", .. command];
        var start = new ProcessStartInfo(command[0]);
        foreach (var argument in command.AsSpan(1)) start.ArgumentList.Add(argument);
        return start;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}

/// <summary>Lines of all resources on one terminal, each with its resource's name.</summary>
internal sealed class LocalConsole(bool quiet)
{
    private static readonly int[] Colors = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94];

    private readonly Lock sync = new();
    private readonly Queue<string> recent = new();

    /// <summary>How many lines are kept for whoever asks what went wrong.</summary>
    private const int Kept = 200;

    public void Line(string name, string? text)
    {
        if (text is null) return;
        lock (sync)
        {
            recent.Enqueue($"{name}: {text}");
            if (recent.Count > Kept) recent.Dequeue();
            if (quiet) return;
            if (Console.IsOutputRedirected) Console.Out.WriteLine($"{name,-14} | {text}");
            else Console.Out.WriteLine($"\e[{Colors[Math.Abs(string.GetHashCode(name, StringComparison.Ordinal) % Colors.Length)]}m{name,-14}\e[0m | {text}");
        }
    }

    public void Say(string text) => Line("polaris", text);

    public void Plain(string text)
    {
        lock (sync)
        {
            if (!quiet) Console.Out.WriteLine(text);
        }
    }

    public string Recent()
    {
        lock (sync) return string.Join('\n', recent);
    }
}
