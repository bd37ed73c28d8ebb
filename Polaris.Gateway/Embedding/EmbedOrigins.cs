using Grpc.Core;
using Microsoft.Extensions.Caching.Memory;
using Polaris.Identity.V1;

namespace Polaris.Gateway.Embedding;

/// <summary>
/// The origins whose pages may show what is an org's customers', as its admins have set them. Remembered for a few seconds; while Identity
/// cannot say, there are none.
/// </summary>
internal sealed class EmbedOrigins(Identity.V1.Identity.IdentityClient identity) : IDisposable
{
    /// <summary>How long a change may take.</summary>
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Orgs. Anyone may ask about any id.</summary>
    private const int Remembered = 10_000;

    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = Remembered });

    public Task<IReadOnlyList<string>> OfAsync(Guid org) =>
        known.GetOrCreate(
            org,
            entry =>
            {
                (entry.Size, entry.AbsoluteExpirationRelativeToNow) = (1, FreshFor);
                return ReadAsync(org);
            }
        )!;

    public void Dispose() => known.Dispose();

    /// <summary>Not cancelled by the request that asked first, because others may wait for it.</summary>
    private async Task<IReadOnlyList<string>> ReadAsync(Guid org)
    {
        using var deadline = new CancellationTokenSource(AnswerTimeout);
        try
        {
            return
            [
                .. (
                    await identity.GetOrgAsync(new GetOrgRequest { OrgId = org.ToString() }, cancellationToken: deadline.Token)
                ).EmbedOrigins,
            ];
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            return [];
        }
    }
}
