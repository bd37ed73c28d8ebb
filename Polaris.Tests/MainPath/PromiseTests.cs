using System.Globalization;
using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Usage;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>
/// The guarantees of the design, tested through the public interfaces during faults. One at a time, since they break the shared platform.
/// </summary>
[Collection(nameof(PromiseTests))]
[CollectionDefinition(nameof(PromiseTests), DisableParallelization = true)]
public sealed class PromiseTests(PolarisApp polaris) : PlatformTests
{
    // Repairs whatever the previous test broke.
    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    private static object[] Events(string prefix, int count, string customer = "acme", decimal amount = 1) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    idempotency_key = $"{prefix}-{i}",
                    type = "call",
                    customer,
                    properties = new { amount },
                }),
        ];

    [Fact]
    public async Task Acknowledged_events_survive_a_kill_of_ingestion_right_after_the_answer()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        var (status, body) = await tenant.IngestAsync(Events("durable", 200));
        polaris.App.Kill("ingestion");
        Assert.Equal((202, 200), (status, body.Counted("accepted")));
        Assert.Equal(
            200L,
            await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", tenant.OrgId)
        );
        await polaris.UntilAsync("counting all 200", async () => await tenant.UsageAsync("calls") == 200);
    }

    [Fact]
    public async Task A_committed_batch_has_its_outbox_record_in_the_same_transaction()
    {
        using var tenant = await polaris.SignUpAsync();
        // Nothing is published while the broker is suspended, so the committed rows can be inspected.
        polaris.App.Signal("kafka", 19);
        try
        {
            await tenant.AcceptedAsync(Events("outbox", 50));
            Assert.Equal(
                0L,
                await polaris.ScalarAsync<long>(
                    "ingestiondb",
                    "SELECT count(*) FROM usage_batches b WHERE org_id = $1 "
                        + "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.org_id = b.org_id AND o.batch_id = b.batch_id)",
                    tenant.OrgId
                )
            );
        }
        finally
        {
            polaris.App.Signal("kafka", 18);
        }

        await polaris.UntilAsync(
            "publishing",
            async () => await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0
        );
    }

    [Fact]
    public async Task A_broker_that_forgets_everything_loses_nothing()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        for (var round = 0; round < 3; round++)
        {
            // Billing is stopped, so that it cannot consume what the broker is about to lose.
            polaris.App.Signal("billing", 19);
            await tenant.AcceptedAsync(Events($"wiped-{round}", 100));
            await polaris.UntilAsync(
                "publishing",
                async () =>
                    await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0
            );
            polaris.App.Kill("kafka");
            polaris.App.Signal("billing", 18);
            await tenant.AcceptedAsync(Events($"meanwhile-{round}", 10));
        }

        await polaris.UntilAsync("counting 330", async () => await tenant.UsageAsync("calls") == 330);
    }
}
