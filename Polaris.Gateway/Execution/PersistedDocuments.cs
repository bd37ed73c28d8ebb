using System.Security.Cryptography;
using System.Text;
using GraphQL;
using GraphQL.Transport;
using Microsoft.Extensions.Caching.Memory;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// Documents by their SHA-256, so that a client sends a long one once: <c>documentId: "sha256:…"</c>, or Apollo's
/// <c>extensions.persistedQuery.sha256Hash</c>. Who names one that is not known, any more or at this replica, sends it along the next time.
/// </summary>
internal sealed class PersistedDocuments : IDisposable
{
    /// <summary>Characters of all documents that are kept.</summary>
    public const int MaxKeptCharacters = 2_000_000;

    private const string Scheme = "sha256:";

    private static readonly TimeSpan KeptUnused = TimeSpan.FromDays(1);

    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = MaxKeptCharacters });

    /// <summary>Fills in the document that the request names.</summary>
    /// <returns>The name; null if the request has none. The request has no document if none is known by it.</returns>
    /// <exception cref="RequestError">The name is not that of the document, or is none.</exception>
    public string? Find(GraphQLRequest request)
    {
        var hash = HashOf(request);
        if (hash is null)
            return string.IsNullOrEmpty(request.Query)
                ? throw RequestError.Invalid("missing_query", "The body needs a field 'query' with a GraphQL document.")
                : null;
        if (string.IsNullOrEmpty(request.Query))
            request.Query = known.Get<string>(hash);
        else if (Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request.Query))) != hash)
            throw RequestError.Invalid("document_mismatch", "The SHA-256 that the request names is not that of its document.");
        return hash;
    }

    /// <summary>Keeps a document that is valid.</summary>
    public void Keep(string hash, string document) =>
        known.Set(hash, document, new MemoryCacheEntryOptions { Size = document.Length, SlidingExpiration = KeptUnused });

    /// <summary>The message is Apollo's, by which clients notice it.</summary>
    public static ExecutionError NotFound() => new("PersistedQueryNotFound") { Code = "PERSISTED_QUERY_NOT_FOUND" };

    public void Dispose() => known.Dispose();

    private static string? HashOf(GraphQLRequest request)
    {
        if (request.DocumentId is { } id)
            return id.StartsWith(Scheme, StringComparison.Ordinal)
                ? Checked(id[Scheme.Length..])
                : throw RequestError.Invalid("invalid_document_id", $"'documentId' must be '{Scheme}' and 64 hexadecimal digits.");
        return
            request.Extensions is { } extensions
            && extensions.TryGetValue("persistedQuery", out var named)
            && named is IReadOnlyDictionary<string, object?> fields
            && fields.TryGetValue("sha256Hash", out var hash)
            ? Checked(hash as string)
            : null;
    }

    private static string Checked(string? hash) =>
        hash is { Length: 64 } && hash.All(char.IsAsciiHexDigitLower)
            ? hash
            : throw RequestError.Invalid("invalid_document_id", "A document's SHA-256 has 64 lower-case hexadecimal digits.");
}
