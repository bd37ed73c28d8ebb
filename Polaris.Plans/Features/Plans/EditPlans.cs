using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Plans.Features.Plans;

public sealed record NewPlan(
    string Key,
    string Name,
    string Currency,
    string Interval,
    IReadOnlyList<Charge> Charges,
    PlanTerms Terms,
    bool Publish
);

internal static class VersionStatuses
{
    public const string Draft = "DRAFT";
    public const string Published = "PUBLISHED";
    public const string Archived = "ARCHIVED";
}

/// <summary>
/// Creates plans and their versions. A version's content never changes. Publishing makes it available to new subscriptions, archiving ends
/// that; an archived version still rates its existing subscriptions.
/// </summary>
internal sealed class EditPlans(PlansDbContext db, TenantScope tenant, TimeProvider time)
{
    /// <summary>An identical plan (same first version) is returned as it is; a different one under an existing key is a conflict.</summary>
    public Task<PlanRow> CreateAsync(NewPlan plan, CancellationToken ct)
    {
        Refuse(
            PlanValidation.Key("input.key", plan.Key)
                ?? PlanValidation.Text("input.name", plan.Name)
                ?? PlanValidation.Currency("input.currency", plan.Currency)
        );
        return db.InTransactionAsync(
            async token =>
            {
                var meters = await HoldMetersAsync(token);
                Refuse(
                    PlanValidation.Charges("input.charges", plan.Charges, Dimensions(meters))
                        ?? PlanValidation.Terms("input.terms", plan.Terms)
                );
                var hash = PlanContent.Hash(plan.Currency, plan.Interval, plan.Charges, plan.Terms);
                if (await FindAsync(plan.Key, token) is { } existing)
                {
                    return existing.Name == plan.Name && existing.Versions.Single(version => version.Number == 1).Hash == hash
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict(
                                "plan_exists",
                                $"The plan '{plan.Key}' already exists. Create a version of it instead.",
                                "input.key"
                            )
                        );
                }

                RefuseArchived("input.charges", plan.Charges, meters);
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
                row.Versions.Add(NewVersion(row, 1, plan.Charges, plan.Terms, hash));
                if (plan.Publish)
                    Publish(row.Versions[0]);
                db.Plans.Add(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    /// <param name="planKey">The plan.</param>
    /// <param name="charges">The new version's charges.</param>
    /// <param name="terms">The new version's terms.</param>
    /// <param name="currency">The currency of the figures; null for the plan's. A plan has one currency, so any other is refused.</param>
    /// <param name="ct">Cancels.</param>
    public Task<(PlanRow Plan, PlanVersionRow Version)> AddVersionAsync(
        string planKey,
        IReadOnlyList<Charge> charges,
        PlanTerms terms,
        string? currency,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var meters = await HoldMetersAsync(token);
                Refuse(PlanValidation.Charges("charges", charges, Dimensions(meters)) ?? PlanValidation.Terms("terms", terms));
                var plan = await FindAsync(planKey, token) ?? throw new RefusedException(Refusal.NotFound("plan"));
                CheckOpen(plan, "planKey");
                RefuseArchived("charges", charges, meters);
                if (currency is not null && currency != plan.Currency)
                    throw new RefusedException(
                        Refusal.Invalid(
                            "currency",
                            "currency_mismatch",
                            $"'currency' must be {plan.Currency}, that of the plan '{planKey}'. Use another plan for {currency}."
                        )
                    );
                var version = NewVersion(
                    plan,
                    plan.Versions.Max(known => known.Number) + 1,
                    charges,
                    terms,
                    PlanContent.Hash(plan.Currency, plan.Interval, charges, terms)
                );
                db.Versions.Add(version);
                await db.SaveChangesAsync(token);
                return (plan, version);
            },
            ct
        );

    /// <summary>Publishing a published version returns it unchanged.</summary>
    public Task<(PlanRow Plan, PlanVersionRow Version)> PublishAsync(Guid id, CancellationToken ct) =>
        ChangeAsync(
            id,
            (plan, version) =>
            {
                if (version.Status != VersionStatuses.Published)
                    CheckOpen(plan, "id");
                if (version.Status == VersionStatuses.Archived)
                    throw new RefusedException(Refusal.Conflict("version_archived", "An archived version cannot be published.", "id"));
                if (version.Status != VersionStatuses.Published)
                    Publish(version);
            },
            ct
        );

    /// <summary>The version takes no new subscriptions. Archiving an archived version returns it unchanged.</summary>
    public Task<(PlanRow Plan, PlanVersionRow Version)> ArchiveAsync(Guid id, CancellationToken ct) =>
        ChangeAsync(id, (_, version) => version.Status = VersionStatuses.Archived, ct);

    /// <summary>A plan's name is not shown on invoices, so it may change; its key and currency may not.</summary>
    public Task<PlanRow> RenameAsync(string key, string name, CancellationToken ct)
    {
        Refuse(PlanValidation.Text("name", name));
        return db.InTransactionAsync(
            async token =>
            {
                var plan = await FindAsync(key, token) ?? throw new RefusedException(Refusal.NotFound("plan"));
                plan.Name = name;
                await db.SaveChangesAsync(token);
                return plan;
            },
            ct
        );
    }

    private Task<(PlanRow Plan, PlanVersionRow Version)> ChangeAsync(
        Guid id,
        Action<PlanRow, PlanVersionRow> change,
        CancellationToken ct
    ) =>
        db.InTransactionAsync(
            async token =>
            {
                var version =
                    await db.Versions.SingleOrDefaultAsync(row => row.Id == id, token)
                    ?? throw new RefusedException(Refusal.NotFound("plan version"));
                var plan = await db.Plans.SingleAsync(row => row.Id == version.PlanId, token);
                change(plan, version);
                await db.SaveChangesAsync(token);
                return (plan, version);
            },
            ct
        );

    private static void Refuse(Violation? violation)
    {
        if (violation is not null)
            throw new RefusedException(Refusal.Invalid(violation.Path, violation.Code, violation.Message));
    }

    /// <summary>The org's meters, held until the transaction ends: none becomes archived while a charge begins to use it.</summary>
    private async Task<List<MeterRow>> HoldMetersAsync(CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM meters WHERE org_id = {org} ORDER BY key FOR SHARE", ct);
        return await db.Meters.AsNoTracking().ToListAsync(ct);
    }

    private static Dictionary<string, int> Dimensions(List<MeterRow> meters) =>
        meters.ToDictionary(row => row.Key, row => CreateMeter.Dimensions(row).Count);

    private static void RefuseArchived(string path, IReadOnlyList<Charge> charges, List<MeterRow> meters)
    {
        var archived = meters.Where(row => row.ArchivedAt is not null).Select(row => row.Key).ToHashSet();
        for (var i = 0; i < charges.Count; i++)
        {
            if (charges[i].Meter is { } meter && archived.Contains(meter))
                throw new RefusedException(
                    Refusal.Invalid($"{path}[{i}].meter", "meter_archived", $"The meter '{meter}' is archived. Unarchive it first.")
                );
        }
    }

    private static void CheckOpen(PlanRow plan, string path)
    {
        if (plan.ArchivedAt is not null)
            throw new RefusedException(
                Refusal.Conflict("plan_archived", $"The plan '{plan.Key}' is archived: it takes no new versions. Unarchive it first.", path)
            );
    }

    private Task<PlanRow?> FindAsync(string key, CancellationToken ct) =>
        db.Plans.Include(row => row.Versions.OrderBy(version => version.Number)).SingleOrDefaultAsync(row => row.Key == key, ct);

    private PlanVersionRow NewVersion(PlanRow plan, int number, IReadOnlyList<Charge> charges, PlanTerms terms, string hash) =>
        new()
        {
            OrgId = plan.OrgId,
            PlanId = plan.Id,
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Number = number,
            Status = VersionStatuses.Draft,
            Charges = PlanContent.Serialize(charges),
            Terms = PlanContent.Serialize(terms),
            Hash = hash,
            CreatedAt = time.GetCurrentInstant(),
        };

    private void Publish(PlanVersionRow version)
    {
        version.Status = VersionStatuses.Published;
        version.PublishedAt = time.GetCurrentInstant();
    }
}
