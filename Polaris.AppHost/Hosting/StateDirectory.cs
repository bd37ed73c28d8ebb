using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;

namespace Polaris.AppHost.Hosting;

/// <summary>The folder with everything that outlives a run: data, generated secrets, addresses. One AppHost at a time uses it.</summary>
internal sealed class StateDirectory : IDisposable
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly FileStream lockFile;

    private StateDirectory(string root, FileStream lockFile) => (Root, this.lockFile) = (root, lockFile);

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <exception cref="DistributedApplicationException">Another AppHost uses the folder.</exception>
    public static StateDirectory Open(string path, bool reset)
    {
        Directory.CreateDirectory(path);
        FileStream lockFile;
        try
        {
            // The lock goes with the process, however it ends.
            lockFile = new FileStream(Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new DistributedApplicationException(
                $"Another AppHost is running on {path}. Stop it, or choose another folder with --state-dir."
            );
        }

        if (reset)
        {
            foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().Where(entry => entry.Name != "lock"))
            {
                if (entry is DirectoryInfo folder)
                    folder.Delete(recursive: true);
                else
                    entry.Delete();
            }
        }

        // A run that was killed left it saying "ready", and perhaps something held down.
        File.Delete(Path.Combine(path, "endpoints.json"));
        foreach (var hold in Directory.EnumerateFiles(path, "hold.*"))
            File.Delete(hold);
        return new StateDirectory(path, lockFile);
    }

    /// <summary>
    /// Whether a file <c>hold.&lt;resource&gt;</c> asks that the resource, once ended, stays down: so an outage can last, and a broker's
    /// data can be deleted, while everything else runs.
    /// </summary>
    public bool IsHeld(string resource) => File.Exists(this["hold." + resource]);

    /// <summary>A secret's value, generated at the first start and the same at every later one.</summary>
    public string Secret(string name)
    {
        var file = this["secrets.json"];
        var known = File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))!.AsObject() : [];
        if (known[name] is null)
        {
            known[name] = RandomNumberGenerator.GetString("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", 32);
            WriteProtected("secrets.json", known.ToJsonString(Indented));
        }

        return (string)known[name]!;
    }

    /// <summary>Replaces a file in one step, readable by its owner only.</summary>
    public void WriteProtected(string name, string content)
    {
        var temporary = this[$".{name}.{Environment.ProcessId}"];
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(temporary, options))
            writer.Write(content);
        File.Move(temporary, this[name], overwrite: true);
    }

    public void WriteEndpoints(bool ready, IReadOnlyDictionary<string, (string[] Urls, int? Pid)> resources)
    {
        var listed = new JsonObject();
        foreach (var (name, (urls, pid)) in resources.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            listed[name] = new JsonObject { ["urls"] = new JsonArray([.. urls.Select(url => JsonValue.Create(url))]), ["pid"] = pid };
        var endpoints = new JsonObject
        {
            ["ready"] = ready,
            ["resources"] = listed,
            ["demo"] = Demo(),
        };
        WriteProtected("endpoints.json", endpoints.ToJsonString(Indented));
    }

    /// <summary>What the demo resource wrote of its tenant; null when there is none.</summary>
    public JsonObject? Demo() => File.Exists(this["demo.json"]) ? JsonNode.Parse(File.ReadAllText(this["demo.json"]))!.AsObject() : null;

    public void Dispose() => lockFile.Dispose();
}

/// <summary>A parameter that is generated once and kept with the data it protects; a deployment generates its own.</summary>
internal sealed class PersistedSecret(StateDirectory? state, string name) : ParameterDefault
{
    public override string GetDefaultValue() => state?.Secret(name) ?? "";

    public override void WriteToManifest(ManifestPublishingContext context)
    {
        context.Writer.WriteStartObject("generate");
        context.Writer.WriteNumber("minLength", 32);
        context.Writer.WriteBoolean("special", false);
        context.Writer.WriteEndObject();
    }
}
