using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Placeholder.</summary>
internal static class KustomizeWriter
{
    public static void Write(IReadOnlyList<Resource> resources, string directory) => throw new DistributedApplicationException("to be written");
}
