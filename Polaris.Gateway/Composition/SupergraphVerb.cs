namespace Polaris.Gateway.Composition;

/// <summary>
/// <c>schema FOLDER OUTPUT</c>: composes the subgraphs' schemas of a folder, and writes the public schema and the supergraph.
/// </summary>
internal static class SupergraphVerb
{
    public const string PublicFile = "schema.graphql";
    public const string SupergraphFile = "supergraph.graphql";

    public static void Write(string folder, string output)
    {
        var supergraph = Composer.Compose(Read(folder));
        File.WriteAllText(Path.Combine(output, PublicFile), SdlWriter.Public(supergraph));
        File.WriteAllText(Path.Combine(output, SupergraphFile), SdlWriter.Join(supergraph, name => new Uri($"http://{name}/graphql")));
    }

    /// <summary>A subgraph's file has its name.</summary>
    public static IEnumerable<(string Name, string Sdl)> Read(string folder) =>
        Directory
            .EnumerateFiles(folder, "*.graphql")
            .Where(file => Path.GetFileName(file) is not (PublicFile or SupergraphFile))
            .Select(file => (Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)));
}
