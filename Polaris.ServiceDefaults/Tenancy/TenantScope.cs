namespace Polaris.ServiceDefaults.Tenancy;

/// <summary>
/// For which org the current request, message or job runs: set once, by whoever verified it, and read by every query.
/// Work that crosses orgs enters through a named gate instead (<see cref="EnterGate"/>); the database's policies know both.
/// </summary>
public sealed class TenantScope
{
    public Guid? OrgId { get; private set; }

    /// <summary>What lets this work see all orgs; null in a tenant's own work.</summary>
    public Gate? Gate { get; private set; }

    /// <exception cref="InvalidOperationException">The scope already belongs to another org or to a gate.</exception>
    public void EnterOrg(Guid orgId)
    {
        if (orgId == Guid.Empty) throw new ArgumentException("An org id cannot be empty.", nameof(orgId));
        if (Gate is not null || (OrgId is { } current && current != orgId)) throw new InvalidOperationException("The tenant of a scope is set once.");
        OrgId = orgId;
    }

    /// <exception cref="InvalidOperationException">The scope already belongs to an org or another gate.</exception>
    public void EnterGate(Gate gate)
    {
        ArgumentNullException.ThrowIfNull(gate);
        if (OrgId is not null || (Gate is not null && Gate != gate)) throw new InvalidOperationException("The tenant of a scope is set once.");
        Gate = gate;
    }

    /// <exception cref="InvalidOperationException">No org was entered.</exception>
    public Guid RequireOrg() => OrgId ?? throw new InvalidOperationException("This work needs an org, and none was entered.");
}
