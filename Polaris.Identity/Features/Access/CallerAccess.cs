using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Access;

/// <summary>
/// Reads the caller's access again in the transaction that makes or changes a credential, and locks it there: the token, and what a service
/// remembers of it, may be a second older than the end of the access.
/// </summary>
internal sealed class CallerAccess(OrgsDbContext db, NpgsqlDataSource database, IHttpContextAccessor caller, TimeProvider time)
{
    /// <summary>Without a transaction of an org, for what concerns the installation.</summary>
    /// <exception cref="RefusedException">The access has ended, or no longer includes the scope.</exception>
    public async Task RequireNowAsync(string scope, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(caller.HttpContext?.User.OrgId() ?? Guid.Empty, ct);
        await RequireAsync(tx, scope, ct);
    }

    /// <summary>Call it inside a transaction of <see cref="OrgsDbContext"/>.</summary>
    /// <exception cref="RefusedException">The access has ended, or no longer includes the scope.</exception>
    public async Task RequireAsync(string scope, CancellationToken ct)
    {
        var transaction =
            db.Database.CurrentTransaction ?? throw new InvalidOperationException("The caller's access is read inside the transaction.");
        await using var tx = ScopedTransaction.Borrow(
            (NpgsqlConnection)db.Database.GetDbConnection(),
            (NpgsqlTransaction)transaction.GetDbTransaction()
        );
        await RequireAsync(tx, scope, ct);
    }

    private async Task RequireAsync(ScopedTransaction tx, string scope, CancellationToken ct)
    {
        var user = caller.HttpContext?.User;
        var access = TokenOrigin.Parse(user?.FindFirst(PolarisClaims.Origin)?.Value) is { } origin
            ? await ReadAccess.OfAsync(tx, origin, user?.OrgId(), time.GetCurrentInstant(), lockRows: true, ct)
            : null;
        if (access is null)
            throw new RefusedException(
                new Refusal(RefusalKind.Unauthenticated, "revoked_credentials", "The session, membership or API key has ended.")
            );
        var holds = scope == Scopes.Platform ? access.Platform : access.Scopes.Any(held => held == scope || Scopes.Implies(held, scope));
        if (!holds)
            throw new RefusedException(
                new Refusal(RefusalKind.Forbidden, "missing_scope", $"The token does not hold the scope '{scope}'.")
            );
    }
}
