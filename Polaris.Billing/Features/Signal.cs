using System.Threading.Channels;

namespace Polaris.Billing.Features;

/// <summary>Wakes a background job at once; without it the job looks again by itself after a while.</summary>
internal abstract class Signal
{
    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Wake() => wakes.Writer.TryWrite(true);

    public async Task WaitAsync(TimeSpan atMost, CancellationToken ct)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(ct);
        wake.CancelAfter(atMost);
        try
        {
            await wakes.Reader.ReadAsync(wake.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Time to look anyway.
        }
    }
}
