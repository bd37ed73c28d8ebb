using Microsoft.EntityFrameworkCore;
using NodaTime;

namespace Polaris.Notifications.Persistence;

internal static class WakeQueue
{
    /// <summary>A receiver has something due now, in the caller's transaction; its row is made if there is none.</summary>
    public static Task WakeQueueAsync(this NotificationsDbContext db, Guid org, Guid id, Instant now, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO queues AS q (org_id, id, due_at, turn_at, held_until, failures) VALUES ({org}, {id}, {now}, {now}, {now}, 0)
            ON CONFLICT (org_id, id) DO UPDATE SET due_at = least(q.due_at, greatest(excluded.due_at, q.open_until))
            """,
            ct
        );
}
