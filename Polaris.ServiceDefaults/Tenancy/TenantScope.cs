using System.Diagnostics;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>
/// The org of the current request, message or job: set once, by the code that verified it, and used by every query. Cross-org work declares
/// its reason instead (<see cref="EnterCrossOrg"/>); row-level security knows both.
/// </summary>
public sealed class TenantScope
{
    public Guid? OrgId { get; private set; }

    /// <summary>The reason for cross-org access; null in the work of one org.</summary>
    public CrossOrgScope? CrossOrg { get; private set; }

    /// <summary>
    /// The orgs of a read that shows several of them to a person who was verified in each (docs/adr/0028); null in other work.
    /// </summary>
    public IReadOnlyList<Guid>? Orgs { get; private set; }

    /// <exception cref="InvalidOperationException">The scope already belongs to another org or has cross-org access.</exception>
    public void EnterOrg(Guid orgId)
    {
        if (orgId == Guid.Empty)
            throw new ArgumentException("An org id cannot be empty.", nameof(orgId));
        if (CrossOrg is not null || Orgs is not null || (OrgId is { } current && current != orgId))
            throw new InvalidOperationException("The tenant of a scope is set once.");
        OrgId = orgId;
        Activity.Current.SetOrgs(orgId);
    }

    /// <exception cref="InvalidOperationException">The scope already belongs to an org or has another cross-org access.</exception>
    public void EnterCrossOrg(CrossOrgScope scope)
    {
        ArgumentNullException.ThrowIfNull(scope);
        if (OrgId is not null || Orgs is not null || (CrossOrg is not null && CrossOrg != scope))
            throw new InvalidOperationException("The tenant of a scope is set once.");
        CrossOrg = scope;
    }

    /// <summary>Only for orgs that <see cref="Auth.OrgAccess"/> has verified the caller in. Nothing can be written in this scope.</summary>
    /// <exception cref="InvalidOperationException">The scope already belongs to an org or has cross-org access.</exception>
    public void EnterOrgs(IReadOnlyList<Guid> orgs)
    {
        ArgumentNullException.ThrowIfNull(orgs);
        if (OrgId is not null || CrossOrg is not null || Orgs is not null)
            throw new InvalidOperationException("The tenant of a scope is set once.");
        Orgs = orgs;
        Activity.Current.SetOrgs([.. orgs]);
    }

    /// <exception cref="InvalidOperationException">No org was entered.</exception>
    public Guid RequireOrg() => OrgId ?? throw new InvalidOperationException("No org was entered in this scope.");
}
