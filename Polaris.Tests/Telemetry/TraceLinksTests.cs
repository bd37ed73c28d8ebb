using System.Diagnostics;
using Grpc.Core;
using OpenTelemetry.Trace;
using Polaris.Identity.V1;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Ingest;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Telemetry;
using Xunit;

namespace Polaris.Tests.Telemetry;

/// <summary>How spans get their parents and links, without a platform.</summary>
public sealed class TraceLinksTests : IDisposable
{
    private const string RequestsName = "Polaris.Tests.Requests";

    private static readonly ActivitySource Requests = new(RequestsName);

    private readonly ActivityListener listener = new()
    {
        // By name: while a source is being created, its field is still null.
        ShouldListenTo = source => source.Name is PolarisTelemetry.Name or RequestsName,
        Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
    };

    public TraceLinksTests() => ActivitySource.AddActivityListener(listener);

    public void Dispose() => listener.Dispose();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static ActivityContext NewCause(ActivityTraceFlags flags = ActivityTraceFlags.Recorded) =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), flags, isRemote: true);

    private static ActivityContext[] LinksOf(Activity? span) => [.. span!.Links.Select(link => link.Context)];

    [Fact]
    public void Causes_survive_as_text_up_to_the_bound_and_none_is_null()
    {
        var causes = Enumerable.Range(0, TraceLinks.MaxLinksPerMessage + 1).Select(_ => NewCause()).ToArray();
        Assert.Equal(causes[..^1], TraceLinks.Read(TraceLinks.Write([causes[0], default, .. causes])));
        Assert.Null(TraceLinks.Write([default]));
        Assert.Empty(TraceLinks.Read(null));
        Assert.Equal([causes[0]], TraceLinks.Read("nonsense," + TraceLinks.Write([causes[0]])));
    }

    [Fact]
    public void One_cause_is_parent_and_link_and_several_are_links_of_a_root()
    {
        var (one, other, origin) = (NewCause(), NewCause(), NewCause());
        using (var span = TraceLinks.Start("test", ActivityKind.Internal, [one, default, one], [origin, one]))
        {
            Assert.Equal((one.TraceId, one.SpanId), (span!.TraceId, span.ParentSpanId));
            Assert.Equal([one, origin], LinksOf(span));
        }

        using (var span = TraceLinks.Start("test", ActivityKind.Internal, [one, other]))
        {
            Assert.Null(span!.ParentId);
            Assert.Equal([one, other], LinksOf(span));
        }

        using (
            var span = TraceLinks.Start("test", ActivityKind.Internal, Enumerable.Range(0, TraceLinks.MaxLinks + 1).Select(_ => NewCause()))
        )
            Assert.Equal(TraceLinks.MaxLinks, LinksOf(span).Length);
    }

    [Theory]
    [InlineData(ActivityKind.Client, SamplingDecision.Drop)]
    [InlineData(ActivityKind.Server, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Internal, SamplingDecision.RecordAndSample)]
    public void A_trace_begins_with_a_request_or_a_turn_of_ours_and_never_with_a_statement_or_call(
        ActivityKind kind,
        SamplingDecision decision
    )
    {
        Assert.Equal(decision, Decide(RootSampler.Create(null, null), default, kind));
        // Child spans follow their root's decision, whatever their kind.
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(RootSampler.Create("always_off", null), NewCause(), kind));
        Assert.Equal(SamplingDecision.Drop, Decide(RootSampler.Create(null, null), NewCause(ActivityTraceFlags.None), kind));
    }

    [Fact]
    public void The_standard_variables_thin_traces_out_but_not_those_that_go_on_from_a_recorded_one()
    {
        var none = RootSampler.Create("traceidratio", "0");
        Assert.Equal(SamplingDecision.Drop, Decide(none, default, ActivityKind.Server));
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(RootSampler.Create("traceidratio", "1"), default, ActivityKind.Server));
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(none, default, ActivityKind.Internal, NewCause()));
        Assert.Equal(SamplingDecision.Drop, Decide(none, default, ActivityKind.Internal, NewCause(ActivityTraceFlags.None)));
    }

    private static SamplingDecision Decide(Sampler sampler, ActivityContext parent, ActivityKind kind, params ActivityContext[] links) =>
        sampler
            .ShouldSample(
                new SamplingParameters(
                    parent,
                    ActivityTraceId.CreateRandom(),
                    "test",
                    kind,
                    links: links.Select(link => new ActivityLink(link))
                )
            )
            .Decision;

    [Fact]
    public async Task The_first_request_that_waits_for_a_key_has_the_question_in_its_trace_and_the_others_link_to_it()
    {
        var source = new Source();
        using var cache = new ApiKeyCache(source, new Clock());
        var first = await InRequestAsync(() => cache.ValidateAsync("pk_one", Ct).AsTask(), wait: false);
        var second = await InRequestAsync(() => cache.ValidateAsync("pk_one", Ct).AsTask(), wait: false);
        source.Answer.SetResult(new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Valid, OrgId = Guid.Empty.ToString() });
        await Task.WhenAll(first.Task, second.Task);

        var question = Assert.Single(source.Asked)!;
        Assert.Equal((first.Request.TraceId, first.Request.SpanId), (question.TraceId, question.ParentSpanId));
        Assert.Empty(first.Request.Links);
        Assert.Equal([question.Context], LinksOf(second.Request));
        Assert.Equal(Guid.Empty.ToString(), question.GetTagItem(PolarisTelemetry.OrgTag));
    }

    [Fact]
    public async Task A_key_that_is_asked_for_again_while_it_serves_has_a_trace_of_its_own_that_links_to_the_request()
    {
        var (source, time) = (new Source(), new Clock());
        source.Answer.SetResult(new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Valid });
        using var cache = new ApiKeyCache(source, time);
        await InRequestAsync(() => cache.ValidateAsync("pk_one", Ct).AsTask());
        time.Now += ApiKeyCache.FreshFor / 2;
        var (request, _) = await InRequestAsync(() => cache.ValidateAsync("pk_one", Ct).AsTask());

        Assert.Equal(2, source.Asked.Count);
        var refresh = source.Asked[1]!;
        Assert.Null(refresh.ParentId);
        Assert.NotEqual(request.TraceId, refresh.TraceId);
        Assert.Equal([request.Context], LinksOf(refresh));
        Assert.Empty(request.Links);
    }

    [Fact]
    public void A_batch_carries_the_recorded_requests_that_it_is_from_and_no_others()
    {
        var (org, other, now) = (Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow());
        var traces = Enumerable.Range(0, TraceLinks.MaxLinksPerMessage + 2).Select(_ => NewCause()).ToArray();
        var group = new GroupResolution(
            [
                .. traces.Select((trace, i) => new WriteRequest(org, [Event($"{i}", now), Event($"{i}b", now)], new(), trace)),
                new WriteRequest(other, [Event("unrecorded", now)], new()),
            ],
            now,
            partitions: 1
        );
        var carried = Assert.Single(group.TraceLinksByBatch());
        Assert.Equal(org, group.Batches.Single(batch => batch.Id == carried.Key).Org);
        Assert.Equal(traces[..TraceLinks.MaxLinksPerMessage], TraceLinks.Read(carried.Value));
    }

    private static IncomingEvent Event(string key, DateTimeOffset now) =>
        EventParser
            .Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"idempotency_key":"{{key}}","type":"call"}"""), now, false, default)
            .Events[0];

    /// <summary>Runs work within a request's span, which ends when the work does, if the request waits for it.</summary>
    private static async Task<(Activity Request, Task Task)> InRequestAsync(Func<Task> work, bool wait = true)
    {
        Activity.Current = null;
        var request = Requests.StartActivity("request", ActivityKind.Server)!;
        var task = work();
        if (wait)
            await task;
        request.Stop();
        return (request, task);
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    /// <summary>Records the span in which it is called.</summary>
    private sealed class Source : IApiKeySource
    {
        public TaskCompletionSource<ValidateApiKeyResponse> Answer { get; } = new();

        public List<Activity?> Asked { get; } = [];

        public Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct)
        {
            Asked.Add(Activity.Current);
            return Answer.Task;
        }
    }
}
