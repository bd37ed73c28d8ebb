using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Notifications.Features.Audit;

/// <summary>The org's log of mutations, see <see cref="MutationAudit"/>.</summary>
internal sealed class ReadAuditLog(NotificationsDbContext db)
{
    /// <param name="first">1 to <see cref="AuditPages.MaxPage"/>.</param>
    /// <param name="after">The cursor (an entry's id) of the last entry of the previous page.</param>
    /// <param name="subject">Only entries about this id or key; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public Task<AuditPage> PageAsync(int first, string? after, string? subject, CancellationToken ct)
    {
        var cursor = AuditPages.Check(first, after);
        if (subject?.Length > Limits.MaxTextLength)
            throw new RefusedException(Refusal.Invalid("subject", "too_long", $"'subject' has at most {Limits.MaxTextLength} characters."));
        return db.InTransactionAsync(
            token =>
                AuditPages.ReadAsync(
                    subject is null ? db.AuditLog : db.AuditLog.Where(row => row.Subject == subject),
                    first,
                    cursor,
                    token
                ),
            ct
        );
    }
}
