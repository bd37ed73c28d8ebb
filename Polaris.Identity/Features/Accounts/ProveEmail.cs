using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Accounts;

/// <summary>Gives an account the e-mail address that it claimed. The first one to prove an address has it.</summary>
internal sealed class ProveEmail(AccountsDbContext db, TimeProvider time)
{
    public async Task<User> HandleAsync(string token, CancellationToken ct)
    {
        var (hash, now) = (AccountTokens.HashOf(AccountTokens.ProofStart, token), time.GetCurrentInstant());
        var user =
            (
                hash is null
                    ? null
                    : await db.Users.SingleOrDefaultAsync(row => row.EmailProofHash == hash && row.EmailProofExpiresAt > now, ct)
            ) ?? throw new RefusedException(Refusal.NotFound("proof of an e-mail address"));
        user.EmailConfirmed = true;
        user.EmailProofHash = null;
        user.EmailProofExpiresAt = null;
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException taken) when (taken.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new RefusedException(SignUp.EmailTaken);
        }

        return user;
    }
}
