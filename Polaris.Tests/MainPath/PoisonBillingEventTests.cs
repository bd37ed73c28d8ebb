using Aspire.Hosting.Testing;
using Confluent.Kafka;
using Google.Protobuf;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Contracts;
using Xunit;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;

namespace Polaris.Tests.MainPath;

/// <summary>A billing event that cannot be handled does not stop those behind it, in any service that consumes them.</summary>
public sealed class PoisonBillingEventTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_billing_event_that_cannot_be_stored_is_set_aside_and_those_behind_it_are_handled()
    {
        using var tenant = await polaris.SignUpAsync();
        using var producer = new ProducerBuilder<Null, byte[]>(
            new ProducerConfig { BootstrapServers = await polaris.App.GetConnectionStringAsync("kafka") }
        )
            .SetLogHandler((_, _) => { })
            .Build();
        var end = new DateTimeOffset(2015, 6, 1, 0, 0, 0, TimeSpan.Zero);
        for (var partition = 0; partition < Topics.BillingPartitions; partition++)
        {
            // PostgreSQL stores no U+0000, which stops Ingestion; Notifications needs an id.
            var poison = Event(tenant.OrgId, $"no\0text-{partition}", end);
            poison.EventId = "none";
            await SendAsync(partition, poison);
            await SendAsync(partition, Event(tenant.OrgId, $"behind-{partition}", end));
        }

        await polaris.UntilAsync(
            "the events behind",
            async () =>
                await polaris.ScalarAsync<long>(
                    "notificationsdb",
                    "SELECT count(*) FROM events WHERE org_id = $1 AND kind = 'invoice.generated'",
                    tenant.OrgId
                ) == Topics.BillingPartitions
        );
        await polaris.UntilAsync(
            "periods of the events behind",
            async () =>
                await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM invoiced_periods WHERE org_id = $1", tenant.OrgId)
                == Topics.BillingPartitions
        );
        foreach (var database in new[] { "notificationsdb", "ingestiondb" })
            await polaris.UntilAsync(
                $"dead letters in {database}",
                async () =>
                    await polaris.ScalarAsync<long>(
                        database,
                        "SELECT count(*) FROM dead_letters WHERE org_id = $1 AND retry_at IS NULL AND reason <> ''",
                        tenant.OrgId
                    ) == Topics.BillingPartitions
            );
        using var notifications = polaris.App.CreateHttpClient("notifications", "http");
        Assert.Contains("polaris_records_dead_letters", await notifications.GetStringAsync("/metrics"), StringComparison.Ordinal);

        async Task SendAsync(int partition, BillingEvent billingEvent) =>
            await producer.ProduceAsync(
                new TopicPartition(Topics.Billing, partition),
                new Message<Null, byte[]> { Value = billingEvent.ToByteArray() }
            );
    }

    private static BillingEvent Event(Guid org, string customer, DateTimeOffset end) =>
        new()
        {
            EventId = Guid.CreateVersion7().ToString(),
            OrgId = org.ToString(),
            InvoiceGenerated = new InvoiceGenerated
            {
                InvoiceId = Guid.CreateVersion7().ToString(),
                Number = "INV-1",
                Customer = customer,
                Currency = "EUR",
                Total = "1",
                PeriodStart = Timestamp.FromDateTimeOffset(end.AddMonths(-1)),
                PeriodEnd = Timestamp.FromDateTimeOffset(end),
            },
        };
}
