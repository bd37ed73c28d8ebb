using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// PDFs are printed one after another: the library shares state, and a process has better uses of its cores. An org has few in the
/// queue, so that others get their turn.
/// </summary>
internal sealed class PrintQueue : IDisposable
{
    /// <summary>Documents of an org that wait or are printed, in this process.</summary>
    public const int MaxOfOrg = 4;

    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Dictionary<Guid, int> waiting = [];

    /// <exception cref="RefusedException">Too many of the org wait already.</exception>
    public async Task<byte[]> PrintAsync(Guid org, Func<byte[]> print, CancellationToken ct)
    {
        Enter(org);
        try
        {
            await turn.WaitAsync(ct);
            try
            {
                return print();
            }
            finally
            {
                turn.Release();
            }
        }
        finally
        {
            Leave(org);
        }
    }

    /// <summary>Those of the org that wait or are printed.</summary>
    public int CountOf(Guid org)
    {
        lock (waiting)
            return waiting.GetValueOrDefault(org);
    }

    public void Dispose() => turn.Dispose();

    private void Enter(Guid org)
    {
        lock (waiting)
        {
            var already = waiting.GetValueOrDefault(org);
            if (already >= MaxOfOrg)
                throw new RefusedException(
                    Refusal.TooMany(
                        "too_many_requests",
                        $"At most {MaxOfOrg} PDFs of an organization are printed or wait at once. Try again.",
                        TimeSpan.FromSeconds(1)
                    )
                );
            waiting[org] = already + 1;
        }
    }

    private void Leave(Guid org)
    {
        lock (waiting)
        {
            if (--waiting[org] == 0)
                waiting.Remove(org);
        }
    }
}
