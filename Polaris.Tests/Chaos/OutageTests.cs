using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Polaris.Bench;
using Polaris.Bench.Chaos;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>Outages of the broker and the database, and processes killed under load.</summary>
[Collection(nameof(PromiseTests))]
[Trait(Categories.Name, Categories.Chaos)]
public sealed class OutageTests(PolarisApp polaris) : PlatformTests
{
    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    private static object[] Events(string prefix, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    idempotency_key = $"{prefix}-{i}",
                    type = "call",
                    customer = $"c{i % 7}",
                }),
        ];

    [Fact]
    public async Task With_the_broker_away_until_the_relay_gives_up_every_event_is_acknowledged_and_then_counted()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        var (sent, failures) = (0, await PublishFailuresAsync());
        using (polaris.App.Hold("kafka"))
        {
            await polaris.UntilAsync(
                "the relay giving up a record",
                async () =>
                {
                    var (status, body) = await tenant.IngestAsync(Events($"at-{sent}", 50));
                    Assert.Equal((202, 50), (status, body.Counted("accepted")));
                    sent += 50;
                    return await PublishFailuresAsync() > failures;
                }
            );

            Assert.Null(polaris.App.GetProcessId("kafka"));
            Assert.True(await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) > 0);
        }

        await polaris.UntilAsync("counting everything", async () => await tenant.UsageAsync("calls") >= sent);
        Assert.Equal(sent, await tenant.UsageAsync("calls"));
    }

    /// <summary>How many records the relay has given up so far, to try them again.</summary>
    private async Task<double> PublishFailuresAsync()
    {
        using var ingestion = polaris.App.CreateHttpClient("ingestion", "http");
        return (await ingestion.GetStringAsync("/metrics"))
            .Split('\n')
            .Where(line => line.StartsWith("polaris_ingestion_publish_failures", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]));
    }

    [Fact]
    public async Task With_postgres_away_ingestion_answers_503_with_retry_after_at_once_and_recovers_by_itself()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.AcceptedAsync(Events("before", 5));
        using (polaris.App.Hold("postgres"))
        {
            // PostgreSQL's back ends outlive it briefly and finish what they began, so such a 202 is correct.
            await polaris.UntilAsync(
                "the end of the last back end",
                async () => (await tenant.IngestAsync(Events("during", 5))).Status == 503
            );
            for (var attempt = 0; attempt < 40; attempt++)
            {
                var began = Stopwatch.GetTimestamp();
                using var response = await tenant.Http.PostAsJsonAsync("/ingest", Events("during", 5));
                Assert.Equal(503, (int)response.StatusCode);
                Assert.NotNull(response.Headers.RetryAfter);
                Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(5));
            }

            // The API reports the same, and not that the key is invalid.
            Assert.Equal("UNAVAILABLE", (await tenant.RefusalAsync("{ customers { totalCount } }")).Code);
        }

        // The same keys again: whether one of them was stored before the outage is unknown and must not matter.
        await polaris.UntilAsync("recovery", async () => (await tenant.IngestAsync(Events("during", 5))).Status == 202);
        await polaris.UntilAsync("counting", async () => await tenant.UsageAsync("calls") == 10);
    }

    [Fact]
    public async Task With_identity_away_a_known_key_holds_and_an_unknown_one_is_asked_to_wait()
    {
        using var known = await polaris.SignUpAsync();
        using var fresh = await known.WithKeyAsync(["ingest", "read"]);
        await known.QueryAsync("{ customers { totalCount } }");
        await known.AcceptedAsync(Events("before", 5));
        using (polaris.App.Hold("identity"))
        {
            await known.QueryAsync("{ customers { totalCount } }");
            Assert.Equal(202, (await known.IngestAsync(Events("during", 5))).Status);
            foreach (
                var (path, body) in new (string, object)[]
                {
                    ("/ingest", Events("fresh", 5)),
                    ("/graphql", new { query = "{ customers { totalCount } }" }),
                }
            )
            {
                using var response = await fresh.Http.PostAsJsonAsync(path, body);
                Assert.Equal(
                    (503, "identity_unavailable"),
                    ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString())
                );
                Assert.NotNull(response.Headers.RetryAfter);
            }

            // The gateway may still have the key's validation cached while the service behind it does not.
            using var behind = new Tenant(polaris.App.GetEndpoint("billing", "http"), fresh.OrgId.ToString(), fresh.ApiKey);
            Assert.Equal(("UNAVAILABLE", "identity_unavailable", null), await behind.RefusalAsync("{ customers { totalCount } }"));
        }

        await polaris.UntilHealthyAsync();
        await polaris.UntilAsync("the fresh key", async () => (await fresh.IngestAsync(Events("fresh", 5))).Status == 202);
    }

    [Theory]
    [InlineData("ingestion")]
    [InlineData("billing")]
    [InlineData("postgres")]
    [InlineData("wipe")]
    public async Task Killed_again_and_again_under_load_nothing_acknowledged_is_missing_or_counted_twice(string fault) =>
        Assert.Equal(
            0,
            await new ChaosCommand(
                Options.Parse(
                    [
                        "--url",
                        polaris.Gateway.ToString(),
                        "--state",
                        polaris.State,
                        "--times",
                        "3",
                        "--faults",
                        fault,
                        "--every",
                        "1",
                        "--rate",
                        "800",
                    ],
                    ChaosCommand.Switches
                )
            ).RunAsync()
        );
}
