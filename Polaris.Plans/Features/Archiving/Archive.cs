using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Plans.Features.Archiving;

/// <summary>
/// Archives meters and plans: nothing new uses them, what uses them goes on. Doing it again returns the meter or plan unchanged.
/// </summary>
internal sealed class Archive(PlansDbContext db, TimeProvider time)
{
    /// <exception cref="RefusedException">There is no such meter.</exception>
    public Task<MeterRow> MeterAsync(string key, bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db.Meters.SingleOrDefaultAsync(meter => meter.Key == key, token)
                    ?? throw new RefusedException(Refusal.NotFound("meter"));
                row.ArchivedAt = archived ? row.ArchivedAt ?? time.GetCurrentInstant() : null;
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    /// <exception cref="RefusedException">There is no such plan.</exception>
    public Task<PlanRow> PlanAsync(string key, bool archived, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db
                        .Plans.Include(plan => plan.Versions.OrderBy(version => version.Number))
                        .SingleOrDefaultAsync(plan => plan.Key == key, token)
                    ?? throw new RefusedException(Refusal.NotFound("plan"));
                row.ArchivedAt = archived ? row.ArchivedAt ?? time.GetCurrentInstant() : null;
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
}
