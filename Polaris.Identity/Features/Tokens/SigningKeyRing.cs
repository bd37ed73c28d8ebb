using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// The keys loaded in this process. Through <see cref="OpenIddictServerOptions"/>, OpenIddict signs with the first, and verifies with and
/// publishes all of them. When they change, the options are rebuilt without a restart.
/// </summary>
internal sealed class SigningKeyRing(SigningKeyStore store)
    : IConfigureOptions<OpenIddictServerOptions>,
        IOptionsChangeTokenSource<OpenIddictServerOptions>,
        IDisposable
{
    /// <summary>OpenIddict sorts the keys; up to this many, keys that compare equal keep their order.</summary>
    public const int MaxKeys = 16;

    private volatile IReadOnlyList<SigningKey> keys = [];
    private CancellationTokenSource changed = new();

    /// <summary>The key that signs now.</summary>
    public SigningKey Signing => keys.Count > 0 ? keys[0] : throw new InvalidOperationException("The signing keys are not loaded yet.");

    public IReadOnlyList<SigningKey> Keys => keys;

    public string Name => Options.DefaultName;

    /// <summary>Creates a key when one is due and reads all of them; the options change immediately.</summary>
    public async Task RefreshAsync(CancellationToken ct)
    {
        await store.RotateWhenDueAsync(ct);
        await ReadAsync(ct);
    }

    /// <inheritdoc cref="SigningKeyStore.RotateAsync"/>
    public async Task RotateAsync(bool dropOthers, CancellationToken ct)
    {
        await store.RotateAsync(dropOthers, ct);
        await ReadAsync(ct);
    }

    public void Configure(OpenIddictServerOptions options)
    {
        foreach (var key in keys)
            options.SigningCredentials.Add(new SigningCredentials(key.Key, SecurityAlgorithms.RsaSha256));
    }

    public IChangeToken GetChangeToken() => new CancellationChangeToken(Volatile.Read(ref changed).Token);

    public void Dispose() => changed.Dispose();

    private async Task ReadAsync(CancellationToken ct)
    {
        IReadOnlyList<SigningKey> read = [.. (await store.ReadAsync(ct)).Take(MaxKeys)];
        var same = read.Select(key => key.Id).SequenceEqual(keys.Select(key => key.Id));
        keys = read;
        // Cancelling notifies the holders of the change token, and each of them then requests the next one.
        if (!same)
            await Interlocked.Exchange(ref changed, new CancellationTokenSource()).CancelAsync();
    }
}

/// <summary>
/// Periodically reads the signing keys, keeping those it has on failure, creates the next one when it is due, and deletes expired
/// OpenIddict tokens.
/// </summary>
internal sealed partial class TendSigningKeys(
    SigningKeyRing ring,
    IServiceScopeFactory scopes,
    IOptions<SigningKeyOptions> options,
    TimeProvider time,
    ILogger<TendSigningKeys> log
) : PeriodicJob
{
    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);

    /// <summary>OpenIddict keeps tokens at least this long; refresh tokens live 14 days.</summary>
    private static readonly TimeSpan TokenRetention = TimeSpan.FromDays(15);

    private long? pruned;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var before = ring.Signing.Id;
        await ring.RefreshAsync(ct);
        if (ring.Signing.Id != before)
            LogSigning(ring.Signing.Id);
        if (pruned is not { } last || time.GetElapsedTime(last) >= PruneEvery)
        {
            await PruneAsync(ct);
            pruned = time.GetTimestamp();
        }

        return options.Value.PollInterval;
    }

    private async Task PruneAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var before = time.GetUtcNow() - TokenRetention;
        await scope.ServiceProvider.GetRequiredService<IOpenIddictTokenManager>().PruneAsync(before, ct);
        await scope.ServiceProvider.GetRequiredService<IOpenIddictAuthorizationManager>().PruneAsync(before, ct);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Key {KeyId} signs tokens from now on.")]
    private partial void LogSigning(Guid keyId);
}
