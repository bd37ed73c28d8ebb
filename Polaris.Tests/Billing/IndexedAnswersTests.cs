using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>
/// What is asked all the time reads the aggregates of its customer through an index, however many others are stored, and no events. What a
/// statement really read is taken from PostgreSQL's own counters, which say it of any plan.
/// </summary>
public sealed class IndexedAnswersTests(PolarisApp polaris, BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    /// <summary>Other customers, each with a month of buckets: more make the printed times tell more.</summary>
    private const string CustomersVariable = "POLARIS_OTHER_CUSTOMERS";

    private const int UsualCustomers = 20;
    private const int Days = 30;
    private const int BucketsOfDay = 96;
    private const int Regions = 3;
    private const int Asked = 50;

    private static readonly int Customers = int.TryParse(Environment.GetEnvironmentVariable(CustomersVariable), out var more)
        ? more
        : UsualCustomers;

    /// <summary>What was read of a table.</summary>
    private sealed record Reads(string Table, long SequentialRows, long IndexedRows);

    [Fact]
    public async Task Current_usage_a_timeline_by_dimension_and_an_entitlement_read_the_customers_own_aggregates_by_index_and_no_events()
    {
        var regions = new MeterDefinition(Guid.CreateVersion7(), "regions", "call", MeterAggregation.Count, "", [], ["region"]);
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("0.01")), more: regions);
        await FillAsync(scene, regions.Id);
        await scene.ClockAsync(March + Duration.FromDays(Days));
        var streams = 0;
        alone.Billing.Store.Streaming = _ =>
        {
            streams++;
            return Task.CompletedTask;
        };
        try
        {
            // Of the meter that the plan bills; the customer's usage of the other one is not read for it.
            const long OwnBuckets = Days * BucketsOfDay;
            await CheckAsync(
                "current usage",
                OwnBuckets,
                scene,
                (services, _) => services.GetRequiredService<ReadCurrentUsage>().HandleAsync("acme", default)
            );
            await CheckAsync(
                "an entitlement",
                OwnBuckets,
                scene,
                (services, _) => services.GetRequiredService<ReadEntitlement>().HandleAsync("acme", null, default)
            );
            var question = new UsageQuestion(
                "regions",
                March,
                March + Duration.FromDays(Days),
                ReportWindow.Day,
                GroupBy: ["region"],
                Customers: ["acme"]
            );
            var days = Enumerable.Range(0, Days).Select(day => March + Duration.FromDays(day)).ToList();
            await CheckAsync(
                "30 days by region",
                OwnBuckets * Regions,
                scene,
                async (_, tx) =>
                    Assert.Equal(
                        Regions,
                        (await new UsageReportRows(regions, question, days, null).ReadAsync(tx, scene.Org, 100, default))!.Count
                    )
            );
        }
        finally
        {
            alone.Billing.Store.Streaming = null;
        }

        Assert.Equal(0, streams);
    }

    private async Task CheckAsync(string what, long mostRows, BillingScene scene, Func<IServiceProvider, ScopedTransaction, Task> ask)
    {
        var (reads, milliseconds) = await alone.Billing.InOrgAsync<IServiceProvider, (Reads[], double)>(
            scene.Org,
            services =>
            {
                var db = services.GetRequiredService<BillingDbContext>();
                return db.InTransactionAsync(
                    async ct =>
                    {
                        var tx = db.BorrowTransaction();
                        // The first ones compile and plan.
                        for (var i = 0; i < 10; i++)
                            await ask(services, tx);
                        var before = await ReadsAsync(tx, ct);
                        await ask(services, tx);
                        var after = await ReadsAsync(tx, ct);
                        var began = Stopwatch.GetTimestamp();
                        for (var i = 0; i < Asked; i++)
                            await ask(services, tx);
                        return (
                            after
                                .Select(row =>
                                    before.SingleOrDefault(one => one.Table == row.Table) is { } earlier
                                        ? new Reads(
                                            row.Table,
                                            row.SequentialRows - earlier.SequentialRows,
                                            row.IndexedRows - earlier.IndexedRows
                                        )
                                        : row
                                )
                                .ToArray(),
                            Stopwatch.GetElapsedTime(began).TotalMilliseconds / Asked
                        );
                    },
                    default
                );
            }
        );
        var aggregates = reads.Single(row => row.Table == "usage_aggregates");
        TestContext.Current.SendDiagnosticMessage(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {milliseconds:0.0} ms, {aggregates.IndexedRows} aggregates read of "
                    + $"{(Customers + 1L) * Days * BucketsOfDay * (1 + Regions)}"
            )
        );
        Assert.True(aggregates.SequentialRows == 0, $"{what}: {aggregates.SequentialRows} aggregates were read without an index.");
        Assert.InRange(aggregates.IndexedRows, 1, mostRows);
        Assert.All(
            reads.Where(row => row.Table is "subscriptions" or "invoices" or "invoice_lines" or "credit_grants"),
            row => Assert.True(row.SequentialRows <= 1, $"{what}: {row.SequentialRows} rows of {row.Table} were read without an index.")
        );
    }

    /// <summary>Of this session, since its counters were last reported: only differences within a transaction tell something.</summary>
    private static async Task<Reads[]> ReadsAsync(ScopedTransaction tx, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT relname, seq_tup_read, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables");
        var rows = new List<Reads>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            rows.Add(new Reads(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2)));
        return [.. rows];
    }

    /// <summary>A month of usage in every bucket, of the customer and of many others, who are subscribed and have drafts as well.</summary>
    private async Task FillAsync(BillingScene scene, Guid regions)
    {
        string name;
        await using (var tx = await alone.Billing.Database.BeginOrgAsync(scene.Org, default))
        {
            await using (
                var command = tx.Command(
                    """
                    INSERT INTO usage_aggregates
                      (org_id, customer_key, meter_id, bucket_start, dimensions, event_count, total, max_value, digest)
                    SELECT $1, CASE c WHEN 0 THEN 'acme' ELSE 'other-' || c END, m.id,
                      timestamptz '2026-03-01Z' + b * interval '15 minutes', d, 4, 0, 0, 4
                    FROM generate_series(0, $3) c CROSS JOIN generate_series(0, $4) b
                    CROSS JOIN (SELECT (SELECT id FROM meters WHERE org_id = $1 AND key = 'calls') AS id, '' AS d
                      UNION ALL SELECT $2, unnest(ARRAY['eu', 'us', 'ap'])) m
                    """
                )
            )
            {
                command.CommandTimeout = 600;
                command.Bind(scene.Org).Bind(regions).Bind(Customers).Bind(Days * BucketsOfDay - 1);
                await command.ExecuteNonQueryAsync();
            }

            await using (
                var command = tx.Command(
                    """
                    INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object(
                      'id', gen_random_uuid(), 'customer_key', 'other-' || c))).*
                    FROM subscriptions s CROSS JOIN generate_series(1, 5000) c WHERE s.org_id = $1
                    """
                )
            )
                await command.Bind(scene.Org).ExecuteNonQueryAsync();
            await using (var database = tx.Command("SELECT current_database()"))
                name = (string)(await database.ExecuteScalarAsync())!;
            await tx.CommitAsync(default);
        }

        await using var owner = await polaris.OpenDatabaseAsync("billingdb", $";Database={name}");
        await using var analyze = new NpgsqlCommand("VACUUM ANALYZE usage_aggregates, subscriptions", owner) { CommandTimeout = 600 };
        await analyze.ExecuteNonQueryAsync();
    }
}
