using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Bounds guesses of one account's password or code, by the network address they come from and over all of them. It counts attempts before
/// they are checked, so that guesses at the same time count too, by the e-mail address that was typed, whether or not it has an account. It
/// only refuses new sign-ins: a session that is open does not notice.
/// </summary>
internal sealed class SignInGuard(
    NpgsqlDataSource database,
    ILookupNormalizer normalizer,
    IHttpContextAccessor http,
    AddressLimits addresses,
    IOptions<ThrottleOptions> options,
    TimeProvider time
)
{
    private string Address => ClientAddress.Of(http.HttpContext);

    /// <summary>Counts an attempt.</summary>
    /// <returns>How many there were from this address, this one included.</returns>
    /// <exception cref="RefusedException">There were too many; with the time after which one is possible again.</exception>
    public async Task<int> EnterAsync(string email, CancellationToken ct)
    {
        addresses.Take(AddressLimit.SignIn, Address);
        var (now, limits) = (time.GetCurrentInstant(), options.Value);
        var window = Duration.FromTimeSpan(limits.SignInWindow);
        await using var connection = await database.OpenConnectionAsync(ct);
        var (attempts, since) = await CountAsync(connection, email, now, now - window, ct);
        if (
            attempts > limits.SignInsPerAddressAndAccount
            || (
                await OfAccountAsync(connection, email, now - window, ct) > limits.SignInsPerAccount
                && !await IsKnownAsync(connection, email, ct)
            )
        )
            throw new RefusedException(
                Refusal.TooMany(
                    "too_many_attempts",
                    "There were too many attempts to sign in to this account. Try again later.",
                    (since + window - now).ToTimeSpan()
                )
            );
        return attempts;
    }

    /// <summary>After the right password: what failed from this address before no longer counts.</summary>
    public async Task ForgiveAsync(string email, CancellationToken ct)
    {
        await using var command = database.CreateCommand("DELETE FROM sign_in_failures WHERE account = $1 AND address = $2");
        command.Bind(AccountOf(email)).Bind(Address);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<(int Attempts, Instant Since)> CountAsync(
        NpgsqlConnection connection,
        string email,
        Instant now,
        Instant start,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO sign_in_failures AS f (account, address, attempts, since) VALUES ($1, $2, 1, $3)
            ON CONFLICT (account, address) DO UPDATE SET
              attempts = CASE WHEN f.since <= $4 THEN 1 ELSE least(f.attempts, 1000000) + 1 END,
              since = CASE WHEN f.since <= $4 THEN $3 ELSE f.since END
            RETURNING attempts, since
            """,
            connection
        );
        command.Bind(AccountOf(email)).Bind(Address).Bind(now).Bind(start);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt32(0), await reader.GetFieldValueAsync<Instant>(1, ct));
    }

    private async Task<long> OfAccountAsync(NpgsqlConnection connection, string email, Instant start, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(sum(attempts), 0)::bigint FROM sign_in_failures WHERE account = $1 AND since > $2",
            connection
        );
        command.Bind(AccountOf(email)).Bind(start);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Whether the person signed in from this address before: a stranger elsewhere cannot shut them out.</summary>
    private async Task<bool> IsKnownAsync(NpgsqlConnection connection, string email, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT EXISTS (SELECT 1 FROM users u JOIN sessions s ON s.user_id = u.id
              WHERE u.normalized_email = $1 AND u.email_confirmed AND s.address = $2)
            """,
            connection
        );
        command.Bind(normalizer.NormalizeEmail(email)).Bind(Address);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    private byte[] AccountOf(string email) => SHA256.HashData(Encoding.UTF8.GetBytes(normalizer.NormalizeEmail(email) ?? ""));
}

/// <summary>Deletes counts of attempts that no longer bound anything.</summary>
internal sealed class DeleteOldFailures(IServiceScopeFactory scopes, TimeProvider time) : PeriodicJob
{
    private const int Batch = 5_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly Duration KeptFor = Duration.FromHours(1);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<AccountsDbContext>();
        var before = time.GetCurrentInstant() - KeptFor;
        var deleted = await db.SignInFailures.Where(row => row.Since < before).Take(Batch).ExecuteDeleteAsync(ct);
        return deleted == Batch ? Immediately : Every;
    }
}
