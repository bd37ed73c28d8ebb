using System.Threading.Channels;

namespace Polaris.ServiceDefaults.Hosting;

/// <summary>Wakes a worker early; otherwise it polls. Multiple calls before it runs wake it once.</summary>
public class WakeSignal
{
    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Never blocks.</summary>
    public void Wake() => wakes.Writer.TryWrite(true);

    /// <summary>True when it was woken, false when the time elapsed.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            await wakes.Reader.ReadAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
