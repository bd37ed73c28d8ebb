using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using OpenIddict.Abstractions;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// People's sessions. A session begins with a sign-in; its cookie, refresh tokens and access tokens are worth something while its row is
/// open, so ending it ends them all.
/// </summary>
internal sealed class Sessions(
    AccountsDbContext db,
    IOpenIddictAuthorizationManager authorizations,
    IOpenIddictTokenManager tokens,
    TimeProvider time
)
{
    /// <summary>However much it is used.</summary>
    public static readonly Duration MaxAge = Duration.FromDays(90);

    /// <summary>Open sessions of one person; a further one ends the oldest.</summary>
    public const int MaxOpen = 50;

    private Instant Now => time.GetCurrentInstant();

    public async Task<SessionRow> StartAsync(Guid user, string address, CancellationToken ct)
    {
        var oldest = await Open(user).OrderByDescending(row => row.CreatedAt).Skip(MaxOpen - 1).ToListAsync(ct);
        await EndAsync(oldest, ct);
        var now = Now;
        var session = new SessionRow
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            UserId = user,
            CreatedAt = now,
            ExpiresAt = now + MaxAge,
            Address = address,
        };
        db.Sessions.Add(session);
        await db.SaveChangesAsync(ct);
        return session;
    }

    /// <summary>Null when there is none, it has ended, or it is another person's.</summary>
    public Task<SessionRow?> FindOpenAsync(Guid id, Guid user, CancellationToken ct) =>
        Open(user).SingleOrDefaultAsync(row => row.Id == id, ct);

    /// <summary>The OAuth authorization to which all codes and refresh tokens of the session belong.</summary>
    public async Task<string> AuthorizationAsync(
        SessionRow session,
        System.Security.Claims.ClaimsIdentity identity,
        string client,
        CancellationToken ct
    )
    {
        if (session.AuthorizationId is { } known)
            return known;
        var created = await authorizations.CreateAsync(
            identity,
            session.UserId.ToString(),
            client,
            OpenIddictConstants.AuthorizationTypes.AdHoc,
            identity.GetScopes(),
            ct
        );
        session.AuthorizationId = await authorizations.GetIdAsync(created, ct);
        await db.SaveChangesAsync(ct);
        return session.AuthorizationId!;
    }

    public async Task EndAsync(Guid id, Guid user, CancellationToken ct) =>
        await EndAsync(await Open(user).Where(row => row.Id == id).ToListAsync(ct), ct);

    /// <summary>Ends all sessions of the person, but for the given one.</summary>
    public async Task EndAllAsync(Guid user, Guid? except, CancellationToken ct) =>
        await EndAsync(await Open(user).Where(row => row.Id != except).ToListAsync(ct), ct);

    private IQueryable<SessionRow> Open(Guid user)
    {
        var now = Now;
        return db.Sessions.Where(row => row.UserId == user && row.EndedAt == null && row.ExpiresAt > now);
    }

    private async Task EndAsync(List<SessionRow> sessions, CancellationToken ct)
    {
        if (sessions.Count == 0)
            return;
        foreach (var session in sessions)
            session.EndedAt = Now;
        // First: from now on nothing of theirs is valid. The rest tidies up after them.
        await db.SaveChangesAsync(ct);
        foreach (var id in sessions.Select(session => session.AuthorizationId).OfType<string>())
        {
            if (await authorizations.FindByIdAsync(id, ct) is { } authorization)
                await authorizations.TryRevokeAsync(authorization, ct);
            await tokens.RevokeByAuthorizationIdAsync(id, ct);
        }
    }
}

/// <summary>Deletes sessions that ended or expired, once their last token has expired too.</summary>
internal sealed class DeleteEndedSessions(IServiceScopeFactory scopes, TimeProvider time) : PeriodicJob
{
    private const int Batch = 1_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);
    private static readonly Duration KeptFor = Duration.FromDays(1);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<AccountsDbContext>();
        var before = time.GetCurrentInstant() - KeptFor;
        var deleted = await db
            .Sessions.Where(row => row.EndedAt < before || row.ExpiresAt < before)
            .OrderBy(row => row.Id)
            .Take(Batch)
            .ExecuteDeleteAsync(ct);
        return deleted == Batch ? Immediately : Every;
    }
}
