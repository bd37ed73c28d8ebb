using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using OpenIddict.Abstractions;
using OpenIddict.Server;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// The keys this process knows, and through <see cref="OpenIddictServerOptions"/> what OpenIddict signs with (the first), verifies with and
/// publishes (all). When they change, the options are made anew: no restart.
/// </summary>
internal sealed class SigningKeyRing(SigningKeyStore store) : IConfigureOptions<OpenIddictServerOptions>, IOptionsChangeTokenSource<OpenIddictServerOptions>, IDisposable
{
    /// <summary>OpenIddict sorts them; up to this many, those it takes for equal keep their order.</summary>
    public const int MaxKeys = 16;

    private volatile IReadOnlyList<SigningKey> keys = [];
    private CancellationTokenSource changed = new();

    /// <summary>The one that signs now.</summary>
    public SigningKey Signing => keys.Count > 0 ? keys[0] : throw new InvalidOperationException("The signing keys were not read yet.");

    public IReadOnlyList<SigningKey> Keys => keys;

    public string Name => Options.DefaultName;

    /// <summary>Makes a key when one is due and reads all; whoever uses the options sees the change at once.</summary>
    public async Task LookAsync(CancellationToken ct)
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
        foreach (var key in keys) options.SigningCredentials.Add(new SigningCredentials(key.Key, SecurityAlgorithms.RsaSha256));
    }

    public IChangeToken GetChangeToken() => new CancellationChangeToken(Volatile.Read(ref changed).Token);

    public void Dispose() => changed.Dispose();

    private async Task ReadAsync(CancellationToken ct)
    {
        IReadOnlyList<SigningKey> read = [.. (await store.ReadAsync(ct)).Take(MaxKeys)];
        var same = read.Select(key => key.Id).SequenceEqual(keys.Select(key => key.Id));
        keys = read;
        // Cancelling calls back whoever holds a token; each then asks for the next one.
        if (!same) await Interlocked.Exchange(ref changed, new CancellationTokenSource()).CancelAsync();
    }
}

/// <summary>Looks for new signing keys, makes the next when it is due, and clears what has expired of OpenIddict's tokens.</summary>
internal sealed partial class TendSigningKeys(SigningKeyRing ring, IServiceScopeFactory scopes, IOptions<SigningKeyOptions> options, TimeProvider time, ILogger<TendSigningKeys> log) : BackgroundService
{
    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);

    /// <summary>OpenIddict keeps tokens at least this long; refresh tokens live 14 days.</summary>
    private static readonly TimeSpan KeepTokens = TimeSpan.FromDays(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.LookEvery, time);
        long? pruned = null;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var before = ring.Signing.Id;
                await ring.LookAsync(stoppingToken);
                if (ring.Signing.Id != before) LogSigning(ring.Signing.Id);
                if (pruned is { } last && time.GetElapsedTime(last) < PruneEvery) continue;
                await PruneAsync(stoppingToken);
                pruned = time.GetTimestamp();
            }
            catch (Exception exception) when (exception is NpgsqlException or RetryLimitExceededException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
    }

    private async Task PruneAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var before = time.GetUtcNow() - KeepTokens;
        await scope.ServiceProvider.GetRequiredService<IOpenIddictTokenManager>().PruneAsync(before, ct);
        await scope.ServiceProvider.GetRequiredService<IOpenIddictAuthorizationManager>().PruneAsync(before, ct);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Key {KeyId} signs tokens from now on.")]
    private partial void LogSigning(Guid keyId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The signing keys could not be read; those known are used on.")]
    private partial void LogFailed(Exception exception);
}
