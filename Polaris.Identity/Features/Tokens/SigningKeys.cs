using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;
using Npgsql;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// The RSA key that signs tokens: made once, kept in the database for all replicas, encrypted there (AES-GCM) under a key derived from the
/// service secret. Another service secret makes another key: tokens signed before are then no longer valid.
/// </summary>
internal static class SigningKeys
{
    private const int KeyBits = 2048;
    private const long AdvisoryLock = 0x504f4c4b455953;

    /// <summary>The newest key that this secret opens; made when there is none.</summary>
    public static async Task<RsaSecurityKey> LoadAsync(string connectionString, string serviceSecret, TimeProvider time)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var turn = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({AdvisoryLock})", connection, transaction)) await turn.ExecuteNonQueryAsync();
        var wrapping = Derive(serviceSecret, "signing-keys");
        await using (var read = new NpgsqlCommand("SELECT id, protected FROM signing_keys ORDER BY created_at DESC", connection, transaction))
        await using (var reader = await read.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                if (Open(wrapping, (byte[])reader[1]) is { } known) return ToKey(reader.GetGuid(0), known);
            }
        }

        var now = time.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        using var rsa = RSA.Create(KeyBits);
        var secret = rsa.ExportPkcs8PrivateKey();
        await using var insert = new NpgsqlCommand("INSERT INTO signing_keys (id, protected, created_at) VALUES ($1, $2, $3)", connection, transaction);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Seal(wrapping, secret) });
        insert.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        await insert.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        return ToKey(id, secret);
    }

    /// <summary>32 bytes for one purpose.</summary>
    public static byte[] Derive(string serviceSecret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(serviceSecret), 32, info: Encoding.UTF8.GetBytes("polaris/" + purpose));

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
