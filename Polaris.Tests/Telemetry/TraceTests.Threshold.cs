using System.Diagnostics;
using Aspire.Hosting.Testing;
using Polaris.Tests.Notifications;
using Xunit;

namespace Polaris.Tests.Telemetry;

public sealed partial class TraceTests
{
    private const int Runs = 5;

    [Fact]
    public async Task Usage_over_a_threshold_is_a_verified_webhook_in_the_trace_of_its_request()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await Tenant.SignUpAsync(platform.App.GetEndpoint("gateway", "public"));
        var scene = new WebhookScene(polaris, tenant, receiver);
        var (_, secret) = await scene.EndpointAsync("threshold", "ok", ["usage.threshold_crossed"]);
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
                {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "1"} }]}) { id }
              createCustomers(input: [{key: "acme"}]) { id }
              createThreshold(input: {key: "heavy", on: QUANTITY, meter: "calls", values: ["1", "2", "3", "4", "5"]}) { key } }
            """
        );
        var start = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(-1), TimeSpan.Zero).ToString("O");
        await tenant.QueryAsync(
            "mutation($start: DateTime!) { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: $start}]) { id } }",
            new { start }
        );
        for (var run = 1; run <= Runs; run++)
        {
            var (wanted, began) = (run, Stopwatch.GetTimestamp());
            var (status, body) = await tenant.IngestAsync(
                new
                {
                    idempotency_key = $"e{run}",
                    type = "call",
                    customer = "acme",
                }
            );
            Assert.True(status == 202, $"{body}");
            // On a busy machine an answer may come too late for the sender: then a webhook comes again, with the same id.
            await polaris.UntilAsync(
                "the webhook",
                async () => (await receiver.ReceiptsAsync("threshold")).Select(receipt => receipt.Id).Distinct().Count() == wanted,
                platform.App.RecentOutput
            );
            TestContext.Current.SendDiagnosticMessage(
                $"From the event to its webhook: {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms"
            );
        }

        Assert.All(await receiver.ReceiptsAsync("threshold"), receipt => Assert.True(WebhookReceiver.IsSigned(receipt, secret)));
        (string Request, string Delivery)[] traces = [];
        await polaris.UntilAsync(
            "the spans",
            () =>
            {
                var spans = platform.SpansOf(tenant.OrgId);
                var requests = TracesOf(spans.Where(span => span.Service == "gateway" && span["url.path"] == "/ingest"));
                var deliveries = TracesOf(
                    spans.Where(span =>
                        span is { Service: "notifications", Span.Name: "deliver webhook" }
                        && span["polaris.org_id"] == tenant.OrgId.ToString()
                    )
                );
                traces = [.. requests.Zip(deliveries)];
                return Task.FromResult(requests.Length == Runs && deliveries.Length == Runs);
            },
            platform.App.RecentOutput
        );
        Assert.All(traces, pair => Assert.Equal(pair.Request, pair.Delivery));

        static string[] TracesOf(IEnumerable<ExportedSpan> spans) => [.. spans.Select(span => span.TraceId).Distinct().Order()];
    }
}
