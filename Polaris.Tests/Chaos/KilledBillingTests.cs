using Polaris.Bench;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>An access log becomes its invoices whatever happens to Billing meanwhile, see <see cref="ReplayedLog"/>.</summary>
[Collection(nameof(PromiseTests))]
[Trait(Categories.Name, Categories.Chaos)]
public sealed class KilledBillingTests(PolarisApp polaris) : PlatformTests
{
    [Theory]
    [MemberData(nameof(ReplayedLog.Logs), MemberType = typeof(ReplayedLog))]
    public async Task Billing_killed_again_and_again_in_the_middle_of_a_replay_changes_no_figure(string log)
    {
        await polaris.UntilHealthyAsync();
        var folder = ReplayedLog.FolderOf(log, polaris.State, lines: 6_000, clients: 300);
        using var done = new CancellationTokenSource();
        var kills = 0;
        var killer = KillAsync();
        var exit = await new ReplayCommand(Options.Parse(["--url", polaris.Gateway.ToString()], "--recompute")).RunAsync(folder);
        await done.CancelAsync();
        await killer;
        Assert.Equal(0, exit);
        Assert.True(kills > 0);

        // Kills it whenever the topic has new batches, so that it has work in progress. Bounded, since each restart waits longer.
        async Task KillAsync()
        {
            while (!done.IsCancellationRequested && kills < 4)
            {
                var before = await AppliedAsync();
                while (!done.IsCancellationRequested && await AppliedAsync() == before)
                    await Task.Delay(5);
                if (done.IsCancellationRequested)
                    return;
                polaris.App.Kill("billing");
                kills++;
            }
        }

        Task<long> AppliedAsync() => polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM applied_batches");
    }
}
