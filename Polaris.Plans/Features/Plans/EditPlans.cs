using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Plans.Features.Plans;

public sealed record NewPlan(string Key, string Name, string Currency, string Interval, IReadOnlyList<Charge> Charges, bool Publish);

internal static class VersionStatuses
{
    public const string Draft = "DRAFT";
    public const string Published = "PUBLISHED";
}

/// <summary>Creates plans and their versions. A version's content never changes; publishing only makes it available to new subscriptions.</summary>
internal sealed class EditPlans(PlansDbContext db, TenantScope tenant, TimeProvider time)
{
    /// <summary>The same plan again (same first version) is returned as it is; another one under a taken key is a conflict.</summary>
    public Task<PlanRow> CreateAsync(NewPlan plan, CancellationToken ct)
    {
        Refuse(PlanValidation.Key("input.key", plan.Key) ?? PlanValidation.Text("input.name", plan.Name) ?? PlanValidation.Currency("input.currency", plan.Currency));
        return db.InTransactionAsync(async token =>
        {
            Refuse(PlanValidation.Charges("input.charges", plan.Charges, await MetersAsync(token)));
            var hash = PlanContent.Hash(plan.Currency, plan.Interval, plan.Charges);
            if (await FindAsync(plan.Key, token) is { } existing)
            {
                return existing.Name == plan.Name && existing.Versions.Single(version => version.Number == 1).Hash == hash
                    ? existing
                    : throw new RefusedException(Refusal.Conflict("plan_exists", $"The plan '{plan.Key}' exists; give it a new version instead.", "input.key"));
            }

            var now = time.GetUtcNow();
            var row = new PlanRow
            {
                OrgId = tenant.RequireOrg(),
                Id = Guid.CreateVersion7(now),
                Key = plan.Key,
                Name = plan.Name,
                Currency = plan.Currency,
                Interval = plan.Interval,
                CreatedAt = Instant.FromDateTimeOffset(now),
            };
            row.Versions.Add(NewVersion(row, 1, plan.Charges, hash));
            if (plan.Publish) Publish(row.Versions[0]);
            db.Plans.Add(row);
            await db.SaveChangesAsync(token);
            return row;
        }, ct);
    }

    public Task<(PlanRow Plan, PlanVersionRow Version)> AddVersionAsync(string planKey, IReadOnlyList<Charge> charges, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        Refuse(PlanValidation.Charges("charges", charges, await MetersAsync(token)));
        var plan = await FindAsync(planKey, token) ?? throw new RefusedException(Refusal.NotFound("plan"));
        var version = NewVersion(plan, plan.Versions.Max(known => known.Number) + 1, charges, PlanContent.Hash(plan.Currency, plan.Interval, charges));
        db.Versions.Add(version);
        await db.SaveChangesAsync(token);
        return (plan, version);
    }, ct);

    /// <summary>Publishing a published version returns it as it is.</summary>
    public Task<(PlanRow Plan, PlanVersionRow Version)> PublishAsync(Guid id, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        var version = await db.Versions.SingleOrDefaultAsync(row => row.Id == id, token) ?? throw new RefusedException(Refusal.NotFound("plan version"));
        if (version.Status != VersionStatuses.Published) Publish(version);
        await db.SaveChangesAsync(token);
        return (await db.Plans.SingleAsync(row => row.Id == version.PlanId, token), version);
    }, ct);

    private static void Refuse(Violation? violation)
    {
        if (violation is not null) throw new RefusedException(Refusal.Invalid(violation.Path, violation.Code, violation.Message));
    }

    private Task<HashSet<string>> MetersAsync(CancellationToken ct) => db.Meters.Select(row => row.Key).ToHashSetAsync(ct);

    private Task<PlanRow?> FindAsync(string key, CancellationToken ct) => db.Plans.Include(row => row.Versions.OrderBy(version => version.Number)).SingleOrDefaultAsync(row => row.Key == key, ct);

    private PlanVersionRow NewVersion(PlanRow plan, int number, IReadOnlyList<Charge> charges, string hash) => new()
    {
        OrgId = plan.OrgId,
        PlanId = plan.Id,
        Id = Guid.CreateVersion7(time.GetUtcNow()),
        Number = number,
        Status = VersionStatuses.Draft,
        Charges = PlanContent.Serialize(charges),
        Hash = hash,
        CreatedAt = Instant.FromDateTimeOffset(time.GetUtcNow()),
    };

    private void Publish(PlanVersionRow version)
    {
        version.Status = VersionStatuses.Published;
        version.PublishedAt = Instant.FromDateTimeOffset(time.GetUtcNow());
    }
}
