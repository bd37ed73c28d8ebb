using System.Security.Cryptography;
using Aspire.Hosting.Testing;
using Polaris.Tests.Otlp;
using Xunit;

namespace Polaris.Tests.Telemetry;

/// <summary>The spans of the services, on a platform of its own (docs/tracing.md).</summary>
[Collection(nameof(OwnPlatform))]
public sealed partial class TraceTests(TracedPlatform platform, PolarisApp polaris) : PlatformTests, IClassFixture<TracedPlatform>
{
    private const string Usage = "polaris.usage.v1";
    private const string Billing = "polaris.billing.v1";

    /// <summary>Root spans besides requests: turns of background work that found something to do.</summary>
    private static readonly string[] Turns =
    [
        "store events",
        $"send {Usage}",
        $"process {Usage}",
        "draft invoices",
        $"send {Billing}",
        $"process {Billing}",
        "register meters",
        "fill meters",
        "validate API key",
        "write API key use",
    ];

    [Fact]
    public async Task One_event_is_followed_from_the_gateway_to_its_invoice_and_its_delivery()
    {
        using var owner = await Tenant.SignUpAsync(platform.App.GetEndpoint("gateway", "public"));
        using var tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        var (key, customer) = ($"key-{RandomNumberGenerator.GetHexString(12)}", $"customer-{RandomNumberGenerator.GetHexString(12)}");
        await BillAsync(tenant, key, customer);

        ExportedSpan[] spans = [];
        await UntilAsync(
            "the last span",
            () =>
            {
                spans = platform.SpansOf(tenant.OrgId);
                return Task.FromResult(
                    spans.Any(span => span.Service == "notifications" && IsOfInvoice(span, $"process {Billing}"))
                        && spans.Any(span => span.Service == "ingestion" && IsOfInvoice(span, $"process {Billing}"))
                        && platform.Collector.Spans.Any(span => span.Service == "identity" && span.Span.Name == "write API key use")
                        // All parents have arrived too: they are exported a little later.
                        && spans.Select(span => span.ParentId).Except(spans.Select(span => span.Id)).SequenceEqual([""])
                );
            }
        );

        // The request: one trace through three services.
        var gateway = The("gateway", span => span.Span.Kind == SpanKind.Server && span["url.path"] == "/ingest");
        var request = The("ingestion", span => span.Span.Kind == SpanKind.Server && span["url.path"] == "/ingest");
        var validation = The("ingestion", span => span.Span.Name == "validate API key" && span.TraceId == request.TraceId);
        var identity = The(
            "identity",
            span => span.TraceId == request.TraceId && span["url.path"]?.EndsWith("/ValidateApiKey", StringComparison.Ordinal) == true
        );
        Assert.True(gateway.IsRoot, $"{gateway}");
        AssertBelow(request, gateway);
        Assert.Equal(request.Id, validation.ParentId);
        AssertBelow(identity, validation);
        Assert.Contains(spans, span => span.Span.Name == "polaris.identity.v1.Identity/ValidateApiKey" && span.ParentId == validation.Id);
        Assert.Equal(SpanKind.Server, identity.Span.Kind);

        // Then the event is processed. There were no others, so each step is also the next one's parent. A turn that met the lock under
        // which a meter is registered applied nothing.
        var store = The("ingestion", span => span.Span.Name == "store events");
        var send = The("ingestion", span => span.Span.Name == $"send {Usage}");
        var apply = The("billing", span => span.Span.Name == $"process {Usage}" && span["polaris.batches_applied"] == "1");
        AssertFollows(store, request, SpanKind.Internal);
        AssertFollows(send, request, SpanKind.Producer);
        AssertFollows(apply, send, SpanKind.Consumer);
        Assert.Contains(request.Id, apply.LinkedIds);
        Assert.All([store, send, apply], span => Assert.Equal(gateway.TraceId, span.TraceId));

        // The invoice is drafted much later and links to it. Its event is one of several: customer and subscription were announced too.
        var draft = The("billing", span => span.Span.Name == "draft invoice" && span["polaris.invoice_id"] is not null);
        var sendInvoice = The("billing", span => IsOfInvoice(span, $"send {Billing}"));
        var deliver = The("notifications", span => IsOfInvoice(span, $"process {Billing}"));
        Assert.Equal([request.Id], draft.LinkedIds);
        Assert.NotEqual(gateway.TraceId, draft.TraceId);
        AssertFollows(sendInvoice, draft, SpanKind.Producer);
        AssertFollows(deliver, sendInvoice, SpanKind.Consumer);
        Assert.Contains(draft.Id, deliver.LinkedIds);
        AssertFollows(The("ingestion", span => IsOfInvoice(span, $"process {Billing}")), sendInvoice, SpanKind.Consumer);

        // Each has its org, and messaging spans follow OpenTelemetry's conventions.
        ExportedSpan[] steps = [request, validation, identity, store, send, apply, draft, sendInvoice, deliver];
        Assert.All(steps, span => Assert.Equal(tenant.OrgId.ToString(), span["polaris.org_id"]));
        foreach (var (span, operation, topic) in new[] { (send, "send", Usage), (apply, "process", Usage), (deliver, "process", Billing) })
            Assert.Equal(
                ("kafka", operation, topic, "1"),
                (
                    span["messaging.system"],
                    span["messaging.operation.type"],
                    span["messaging.destination.name"],
                    span["messaging.batch.message_count"]
                )
            );

        // Statements are children of the work they belong to and have its org.
        foreach (var parent in new[] { identity, store, send, apply, deliver })
            Assert.Contains(spans, span => span.Scope == "Npgsql" && span.ParentId == parent.Id);
        Assert.All(
            spans.Where(span => span.Scope == "Npgsql" && (span.ParentId == store.Id || span.ParentId == apply.Id)),
            span => Assert.Equal(tenant.OrgId.ToString(), span["polaris.org_id"])
        );

        // Every service polled for work all the time, and no poll started a trace.
        var roots = platform.Collector.Spans.Where(span => span.IsRoot && span.Span.Kind != SpanKind.Server).ToArray();
        Assert.NotEmpty(roots);
        Assert.All(roots, root => Assert.Contains(root.Span.Name, Turns));
        Assert.DoesNotContain(new[] { key, customer, tenant.ApiKey, owner.ApiKey }, platform.Collector.Has);

        bool IsOfInvoice(ExportedSpan span, string name) =>
            span.Span.Name == name
            && spans.Any(draft =>
                draft.Span.Name == "draft invoice" && draft["polaris.invoice_id"] is not null && draft.TraceId == span.TraceId
            );

        ExportedSpan The(string service, Func<ExportedSpan, bool> which)
        {
            var found = spans.Where(span => span.Service == service && which(span)).ToArray();
            Assert.True(found.Length == 1, $"{found.Length} of {service} are it:\n{string.Join('\n', spans.Select(span => $"{span}"))}");
            return found[0];
        }

        void AssertBelow(ExportedSpan span, ExportedSpan ancestor)
        {
            var at = span;
            while (at.Id != ancestor.Id)
            {
                Assert.False(at.IsRoot, $"{span} is not below {ancestor}");
                at = Assert.Single(spans, parent => parent.TraceId == at.TraceId && parent.Id == at.ParentId);
            }
        }

        void AssertFollows(ExportedSpan span, ExportedSpan cause, SpanKind kind)
        {
            Assert.Equal(kind, span.Span.Kind);
            Assert.Contains(cause.Id, span.LinkedIds);
            Assert.Equal((cause.TraceId, cause.Id), (span.TraceId, span.ParentId));
        }

        Task UntilAsync(string what, Func<Task<bool>> holds) => polaris.UntilAsync(what, holds, platform.App.RecentOutput);
    }

    /// <summary>Sends one event of one customer, invoices its month and delivers the notification.</summary>
    private async Task BillAsync(Tenant tenant, string key, string customer)
    {
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
              {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "0.015"}}]}) { id } }
            """
        );
        await tenant.QueryAsync($"mutation {{ createCustomers(input: [{{key: \"{customer}\", email: \"pay@acme.example\"}}]) {{ id }} }}");
        await tenant.QueryAsync(
            $$"""
            mutation { createSubscriptions(input: [
              {customer: "{{customer}}", plan: "p", start: "2015-05-01T00:00:00Z", end: "2015-06-01T00:00:00Z"}]) { id } }
            """
        );
        var (status, answer) = await tenant.IngestAsync(
            new
            {
                idempotency_key = key,
                type = "call",
                customer,
                timestamp = "2015-05-10T00:00:00Z",
            }
        );
        Assert.True(status == 202, $"{status}: {answer}");
        await UntilAsync(
            "counting",
            async () => await tenant.UsageAsync("calls", customer, "2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z") == 1
        );
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        await UntilAsync(
            "the invoice's event at Notifications",
            () =>
                Task.FromResult(
                    platform.SpansOf(tenant.OrgId).Any(span => span.Service == "notifications" && span.Span.Name == $"process {Billing}")
                )
        );

        Task UntilAsync(string what, Func<Task<bool>> holds) => polaris.UntilAsync(what, holds, platform.App.RecentOutput);
    }
}
