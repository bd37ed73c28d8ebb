using System.Text.Json;
using Aspire.Hosting.Testing;
using Npgsql;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>Usage that cannot be applied, and a broker that lost its log.</summary>
[Collection(nameof(PromiseTests))]
public sealed class DeadLetterTests(PolarisApp polaris) : PlatformTests
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
                    customer = "acme",
                }),
        ];

    private static async Task<JsonElement[]> LettersAsync(Tenant tenant, string arguments = "") =>
        [
            .. (await tenant.QueryAsync($"{{ deadLetters{arguments} {{ id reason source attempts resolvedAt }} }}"))
                .GetProperty("deadLetters")
                .EnumerateArray(),
        ];

    private static async Task<(int Replayed, int Resolved)> ReplayAsync(Tenant tenant, params string[] ids)
    {
        var answer = (
            await tenant.QueryAsync(
                "mutation($ids: [ID!]) { replayDeadLetters(ids: $ids) { replayed resolved failed { id reason } } }",
                new { ids = ids.Length == 0 ? null : ids }
            )
        ).GetProperty("replayDeadLetters");
        Assert.Equal(
            answer.GetProperty("replayed").GetInt32() - answer.GetProperty("resolved").GetInt32(),
            answer.GetProperty("failed").GetArrayLength()
        );
        return (answer.GetProperty("replayed").GetInt32(), answer.GetProperty("resolved").GetInt32());
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await polaris.OpenDatabaseAsync("billingdb");
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task A_batch_that_cannot_be_applied_waits_for_its_org_and_counts_once_it_is_replayed()
    {
        using var tenant = await polaris.SignUpAsync();
        using var neighbour = await polaris.SignUpAsync();
        foreach (var one in new[] { tenant, neighbour })
            await one.CreateMeterAsync("calls", "COUNT");
        await ExecuteAsync($"ALTER TABLE usage_buckets ADD CONSTRAINT test_refuses CHECK (org_id <> '{tenant.OrgId}') NOT VALID");
        try
        {
            var sent = await Task.WhenAll(tenant.IngestAsync(Events("poison", 12)), neighbour.IngestAsync(Events("healthy", 30)));
            Assert.All(sent, answer => Assert.Equal(202, answer.Status));
            await polaris.UntilAsync("counting the other org's events", async () => await neighbour.UsageAsync("calls") == 30);
            await polaris.UntilAsync("a dead letter", async () => (await LettersAsync(tenant)).Length == 1);
            var letter = (await LettersAsync(tenant))[0];
            Assert.Contains("test_refuses", letter.GetProperty("reason").GetString(), StringComparison.Ordinal);
            Assert.Empty(await LettersAsync(neighbour));
            Assert.Equal((0, 0), await ReplayAsync(neighbour, letter.GetProperty("id").GetString()!));

            Assert.Equal((1, 0), await ReplayAsync(tenant));
            Assert.Equal(2, (await LettersAsync(tenant))[0].GetProperty("attempts").GetInt32());
            await polaris.UntilAsync(
                "the alert",
                async () =>
                {
                    using var billing = polaris.App.CreateHttpClient("billing", "http");
                    return (await billing.GetStringAsync("/metrics"))
                        .Split('\n')
                        .Any(line =>
                            line.StartsWith("polaris_billing_dead_letters_waiting", StringComparison.Ordinal)
                            && !line.Contains(" 0 ", StringComparison.Ordinal)
                        );
                }
            );
        }
        finally
        {
            await ExecuteAsync("ALTER TABLE usage_buckets DROP CONSTRAINT test_refuses");
        }

        // A dead letter is not drift, and recovery does not apply it on its own.
        Assert.Equal(
            0,
            (await tenant.QueryAsync("{ reconciliation { driftFound } }"))
                .GetProperty("reconciliation")
                .GetProperty("driftFound")
                .GetInt32()
        );
        Assert.Equal((1, 1), await ReplayAsync(tenant));
        await polaris.UntilAsync("counting 12", async () => await tenant.UsageAsync("calls") == 12);
        Assert.Empty(await LettersAsync(tenant));
        Assert.NotEqual(JsonValueKind.Null, (await LettersAsync(tenant, "(resolved: true)"))[0].GetProperty("resolvedAt").ValueKind);
        Assert.Equal((0, 0), await ReplayAsync(tenant));
        Assert.Equal(12, await tenant.UsageAsync("calls"));
    }

    [Fact]
    public async Task A_log_that_ends_before_the_position_is_read_from_its_beginning_and_the_position_goes_back()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.AcceptedAsync(Events("before", 20));
        await polaris.UntilAsync("counting 20", async () => await tenant.UsageAsync("calls") == 20);
        // As after a broker kept its cluster id but lost its log: the stored position is past the end of the partition.
        const long Beyond = 1_000_000;
        polaris.App.Signal("billing", 19);
        try
        {
            await ExecuteAsync($"UPDATE consumer_positions SET next_offset = {Beyond}");
        }
        finally
        {
            polaris.App.Kill("billing");
        }

        await tenant.AcceptedAsync(Events("after", 30));
        await polaris.UntilAsync("counting 50", async () => await tenant.UsageAsync("calls") == 50);
        await polaris.UntilAsync(
            "the position going back",
            async () => await polaris.ScalarAsync<bool>("billingdb", $"SELECT bool_or(next_offset < {Beyond}) FROM consumer_positions")
        );
        using var billing = polaris.App.CreateHttpClient("billing", "http");
        Assert.Contains("polaris_billing_positions_reset", await billing.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Equal(50, await tenant.UsageAsync("calls"));
    }
}
