using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Persistence;

/// <summary>
/// An org's lock, held until the transaction ends. Appliers of the org's batches share it; registering a meter, rebuilding buckets and
/// drafting invoices take it exclusively. So an event is counted for a meter either by its batch's applier or by filling, exactly once.
/// Nobody waits for it without a limit: who works for many orgs takes those that are free and returns to the others later, and who works
/// for one org gives up after a while, so that an org whose lock is held keeps neither connections nor workers from other orgs.
/// </summary>
internal static class OrgLock
{
    /// <summary>Maximum wait for an org's lock; a query is refused afterwards, background work returns to the org later.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(3);

    /// <summary>Maximum wait of a worker that has other orgs to serve meanwhile.</summary>
    public static readonly TimeSpan WorkerWait = TimeSpan.FromMilliseconds(500);

    /// <summary>Code of the refusal when the lock was not free in time.</summary>
    public const string BusyCode = "org_busy";

    /// <summary>Takes the locks that are free, without waiting; returns the orgs whose lock is not.</summary>
    public static async Task<HashSet<Guid>> TryTakeSharedAsync(ScopedTransaction tx, IReadOnlyList<Guid> orgs, CancellationToken ct)
    {
        var locked = new HashSet<Guid>();
        if (orgs.Count == 0)
            return locked;
        await using var command = tx.Command(
            "SELECT o FROM unnest($1::uuid[], $2::bigint[]) l(o, k) WHERE NOT pg_try_advisory_xact_lock_shared(k)"
        );
        command.BindColumn(orgs, org => org).BindColumn(orgs, LockNumber);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            locked.Add(reader.GetGuid(0));
        return locked;
    }

    /// <exception cref="RefusedException">The lock was not free within the wait (<see cref="BusyCode"/>).</exception>
    public static async Task TakeExclusiveAsync(ScopedTransaction tx, Guid org, CancellationToken ct, TimeSpan? wait = null)
    {
        // The timeout applies to this statement only: the list is evaluated from left to right.
        await using var command = tx.Command(
            "SELECT set_config('lock_timeout', $2, true), pg_advisory_xact_lock($1), set_config('lock_timeout', '0', true)"
        );
        command
            .Bind(LockNumber(org))
            .Bind(((long)(wait ?? MaxWait).TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture));
        try
        {
            await command.ExecuteNonQueryAsync(ct);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw Busy();
        }
    }

    public static RefusedException Busy() =>
        new(new Refusal(RefusalKind.Unavailable, BusyCode, "The org's usage or invoices are being counted anew. Try again in a moment."));

    /// <summary>Whether work failed only because the org's lock was not free.</summary>
    public static bool IsBusy(Exception exception) => exception is RefusedException { Refusal.Code: BusyCode };

    // The second half of a UUID of version 7 is random, the first half is time.
    internal static long LockNumber(Guid org)
    {
        Span<byte> bytes = stackalloc byte[16];
        org.TryWriteBytes(bytes, bigEndian: true, out _);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
    }
}
