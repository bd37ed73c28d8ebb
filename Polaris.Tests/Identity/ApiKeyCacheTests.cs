using Grpc.Core;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>
/// Concurrent requests share one validation of a key, and a cached validation is used during an outage, for a bounded time.
/// </summary>
public sealed class ApiKeyCacheTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task However_many_wait_for_a_key_it_is_asked_for_once_also_when_the_first_goes_away()
    {
        var source = new Source();
        using var cache = new ApiKeyCache(source, new Clock());
        var answer = source.Next = new TaskCompletionSource<ValidateApiKeyResponse>();
        using var gone = new CancellationTokenSource();
        var first = cache.ValidateAsync("pk_one", gone.Token).AsTask();
        var waiting = Enumerable.Range(0, 64).Select(_ => cache.ValidateAsync("pk_one", Ct).AsTask()).ToArray();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult(Of(ApiKeyVerdict.Valid));
        Assert.All(await Task.WhenAll(waiting), known => Assert.NotNull(known.Principal));
        Assert.Equal(1, source.Count);
    }

    [Fact]
    public async Task A_key_in_use_is_asked_for_again_before_its_time_is_over_and_nobody_waits_for_that()
    {
        var (source, time) = (new Source(), new Clock());
        using var cache = new ApiKeyCache(source, time);
        await cache.ValidateAsync("pk_one", Ct);
        var answer = source.Next = new TaskCompletionSource<ValidateApiKeyResponse>();
        time.Now += (ApiKeyCache.FreshFor / 2) - TimeSpan.FromTicks(1);
        Assert.NotNull((await cache.ValidateAsync("pk_one", Ct)).Principal);
        Assert.Equal(1, source.Count);
        time.Now += TimeSpan.FromTicks(1);
        var served = cache.ValidateAsync("pk_one", Ct);
        Assert.True(served.IsCompletedSuccessfully);
        Assert.NotNull((await served).Principal);
        Assert.Equal(2, source.Count);

        // Once it has expired, the old validation serves no request while the new one may still come in time.
        time.Now += ApiKeyCache.FreshFor / 2;
        var late = cache.ValidateAsync("pk_one", Ct);
        Assert.False(late.IsCompleted);
        answer.SetResult(Of(ApiKeyVerdict.Revoked));
        Assert.Null((await late).Principal);
        Assert.Equal(2, source.Count);
    }

    [Fact]
    public async Task A_slow_answer_serves_nobody_who_came_a_second_after_its_question_and_does_not_replace_a_later_one()
    {
        var (source, time) = (new Source(), new Clock());
        using var cache = new ApiKeyCache(source, time);
        var slow = source.Next = new TaskCompletionSource<ValidateApiKeyResponse>();
        var first = cache.ValidateAsync("pk_one", Ct).AsTask();
        time.Now += ApiKeyCache.FreshFor - TimeSpan.FromTicks(1);
        var joined = cache.ValidateAsync("pk_one", Ct).AsTask();
        Assert.Equal(1, source.Count);
        time.Now += TimeSpan.FromTicks(1);
        (source.Next, source.Verdict) = (null, ApiKeyVerdict.Revoked);
        var late = cache.ValidateAsync("pk_one", Ct);
        Assert.Equal(2, source.Count);
        Assert.Null((await late).Principal);

        slow.SetResult(Of(ApiKeyVerdict.Valid));
        Assert.All(await Task.WhenAll(first, joined), known => Assert.NotNull(known.Principal));
        source.Away = true;
        Assert.Null((await cache.ValidateAsync("pk_one", Ct)).Principal);
        time.Now += ApiKeyCache.FreshFor;
        await Assert.ThrowsAsync<RpcException>(() => cache.ValidateAsync("pk_one", Ct).AsTask());
    }

    [Fact]
    public async Task While_Identity_is_away_a_good_key_holds_for_a_quarter_of_an_hour_and_a_refused_one_does_not()
    {
        var (source, time) = (new Source(), new Clock());
        using var cache = new ApiKeyCache(source, time);
        await cache.ValidateAsync("pk_good", Ct);
        source.Verdict = ApiKeyVerdict.Revoked;
        Assert.Null((await cache.ValidateAsync("pk_revoked", Ct)).Principal);
        source.Away = true;

        await Assert.ThrowsAsync<RpcException>(() => cache.ValidateAsync("pk_never_seen", Ct).AsTask());
        time.Now += ApiKeyCache.StaleFor - TimeSpan.FromTicks(1);
        Assert.NotNull((await cache.ValidateAsync("pk_good", Ct)).Principal);
        await Assert.ThrowsAsync<RpcException>(() => cache.ValidateAsync("pk_revoked", Ct).AsTask());
        time.Now += TimeSpan.FromTicks(1);
        await Assert.ThrowsAsync<RpcException>(() => cache.ValidateAsync("pk_good", Ct).AsTask());
        source.Away = false;
        Assert.Null((await cache.ValidateAsync("pk_good", Ct)).Principal);
    }

    [Fact]
    public async Task While_Identity_says_nothing_a_good_key_waits_for_it_once_and_then_no_more_until_it_answers()
    {
        var (source, time) = (new Source(), new Clock());
        using var cache = new ApiKeyCache(source, time);
        await cache.ValidateAsync("pk_one", Ct);
        await cache.ValidateAsync("pk_two", Ct);
        var answer = source.Next = new TaskCompletionSource<ValidateApiKeyResponse>();
        time.Now += ApiKeyCache.FreshFor;
        // The first to notice waits as long as an answer may take, in real time.
        Assert.NotNull((await cache.ValidateAsync("pk_one", Ct)).Principal);
        Assert.Equal(3, source.Count);
        foreach (var key in new[] { "pk_two", "pk_one", "pk_two" })
        {
            var served = cache.ValidateAsync(key, Ct);
            Assert.True(served.IsCompleted, $"{key} waits.");
            Assert.NotNull((await served).Principal);
        }

        // One call finds out when Identity is back; the others did not add theirs to what hangs.
        Assert.Equal(3, source.Count);
        var unknown = cache.ValidateAsync("pk_never_seen", Ct).AsTask();
        Assert.False(unknown.IsCompleted);

        (source.Next, source.Verdict) = (null, ApiKeyVerdict.Revoked);
        answer.SetResult(Of(ApiKeyVerdict.Valid));
        Assert.NotNull((await unknown).Principal);
        Assert.Null((await cache.ValidateAsync("pk_two", Ct)).Principal);
    }

    [Fact]
    public async Task A_call_that_is_not_answered_is_given_up()
    {
        var (source, time) = (new Source(), new Clock());
        using var cache = new ApiKeyCache(source, time);
        await cache.ValidateAsync("pk_one", Ct);
        source.Next = new TaskCompletionSource<ValidateApiKeyResponse>();
        time.Now += ApiKeyCache.FreshFor / 2;
        await cache.ValidateAsync("pk_one", Ct);
        var began = TimeProvider.System.GetTimestamp();
        while (!source.LastGivenUp)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < ApiKeyCache.RefreshTimeout * 5, "The call has no deadline.");
            await Task.Delay(20, Ct);
        }
    }

    private static ValidateApiKeyResponse Of(ApiKeyVerdict verdict) =>
        new()
        {
            Verdict = verdict,
            OrgId = Guid.Empty.ToString(),
            KeyId = Guid.Empty.ToString(),
        };

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class Source : IApiKeySource
    {
        private int count;

        public int Count => count;

        public ApiKeyVerdict Verdict { get; set; } = ApiKeyVerdict.Valid;

        public bool Away { get; set; }

        /// <summary>A call was cancelled.</summary>
        public bool LastGivenUp { get; private set; }

        /// <summary>The pending response; when not set, calls complete immediately.</summary>
        public TaskCompletionSource<ValidateApiKeyResponse>? Next { get; set; }

        public async Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct)
        {
            Interlocked.Increment(ref count);
            if (Away)
                throw new RpcException(new Status(StatusCode.Unavailable, "away"));
            if (Next is not { } next)
                return Of(Verdict);
            try
            {
                return await next.Task.WaitAsync(ct);
            }
            catch (OperationCanceledException)
            {
                LastGivenUp = true;
                throw;
            }
        }
    }
}
