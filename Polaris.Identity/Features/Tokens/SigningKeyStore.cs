using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// A signing key: published from its creation, signing from <see cref="ActiveAt"/> until a newer one does, removed at <see
/// cref="RetiredAt"/>.
/// </summary>
internal sealed record SigningKey(Guid Id, RsaSecurityKey Key, Instant CreatedAt, Instant ActiveAt, Instant? RetiredAt);

/// <summary>
/// The RSA keys that sign tokens, shared by all replicas through the database and encrypted there (AES-GCM) with a key derived from the
/// installation secret. After a change of that secret none can be decrypted: a new key is created, and earlier tokens are no longer valid.
/// </summary>
internal sealed class SigningKeyStore(
    NpgsqlDataSource database,
    IConfiguration configuration,
    IOptions<SigningKeyOptions> options,
    TimeProvider time
)
{
    private const int KeyBits = 2048;
    private const long AdvisoryLock = 0x504f4c4b455953;

    private readonly byte[] wrapping = InstallationSecret.Derive(configuration, "signing-keys");

    private Instant Now => time.GetCurrentInstant();

    /// <summary>All keys that may still verify: first the one that signs, then the others, newest first.</summary>
    public async Task<IReadOnlyList<SigningKey>> ReadAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return InOrder(await ReadAsync(connection, null, ct), Now);
    }

    /// <summary>
    /// Creates the first key, or the next one when it is due. All replicas may call it at the same time; one creates the key.
    /// </summary>
    /// <returns>Whether a key was created.</returns>
    public Task<bool> RotateWhenDueAsync(CancellationToken ct) =>
        ChangeAsync(
            (keys, now) =>
            {
                if (keys.Count == 0)
                    return now;
                var newest = keys.Max(key => key.ActiveAt);
                var next = newest + Duration.FromTimeSpan(options.Value.RotateEvery);
                var publish = next - Duration.FromTimeSpan(options.Value.PublishBefore);
                if (publish > now)
                    return null;
                // When no process was running at the due time, the key is still published for the full period before it signs.
                return Instant.Max(next, now + Duration.FromTimeSpan(options.Value.PublishBefore));
            },
            dropOthers: false,
            ct
        );

    /// <summary>Creates the next key now, regardless of the schedule.</summary>
    /// <param name="dropOthers">
    /// After a leak: the new key signs immediately, and tokens signed by the other keys are no longer valid.
    /// </param>
    /// <param name="ct">Cancels.</param>
    public Task RotateAsync(bool dropOthers, CancellationToken ct) =>
        ChangeAsync((_, now) => dropOthers ? now : now + Duration.FromTimeSpan(options.Value.PublishBefore), dropOthers, ct);

    private async Task<bool> ChangeAsync(
        Func<IReadOnlyList<SigningKey>, Instant, Instant?> nextActiveAt,
        bool dropOthers,
        CancellationToken ct
    )
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var turn = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({AdvisoryLock})", connection, transaction))
            await turn.ExecuteNonQueryAsync(ct);
        var now = Now;
        if (nextActiveAt(await ReadAsync(connection, transaction, ct), now) is not { } activeAt)
            return false;
        using var rsa = RSA.Create(KeyBits);
        await using var insert = new NpgsqlCommand(
            "INSERT INTO signing_keys (id, protected, created_at, active_at) VALUES ($1, $2, $3, $4)",
            connection,
            transaction
        );
        var id = Guid.CreateVersion7(now.ToDateTimeOffset());
        insert.Bind(id).Bind(Seal(wrapping, rsa.ExportPkcs8PrivateKey())).Bind(now).Bind(activeAt);
        await insert.ExecuteNonQueryAsync(ct);
        await using var retire = new NpgsqlCommand(
            """
            WITH gone AS (DELETE FROM signing_keys WHERE retired_at <= $2)
            UPDATE signing_keys SET retired_at = least(retired_at, $3) WHERE id <> $1 AND (retired_at IS NULL OR retired_at > $2)
            """,
            connection,
            transaction
        );
        retire.Bind(id).Bind(now).Bind(dropOthers ? now : activeAt + Duration.FromTimeSpan(options.Value.Retention));
        await retire.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    private async Task<List<SigningKey>> ReadAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            "SELECT id, protected, created_at, active_at, retired_at FROM signing_keys WHERE retired_at IS NULL OR retired_at > $1",
            connection,
            transaction
        );
        read.Bind(Now);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var keys = new List<SigningKey>();
        while (await reader.ReadAsync(ct))
        {
            if (Open(wrapping, (byte[])reader[1]) is not { } secret)
                continue;
            var retiredAt = await reader.IsDBNullAsync(4, ct) ? null : (Instant?)reader.GetFieldValue<Instant>(4);
            keys.Add(
                new SigningKey(
                    reader.GetGuid(0),
                    ToKey(reader.GetGuid(0), secret),
                    reader.GetFieldValue<Instant>(2),
                    reader.GetFieldValue<Instant>(3),
                    retiredAt
                )
            );
        }

        return keys;
    }

    private static IReadOnlyList<SigningKey> InOrder(List<SigningKey> keys, Instant now)
    {
        var newestFirst = keys.OrderByDescending(key => key.ActiveAt).ThenByDescending(key => key.Id).ToList();
        // Clocks may differ: a replica that finds only keys that are not active yet signs with the one that becomes active first.
        var signing = newestFirst.Find(key => key.ActiveAt <= now) ?? newestFirst.LastOrDefault();
        return signing is null ? [] : [signing, .. newestFirst.Where(key => key != signing)];
    }

    private static RsaSecurityKey ToKey(Guid id, byte[] secret)
    {
        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(secret, out _);
        return new RsaSecurityKey(rsa) { KeyId = id.ToString("N") };
    }

    private static byte[] Seal(byte[] key, byte[] content)
    {
        var sealedBytes = new byte[AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize + content.Length];
        var (nonce, tag, cipher) = Parts(sealedBytes);
        RandomNumberGenerator.Fill(nonce.Span);
        using var aes = new AesGcm(key, tag.Length);
        aes.Encrypt(nonce.Span, content, cipher.Span, tag.Span);
        return sealedBytes;
    }

    private static byte[]? Open(byte[] key, byte[] sealedBytes)
    {
        var (nonce, tag, cipher) = Parts(sealedBytes);
        var content = new byte[cipher.Length];
        using var aes = new AesGcm(key, tag.Length);
        try
        {
            aes.Decrypt(nonce.Span, cipher.Span, tag.Span, content);
            return content;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static (Memory<byte> Nonce, Memory<byte> Tag, Memory<byte> Cipher) Parts(byte[] all)
    {
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        return (all.AsMemory(0, nonce), all.AsMemory(nonce, tag), all.AsMemory(nonce + tag));
    }
}
