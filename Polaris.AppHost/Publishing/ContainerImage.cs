using Aspire.Hosting;

namespace Polaris.AppHost.Publishing;

/// <summary>What an image wants of the pod that runs it.</summary>
/// <param name="Name">The image with its tag.</param>
/// <param name="User">The user that the image is made for, by number: a name does not prove that it is not root.</param>
/// <param name="WritableFolders">Folders that it writes to beside its volumes, when its file system is read-only.</param>
/// <param name="ReadOnly">Whether its file system can be read-only.</param>
/// <param name="MemoryLimit">What it may take.</param>
internal sealed record ContainerImage(string Name, long User, string[] WritableFolders, bool ReadOnly, string MemoryLimit)
{
    /// <summary>Of the images built from this repository.</summary>
    private const string Tag = "0.1.0";

    public static ContainerImage Of(ManifestResource resource)
    {
        // A service's migrations run from the service's own image.
        if (resource.Project is { } project)
            return new($"polaris/{project.Split('.')[^1].ToLowerInvariant()}:{Tag}", 1654, ["/tmp"], true, "512Mi");
        if (resource.Image is not { } image)
            return new($"polaris/{resource.Name}:{Tag}", 101, ["/tmp"], true, "128Mi");
        return image[(image.LastIndexOf('/') + 1)..].Split(':')[0] switch
        {
            "postgres" => new(image, 999, ["/tmp", "/var/run/postgresql"], true, "1Gi"),
            // It writes its configuration beside its programs when it starts.
            "kafka" => new(image, 1000, ["/tmp"], false, "1536Mi"),
            _ => throw new DistributedApplicationException($"It is not known which user the image '{image}' runs as."),
        };
    }
}
