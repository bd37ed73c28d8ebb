using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes the model for somebody else to run.</summary>
internal static class Publisher
{
    public static void Publish(string publisher, IReadOnlyList<Resource> resources, string? outputPath)
    {
        switch (publisher)
        {
            case "manifest":
                ManifestWriter.Write(resources, outputPath ?? throw new DistributedApplicationException("--publisher manifest needs --output-path FILE."));
                break;
            case "kustomize":
                KustomizeWriter.Write(resources, outputPath ?? throw new DistributedApplicationException("--publisher kustomize needs --output-path FOLDER."));
                break;
            default:
                throw new DistributedApplicationException($"There is no publisher '{publisher}': it is 'manifest' or 'kustomize'.");
        }
    }
}
