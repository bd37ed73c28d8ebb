using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>The folder with everything that outlives a run: data, generated secrets, and where things are. One AppHost at a time uses it.</summary>
internal sealed class StateDirectory : IDisposable
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly FileStream held;

    private StateDirectory(string path, FileStream held) => (Root, this.held) = (path, held);

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <exception cref="DistributedApplicationException">Another AppHost uses the folder.</exception>
    public static StateDirectory Open(string path, bool reset)
    {
        Directory.CreateDirectory(path);
        FileStream held;
        try
        {
            // The lock goes with the process, however it ends.
            held = new FileStream(Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new DistributedApplicationException($"Another AppHost is running on {path}. Stop it, or choose another folder with --state-dir.");
        }

        if (reset)
        {
            foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().Where(entry => entry.Name is not ("lock" or "run.json")))
            {
                if (entry is DirectoryInfo folder) folder.Delete(recursive: true);
                else entry.Delete();
            }
        }

        // A run that was killed left it saying "ready", and perhaps something held down.
        File.Delete(Path.Combine(path, "endpoints.json"));
        foreach (var hold in Directory.EnumerateFiles(path, "hold.*")) File.Delete(hold);
        return new StateDirectory(path, held);
    }

    /// <summary>
    /// Whether a file <c>hold.&lt;resource&gt;</c> asks that the resource, once ended, stays down: so an outage can last, and a broker's data can be
    /// deleted, while everything else runs.
    /// </summary>
    public bool IsHeld(string resource) => File.Exists(this["hold." + resource]);

    /// <summary>Gives every secret that was not configured its generated value, the same at every start.</summary>
    public void FillSecrets(IEnumerable<ParameterResource> parameters)
    {
        var file = this["secrets.json"];
        var known = File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))!.AsObject() : [];
        foreach (var parameter in parameters.Where(parameter => parameter.Value is null && parameter.Secret))
        {
            if (known[parameter.Name] is null) known[parameter.Name] = ResourceBuilderExtensions.NewSecret();
            parameter.Value = (string?)known[parameter.Name];
        }

        WriteProtected("secrets.json", known.ToJsonString(Indented));
    }

    /// <summary>Replaces a file at once, readable by its owner only.</summary>
    public void WriteProtected(string name, string content)
    {
        var temporary = this[$".{name}.{Environment.ProcessId}"];
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(temporary, options)) writer.Write(content);
        File.Move(temporary, this[name], overwrite: true);
    }

    public void WriteEndpoints(bool ready, IReadOnlyDictionary<string, (string[] Urls, int? Pid)> resources)
    {
        var listed = new JsonObject();
        foreach (var (name, (urls, pid)) in resources.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            listed[name] = new JsonObject { ["urls"] = new JsonArray([.. urls.Select(url => JsonValue.Create(url))]), ["pid"] = pid };
        WriteProtected("endpoints.json", new JsonObject { ["ready"] = ready, ["resources"] = listed, ["demo"] = Demo() }.ToJsonString(Indented));
    }

    /// <summary>What the demo resource wrote of its tenant; null when there is none.</summary>
    public JsonObject? Demo() => File.Exists(this["demo.json"]) ? JsonNode.Parse(File.ReadAllText(this["demo.json"]))!.AsObject() : null;

    public void Dispose() => held.Dispose();
}
