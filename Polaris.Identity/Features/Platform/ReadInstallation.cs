using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Platform;

/// <summary>A page of orgs, the oldest first.</summary>
internal sealed record OrgPage(IReadOnlyList<OrgRow> Rows, string? EndCursor, bool HasNextPage);

/// <summary>
/// What a platform admin sees: the orgs, but no data in them. In a scope of its own, since the admin may be a member of an org.
/// </summary>
internal sealed class ReadInstallation(IServiceScopeFactory scopes)
{
    public const int MaxPage = 1_000;

    /// <summary>Ids that may be asked for at once.</summary>
    public const int MaxIds = 200;

    /// <param name="first">1 to <see cref="MaxPage"/>.</param>
    /// <param name="after">The cursor (an org's id) of the last org of the previous page.</param>
    /// <param name="search">Only orgs with this in their name, and the one with this id.</param>
    /// <param name="ids">Only these, at most <see cref="MaxIds"/>.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<OrgPage> OrgsAsync(int first, string? after, string? search, IReadOnlyCollection<Guid>? ids, CancellationToken ct)
    {
        if (ids?.Count > MaxIds)
            throw new RefusedException(Refusal.Invalid("ids", "too_many", $"At most {MaxIds} ids per call, not {ids.Count}."));
        if (first is < 1 or > MaxPage)
            throw new RefusedException(Refusal.Invalid("first", "out_of_range", $"'first' must be 1 to {MaxPage}, not {first}."));
        var cursor = Cursors.Id(after);
        await using var scope = Enter();
        var db = scope.ServiceProvider.GetRequiredService<OrgsDbContext>();
        var rows = await db.InTransactionAsync(
            token =>
            {
                var matching = db.Orgs.AsNoTracking();
                if (ids is not null)
                    matching = matching.Where(row => ids.Contains(row.OrgId));
                if (!string.IsNullOrWhiteSpace(search))
                {
                    var pattern = LikePattern.Containing(search.Trim());
                    Guid? exact = Guid.TryParse(search, out var parsed) ? parsed : null;
                    matching = matching.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape) || row.OrgId == exact);
                }

                if (cursor is { } id)
                    matching = matching.Where(row => row.OrgId.CompareTo(id) > 0);
                return matching.OrderBy(row => row.OrgId).Take(first + 1).ToListAsync(token);
            },
            ct
        );
        var more = rows.Count > first;
        if (more)
            rows.RemoveAt(rows.Count - 1);
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
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterCrossOrg(CrossOrgScope.Platform);
        return scope;
    }
}
