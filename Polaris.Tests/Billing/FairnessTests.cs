using System.Globalization;
using System.Reflection;
using Confluent.Kafka;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Consuming;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>One org's load, lock or failure keeps no other org from being counted and invoiced.</summary>
public sealed class FairnessTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static int partitions = 100;

    /// <summary>A partition of its own for each test: a position never goes back.</summary>
    private readonly int partition = Interlocked.Increment(ref partitions);

    private readonly BillingAlone billing = alone.Billing;
    private long offset;

    /// <summary>Accepts every record.</summary>
    public class Broker : DispatchProxy
    {
        public List<byte[]> Sent { get; } = [];

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            lock (Sent)
                Sent.Add(((Message<byte[], byte[]>)args![1]!).Value);
            return Task.FromResult(new DeliveryResult<byte[], byte[]>());
        }
    }

    private ConsumeUsage Consumer() =>
        new(
            new ConsumerConfig { BootstrapServers = "localhost:1" },
            new ConsumerPositions(billing.Database, NullLogger<ConsumerPositions>.Instance),
            billing.Of<ApplyUsage>(),
            SetAside(),
            TimeProvider.System,
            NullLogger<ConsumeUsage>.Instance
        );

    private DeadLetters SetAside() =>
        new(
            billing.Database,
            DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>(),
            TimeProvider.System,
            NullLogger<DeadLetters>.Instance
        );

    private ConsumeResult<Ignore, byte[]> Record(Guid org, string key) =>
        new()
        {
            TopicPartitionOffset = new TopicPartitionOffset("t", partition, offset++),
            Message = new Message<Ignore, byte[]> { Value = billing.Store.Add(org, FakeIngestion.Event(key, March)).ToByteArray() },
        };

    private static async Task HandleAsync(ConsumeUsage consumer, params ConsumeResult<Ignore, byte[]>[] records)
    {
        foreach (var record in records)
            consumer.Polled(record);
        await consumer.HandleAsync(records, default);
    }

    private static MeterDefinition Calls() => new(Guid.CreateVersion7(), "calls", "call", MeterAggregation.Count, "", []);

    private async Task<long> CountedAsync(Guid org) =>
        await ScalarAsync<long>("SELECT coalesce(sum(event_count), 0)::bigint FROM usage_aggregates WHERE org_id = $1", org);

    private async Task<long> PositionAsync()
    {
        await using var command = billing.Database.CreateCommand("SELECT next_offset FROM consumer_positions WHERE partition = $1");
        command.Parameters.AddWithValue(partition);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task<T> ScalarAsync<T>(string sql, Guid org, params object[] more)
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command(sql);
        command.Parameters.AddWithValue(org);
        foreach (var value in more)
            command.Parameters.AddWithValue(value);
        var result = await command.ExecuteScalarAsync();
        await tx.CommitAsync(default);
        return (T)result!;
    }

    /// <summary>Holds an org's lock, as a session that hangs does, until disposed of.</summary>
    private async Task<ScopedTransaction> WedgeAsync(Guid org)
    {
        var tx = await billing.Database.BeginOrgAsync(org, default);
        await OrgLock.TakeExclusiveAsync(tx, org, default);
        return tx;
    }

    private async Task<BillingScene> DueAsync(Instant now, int subscriptions = 1, string price = "1")
    {
        var plan = Version(Guid.CreateVersion7().ToString(), "1", PerUnit(price));
        // Without a fee in advance there is an invoice a month and none at the start.
        plan.Charges[0].InAdvance = false;
        var scene = await CreateAsync(billing, plan);
        await ScalarAsync<object>(
            """
            WITH made AS (
              INSERT INTO subscriptions (org_id, id, customer_key, plan_key, plan_version_id, start_at, "interval", anchor_day,
                anchor_month, time_zone, credit_unused, next_period_start, next_period_end, created_at, held_tries)
              SELECT $1, gen_random_uuid(), 'c' || n, s.plan_key, s.plan_version_id, s.start_at, s."interval", 1, 1, 'UTC', true,
                s.next_period_start, s.next_period_end, now(), 0
              FROM subscriptions s, generate_series(2, $2) n WHERE s.org_id = $1 RETURNING 1)
            SELECT count(*) FROM made
            """,
            scene.Org,
            subscriptions
        );
        await scene.ClockAsync(now);
        return scene;
    }

    private Task<long> InvoicesAsync(BillingScene scene) => ScalarAsync<long>("SELECT count(*) FROM invoices WHERE org_id = $1", scene.Org);

    private GenerateInvoices Generator => billing.Of<GenerateInvoices>();

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(60), "It did not happen.");
            await Task.Delay(20);
        }
    }

    [Fact]
    public async Task A_poll_is_counted_for_the_orgs_whose_lock_is_free_and_the_others_wait_without_losing_their_place()
    {
        var (wedged, free) = (await billing.NewOrgAsync(Calls()), await billing.NewOrgAsync(Calls()));
        using var consumer = Consumer();
        var first = offset;
        await using (await WedgeAsync(wedged))
        {
            await HandleAsync(consumer, Record(free, "a"), Record(wedged, "b"), Record(free, "c"));
            Assert.Equal((2, 0), (await CountedAsync(free), await CountedAsync(wedged)));
            Assert.Equal(first + 1, await PositionAsync());
            Assert.True(consumer.HoldsRecords);
            await HandleAsync(consumer, Record(free, "d"), Record(wedged, "e"));
            Assert.Equal(3, await CountedAsync(free));
            Assert.Equal(first + 1, await PositionAsync());
        }

        await UntilAsync(async () =>
        {
            await HandleAsync(consumer);
            return !consumer.HoldsRecords;
        });
        Assert.Equal((3, 2), (await CountedAsync(free), await CountedAsync(wedged)));
        Assert.Equal(first + 5, await PositionAsync());
    }

    [Fact]
    public async Task An_error_of_ours_makes_no_dead_letter_and_keeps_no_other_org_waiting()
    {
        var (failing, healthy) = (await billing.NewOrgAsync(Calls()), await billing.NewOrgAsync(Calls()));
        using var consumer = Consumer();
        var message = await ScalarAsync<byte[]>("SELECT message FROM meters WHERE org_id = $1", failing);
        // Not a valid message: reading the org's meters throws, whatever the record is.
        await ScalarAsync<object>("UPDATE meters SET message = '\\x0707' WHERE org_id = $1 RETURNING 1", failing);
        await HandleAsync(consumer, Record(failing, "a"), Record(healthy, "b"));
        Assert.Equal((1, 0), (await CountedAsync(healthy), await CountedAsync(failing)));
        Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) FROM dead_letters WHERE org_id = $1", failing));
        await ScalarAsync<object>("UPDATE meters SET message = $2 WHERE org_id = $1 RETURNING 1", failing, message);
        await UntilAsync(async () =>
        {
            await HandleAsync(consumer);
            return await CountedAsync(failing) == 1;
        });
    }

    [Fact]
    public async Task A_record_with_an_impossible_timestamp_is_a_dead_letter_and_the_orgs_other_usage_is_counted()
    {
        var org = await billing.NewOrgAsync(Calls());
        using var consumer = Consumer();
        var wrong = FakeIngestion.Event("wrong", March);
        wrong.TimestampUs = long.MaxValue / 20;
        var record = Record(org, "right");
        await HandleAsync(
            consumer,
            new ConsumeResult<Ignore, byte[]>
            {
                TopicPartitionOffset = new TopicPartitionOffset("t", partition, offset++),
                Message = new Message<Ignore, byte[]> { Value = billing.Store.Add(org, wrong).ToByteArray() },
            },
            record
        );
        Assert.Equal(1, await CountedAsync(org));
        Assert.Equal(1L, await ScalarAsync<long>("SELECT count(*) FROM dead_letters WHERE org_id = $1", org));
        Assert.False(consumer.HoldsRecords);
    }

    /// <summary>Otherwise the search for lost batches would stay before it for ever, and with it what is verified of every org.</summary>
    [Fact]
    public async Task A_stored_batch_that_cannot_be_counted_is_a_dead_letter_and_is_not_tried_for_ever()
    {
        var org = await billing.NewOrgAsync(Calls());
        var unhashed = FakeIngestion.Event("wrong", March);
        unhashed.ContentHash = ByteString.Empty;
        var stored = new[] { billing.Store.Add(org, unhashed), billing.Store.Add(org, FakeIngestion.Event("right", March)) };
        var store = new ApplyFromStore(billing.Of<ApplyUsage>(), SetAside(), billing.Store, NullLogger<ApplyFromStore>.Instance);
        var applied = await store.ApplyAsync(stored.Select(batch => (org, FoldUsage.IdOf(batch))), default);
        Assert.Empty(applied.Left);
        Assert.Equal((1, 1L), (applied.Events, await CountedAsync(org)));
        Assert.Equal(1L, await ScalarAsync<long>("SELECT count(*) FROM dead_letters WHERE org_id = $1", org));
    }

    [Fact]
    public async Task What_waits_in_memory_is_bounded_and_the_rest_is_left_to_the_search_for_lost_batches()
    {
        var wedged = await billing.NewOrgAsync(Calls());
        var open = new OpenRecords(TimeProvider.System);
        var large = new ConsumeResult<Ignore, byte[]>[12];
        for (var i = 0; i < large.Length; i++)
            large[i] = new ConsumeResult<Ignore, byte[]>
            {
                TopicPartitionOffset = new TopicPartitionOffset("t", partition, i),
                Message = new Message<Ignore, byte[]>
                {
                    Value = billing
                        .Store.Add(wedged, FakeIngestion.Event($"large-{i}", March, properties: new string('x', 900_000)))
                        .ToByteArray(),
                },
            };
        open.Add(large);
        open.Wait(wedged, failed: false);
        var gone = open.LetGo();
        Assert.InRange(gone.Count, 1, large.Length - 1);
        Assert.True(large.Length - gone.Count <= OpenRecords.MaxBytesOfOrg / 900_000);
        Assert.Empty(open.LetGo());
    }

    /// <summary>Orgs of other tests may be due too, and a run ends after half a second, wherever it is.</summary>
    private Task UntilTurnAsync(BillingScene org) =>
        UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(org) > 0;
        });

    [Fact]
    public async Task While_several_orgs_are_due_a_turn_is_one_chunk_and_an_org_that_had_none_is_before_the_others()
    {
        const int Each = DraftInvoices.ChunkSize + 50;
        var busy = new[] { await DueAsync(June + Duration.FromHours(1), Each), await DueAsync(June + Duration.FromHours(1), Each) };
        foreach (var org in busy)
            await UntilTurnAsync(org);
        var small = await DueAsync(April + Duration.FromHours(1));
        var (before, turns) = (await DraftedAsync(), await TurnsAsync(busy));
        await UntilTurnAsync(small);
        // Two have their turns at once: one of the others may have begun, the second one waited.
        var own = (await TurnsAsync(small))[0];
        Assert.True((await TurnsAsync(busy)).Except(turns).Count(turn => turn < own) <= 1);
        Assert.Equal(1, await InvoicesAsync(small));
        // Those of other tests may be due as well, so that the small one's turn comes in the second run at the latest.
        Assert.All(
            (await DraftedAsync()).Zip(before),
            drafted => Assert.InRange(drafted.First - drafted.Second, 0, 2 * DraftInvoices.ChunkSize)
        );
        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return (await DraftedAsync()).All(drafted => drafted == 3 * Each);
        });

        async Task<long[]> DraftedAsync() => [await InvoicesAsync(busy[0]), await InvoicesAsync(busy[1])];

        async Task<List<Instant>> TurnsAsync(params BillingScene[] orgs)
        {
            var began = new List<Instant>();
            foreach (var org in orgs)
                began.Add(await ScalarAsync<Instant>("SELECT invoice_turn_at FROM orgs WHERE org_id = $1", org.Org));
            return began;
        }
    }

    [Fact]
    public async Task A_wedged_org_keeps_no_other_from_its_invoice_and_gets_its_own_later()
    {
        var (wedged, healthy) = (await DueAsync(April + Duration.FromHours(1)), await DueAsync(April + Duration.FromHours(1)));
        await using (await WedgeAsync(wedged.Org))
        {
            await UntilAsync(async () =>
            {
                await Generator.RunOnceAsync(default);
                return await InvoicesAsync(healthy) == 1;
            });
            Assert.Equal(0, await InvoicesAsync(wedged));
        }

        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(wedged) == 1;
        });
    }

    [Fact]
    public async Task A_subscription_that_fails_is_held_alone_with_its_reason_and_a_retry_releases_it()
    {
        var scene = await DueAsync(April + Duration.FromHours(1), subscriptions: 3);
        await ScalarAsync<object>(
            "UPDATE subscriptions SET time_zone = 'Nowhere' WHERE org_id = $1 AND customer_key = 'c2' RETURNING 1",
            scene.Org
        );
        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(scene) == 2;
        });
        var held = Assert.Single(await billing.InOrgAsync<HeldInvoices, List<SubscriptionRow>>(scene.Org, all => all.ListAsync(default)));
        Assert.Equal(("c2", HeldInvoices.FailedCode), (held.CustomerKey, held.HeldCode));
        Assert.Contains("DateTimeZoneNotFoundException", held.HeldMessage, StringComparison.Ordinal);
        await ScalarAsync<object>(
            """
            UPDATE subscriptions SET time_zone = 'UTC', held_until = held_until + interval '1 day'
            WHERE org_id = $1 AND customer_key = 'c2' RETURNING 1
            """,
            scene.Org
        );
        await Generator.RunOnceAsync(default);
        Assert.Equal(2, await InvoicesAsync(scene));
        var stranger = await billing.NewOrgAsync();
        Assert.Empty(await RetryAsync(stranger, [held.Id]));
        Assert.Equal(held.Id, Assert.Single(await RetryAsync(scene.Org, [held.Id])).Id);
        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(scene) == 3;
        });
        Assert.Empty(await billing.InOrgAsync<HeldInvoices, List<SubscriptionRow>>(scene.Org, all => all.ListAsync(default)));
    }

    private Task<IReadOnlyList<SubscriptionRow>> RetryAsync(Guid org, Guid[] ids) =>
        billing.InOrgAsync<HeldInvoices, IReadOnlyList<SubscriptionRow>>(org, held => held.RetryAsync(ids, default));

    [Fact]
    public async Task One_bad_subscription_of_a_thousand_is_held_with_its_reason_and_the_others_are_invoiced()
    {
        var scene = await DueAsync(March, 1_000, price: "70000000000000000000000000000");
        UsageEvent[] wrong = [.. Enumerable.Range(0, 2).Select(i => FakeIngestion.Event($"e{i}", March, customer: "c500"))];
        var batch = billing.Store.Add(scene.Org, wrong);
        await billing.ApplyAsync(batch);
        await scene.ClockAsync(April + Duration.FromHours(1));
        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(scene) == 999;
        });
        var held = Assert.Single(await billing.InOrgAsync<HeldInvoices, List<SubscriptionRow>>(scene.Org, all => all.ListAsync(default)));
        Assert.Equal(("c500", "amount_too_large"), (held.CustomerKey, held.HeldCode));
        Assert.Equal(1, (await billing.InOrgAsync<OrgClocks, ClockReading>(scene.Org, clocks => clocks.ReadAsync(default))).DuePeriods);

        // The way out: the wrong events are voided, and the invoice is tried again.
        await billing.ApplyAsync(
            billing.Store.Add(
                scene.Org,
                [
                    .. wrong.Select(one =>
                        FakeIngestion.Event(
                            $"void-{one.IdempotencyKey}",
                            March,
                            customer: "c500",
                            corrects: FakeIngestion.Of(batch, one, replaces: false)
                        )
                    ),
                ]
            )
        );
        await billing.RebuildAsync();
        await billing.InOrgAsync<HeldInvoices, IReadOnlyList<SubscriptionRow>>(scene.Org, all => all.RetryAsync([held.Id], default));
        await UntilAsync(async () =>
        {
            await Generator.RunOnceAsync(default);
            return await InvoicesAsync(scene) == 1_000;
        });
        Assert.Empty(await billing.InOrgAsync<HeldInvoices, List<SubscriptionRow>>(scene.Org, all => all.ListAsync(default)));
    }

    [Fact]
    public async Task Events_are_fetched_for_a_rebuild_without_the_orgs_lock_and_what_arrives_meanwhile_counts_once()
    {
        var scene = await CreateAsync(billing, Version(Guid.CreateVersion7().ToString(), "1", PerUnit("1")));
        await scene.CallAsync(March, "a", "b");
        var (batch, earlier) = scene.Sent("a");
        await billing.ApplyAsync(
            billing.Store.Add(scene.Org, FakeIngestion.Event("void-a", March, corrects: FakeIngestion.Of(batch, earlier, replaces: false)))
        );
        var reached = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        billing.Store.Streaming = async org =>
        {
            if (org != scene.Org)
                return;
            reached.TrySetResult();
            await go.Task;
        };
        try
        {
            var rebuild = Task.Run(billing.RebuildAsync);
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
            // Ingestion hangs in the middle of its answer, and the org's usage is still counted.
            await scene.SendAsync("c", March).WaitAsync(TimeSpan.FromSeconds(2));
            Assert.Equal(3, await CountedAsync(scene.Org));
            go.SetResult();
            await rebuild.WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(2, await CountedAsync(scene.Org));
        }
        finally
        {
            billing.Store.Streaming = null;
            go.TrySetResult();
        }
    }

    [Theory]
    [InlineData("1969-12-31T23:45:00Z", null, "input[0].start")]
    [InlineData("2200-01-01T00:15:00Z", null, "input[0].start")]
    [InlineData("2026-03-01T00:00:00Z", "9999-12-31T23:45:00Z", "input[0].end")]
    public async Task A_subscription_lies_between_1970_and_2200(string start, string? end, string path)
    {
        var org = await billing.NewOrgAsync();
        Assert.Equal(
            ("out_of_range", path),
            await RefusalAsync(() =>
                billing.InOrgAsync<CreateSubscriptions, IReadOnlyList<SubscriptionRow>>(
                    org,
                    create => create.HandleAsync([new NewSubscription("acme", "p", Parse(start), end is null ? null : Parse(end))], default)
                )
            )
        );
    }

    [Theory]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("2200-01-01T00:00:01Z")]
    [InlineData("-9000-01-01T00:00:00Z")]
    public async Task A_clock_and_a_query_lie_between_1970_and_2200(string date)
    {
        var scene = await CreateAsync(billing, Version(Guid.CreateVersion7().ToString(), "1", PerUnit("1")));
        var at = Parse(date);
        Assert.Equal(("out_of_range", "now"), await RefusalAsync(() => scene.ClockAsync(at)));
        Assert.Equal(("out_of_range", "input.at"), await RefusalAsync(() => scene.EndAsync(at)));
        Assert.Equal(
            ("out_of_range", at < March ? "from" : "to"),
            await RefusalAsync(() =>
                billing.Of<ReadUsage>().TotalAsync(scene.Org, "calls", at < March ? at : March, at < March ? March : at, null, default)
            )
        );
    }

    [Fact]
    public async Task Callers_that_create_the_same_at_once_all_get_it()
    {
        var org = await billing.NewOrgAsync();
        var rows = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(_ =>
                    Task.Run(() =>
                        billing.InOrgAsync<CreateCustomers, IReadOnlyList<CustomerRow>>(
                            org,
                            create => create.HandleAsync([new NewCustomer("same", null, null)], default)
                        )
                    )
                )
        );
        Assert.Single(rows.SelectMany(some => some).Select(row => row.Id).Distinct());
    }

    [Fact]
    public async Task Two_replicas_publish_each_billing_event_once_and_in_order()
    {
        var org = await billing.NewOrgAsync();
        var brokers = new[]
        {
            DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>(),
            DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>(),
        };
        var relays = brokers.Select(broker => new BillingEventRelay(billing.Database, broker, TimeProvider.System)).ToArray();
        const int Count = 1_200;
        await ScalarAsync<object>(
            """
            WITH made AS (
              INSERT INTO outbox (org_id, event_id, message)
              SELECT $1, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, int4send(n)
              FROM generate_series(1, $2) n RETURNING 1)
            SELECT count(*) FROM made
            """,
            org,
            Count
        );
        await UntilAsync(async () =>
        {
            await Task.WhenAll(relays.Select(relay => Task.Run(() => relay.RunOnceAsync(default))));
            return await ScalarAsync<long>("SELECT count(*) FROM outbox WHERE org_id = $1 AND published_at IS NULL", org) == 0;
        });
        var sent = brokers
            .SelectMany(broker => ((Broker)(object)broker).Sent)
            .Where(message => message.Length == 4)
            .Select(message => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(message))
            .ToArray();
        Assert.Equal(Enumerable.Range(1, Count), sent);
    }

    private static Instant Parse(string text) => NodaTime.Text.InstantPattern.ExtendedIso.Parse(text).Value;
}
