using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Platform;

/// <summary>A page of orgs, the oldest first.</summary>
internal sealed record OrgPage(IReadOnlyList<OrgRow> Rows, string? EndCursor, bool HasNextPage);

/// <summary>What an operator sees: which orgs there are, nothing in them. In a scope of its own, since the operator may be a member of an org.</summary>
internal sealed class ReadInstallation(IServiceScopeFactory scopes)
{
    public const int MaxPage = 1_000;

    /// <param name="first">1 to <see cref="MaxPage"/>.</param>
    /// <param name="after">The cursor (an org's id) of the last one seen.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<OrgPage> OrgsAsync(int first, string? after, CancellationToken ct)
    {
        if (first is < 1 or > MaxPage) throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' is 1 to {MaxPage}, not {first}."));
        await using var scope = Enter();
        var db = scope.ServiceProvider.GetRequiredService<OrgsDbContext>();
        var rows = await db.InTransactionAsync(token =>
        {
            var matching = db.Orgs.AsNoTracking();
            if (Guid.TryParse(after, out var id)) matching = matching.Where(row => row.OrgId.CompareTo(id) > 0);
            return matching.OrderBy(row => row.OrgId).Take(first + 1).ToListAsync(token);
        }, ct);
        var more = rows.Count > first;
        if (more) rows.RemoveAt(rows.Count - 1);
        return new OrgPage(rows, rows.Count == 0 ? null : rows[^1].OrgId.ToString(), more);
    }

    public async Task<AuditPage> AuditAsync(int first, string? after, CancellationToken ct)
    {
        await using var scope = Enter();
        return await scope.ServiceProvider.GetRequiredService<AuditLog>().InstallationPageAsync(first, after, ct);
    }

    private AsyncServiceScope Enter()
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterGate(Gate.Platform);
        return scope;
    }
}
