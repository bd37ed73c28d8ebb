using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Persistence;

/// <summary>
/// Reads the first rows of a long list in the order of an index that ends with it. Right after many rows were written the planner has no
/// statistics and takes them for one, which it had rather sort than read in order: then each chunk of a close read everything that was
/// left of it.
/// </summary>
internal static class IndexOrder
{
    public static async Task<T> ReadAsync<T>(ScopedTransaction tx, Func<Task<T>> read, CancellationToken ct)
    {
        await SetAsync(tx, "off", ct);
        var result = await read();
        await SetAsync(tx, "on", ct);
        return result;
    }

    // For the transaction only, so a failure leaves nothing behind.
    private static async Task SetAsync(ScopedTransaction tx, string value, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT set_config('enable_sort', $1, true), set_config('enable_bitmapscan', $1, true)");
        await command.Bind(value).ExecuteNonQueryAsync(ct);
    }
}
