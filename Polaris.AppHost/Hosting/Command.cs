using System.ComponentModel;
using System.Diagnostics;
using Aspire.Hosting;

namespace Polaris.AppHost.Hosting;

/// <summary>Runs a program to its end, for what has to be done before a resource starts.</summary>
internal static class Command
{
    public static string Npm => OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    /// <returns>What it wrote to its standard output.</returns>
    /// <exception cref="DistributedApplicationException">It is not there, or ended with another code than 0.</exception>
    public static async Task<string> RunAsync(
        IReadOnlyList<string> command,
        CancellationToken ct,
        string? directory = null,
        (string Name, string Value)? variable = null
    )
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? Path.GetTempPath(),
        };
        foreach (var argument in command.Skip(1))
            start.ArgumentList.Add(argument);
        if (variable is { } set)
            start.Environment[set.Name] = set.Value;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new DistributedApplicationException($"'{command[0]}' could not be started: {exception.Message}", exception);
        }

        using (process)
        {
            var error = process.StandardError.ReadToEndAsync(ct);
            var output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0
                ? output
                : throw new DistributedApplicationException($"'{command[0]}' ended with {process.ExitCode}:\n{output}{await error}");
        }
    }
}
