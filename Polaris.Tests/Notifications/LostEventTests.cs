using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>Nothing is lost between a change in Billing and the receiver, whichever process is killed.</summary>
[Collection(nameof(PromiseTests))]
[Trait(Categories.Name, Categories.Chaos)]
public sealed class LostEventTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>More seeds than in an ordinary run: 50 before a release.</summary>
    private const string SeedsVariable = "POLARIS_NOTIFY_SEEDS";

    private const int UsualSeeds = 2;
    private static readonly string[] Victims = ["notifications", "billing", "kafka", "postgres", "receiver"];

    public static TheoryData<int> Seeds() =>
        [.. Enumerable.Range(1, int.TryParse(Environment.GetEnvironmentVariable(SeedsVariable), out var seeds) ? seeds : UsualSeeds)];

    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    [Fact]
    public async Task What_the_broker_forgot_before_it_was_read_is_found_in_Billings_outbox()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        await scene.EndpointAsync("lost", "ok", ["customer.created"]);
        using (polaris.App.Hold("notifications"))
        {
            await scene.CustomersAsync("acme", "globex", "initech");
            await polaris.UntilAsync(
                "publishing",
                async () =>
                    await polaris.ScalarAsync<long>(
                        "billingdb",
                        "SELECT count(*) FROM outbox WHERE org_id = $1 AND published_at IS NOT NULL",
                        tenant.OrgId
                    ) == 3
            );
            // The embedded broker forgets everything when it ends.
            using (polaris.App.Hold("kafka"))
                await polaris.UntilAsync("the broker's end", () => Task.FromResult(polaris.App.GetProcessId("kafka") is null));
        }

        var receipts = await scene.UntilReceivedAsync("lost", 3);
        Assert.Equal(["acme", "globex", "initech"], receipts.Select(WebhookScene.CustomerOf).Distinct().Order());
        await polaris.UntilAsync(
            "an empty outbox",
            async () => await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM outbox WHERE org_id = $1", tenant.OrgId) == 0
        );
    }

    /// <summary>Kills somebody at a random moment of a stream of events; printed is the seed.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Each_event_arrives_with_one_id_whoever_is_killed(int seed)
    {
        const int Events = 24;
        var random = new Random(seed);
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (_, secret) = await scene.EndpointAsync("any", "ok", ["customer.created"]);
        // A quarter of the events fails at first: were it all of them, the pauses of a failing endpoint would be all that takes time.
        await scene.EndpointAsync("failing", "fails-some", ["customer.created"]);
        var killed = Enumerable.Range(0, 3).ToDictionary(_ => random.Next(Events), _ => Victims[random.Next(Victims.Length)]);
        for (var i = 0; i < Events; i++)
        {
            if (killed.TryGetValue(i, out var victim))
            {
                if (victim == "receiver")
                {
                    receiver.Kill();
                    await receiver.RunAsync();
                }
                else
                {
                    polaris.App.Kill(victim);
                }
            }

            // A request may meet a service on its way up; the same customer again is the same event.
            await polaris.UntilAsync($"customer {i} (seed {seed})", async () => await CreatedAsync($"c{i}"));
            await Task.Delay(random.Next(30));
        }

        foreach (var name in new[] { "any", "failing" })
        {
            var receipts = await scene.UntilReceivedAsync(name, Events);
            Assert.All(receipts.GroupBy(WebhookScene.CustomerOf), group => Assert.Single(group.Select(receipt => receipt.Id).Distinct()));
            Assert.Equal(Events, receipts.Select(receipt => receipt.Id).Distinct().Count());
        }

        Assert.All(await receiver.ReceiptsAsync("any"), receipt => Assert.True(WebhookReceiver.IsSigned(receipt, secret), $"seed {seed}"));
        await polaris.UntilAsync(
            $"the end of all deliveries (seed {seed})",
            async () =>
                await polaris.ScalarAsync<long>(
                    "notificationsdb",
                    "SELECT count(*) FROM deliveries WHERE org_id = $1 AND channel = 'webhook' AND status = 'delivered'",
                    tenant.OrgId
                )
                == 2 * Events
        );

        async Task<bool> CreatedAsync(string key)
        {
            try
            {
                var answer = await tenant.SendQueryAsync(
                    "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
                    new { input = new[] { new { key } } }
                );
                return !answer.TryGetProperty("errors", out _);
            }
            catch (Exception exception)
                when (exception is HttpRequestException or System.Text.Json.JsonException or OperationCanceledException)
            {
                return false;
            }
        }
    }
}
