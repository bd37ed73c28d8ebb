using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;
using Polaris.Gateway.Session;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Session;

public sealed class SessionTokensTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly FakeIdentity identity = new();

    [Fact]
    public async Task Tokens_that_serve_for_a_while_are_left_alone()
    {
        var session = Session(TimeSpan.FromMinutes(5));
        Assert.Equal(Renewal.NotNeeded, await Tokens().RenewAsync(session, default));
        Assert.Equal(("old", 0), (SessionTokens.AccessTokenOf(session), identity.Asked.Count));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(-3_600)]
    public async Task Tokens_that_run_out_are_renewed_all_of_them(int secondsLeft)
    {
        var session = Session(TimeSpan.FromSeconds(secondsLeft));
        var tokens = Tokens();
        Assert.Equal(Renewal.Renewed, await tokens.RenewAsync(session, default));
        Assert.Equal(("new-1", "id-1"), (SessionTokens.AccessTokenOf(session), SessionTokens.IdTokenOf(session)));
        Assert.Contains("refresh_token=first", Assert.Single(identity.Asked), StringComparison.Ordinal);
        Assert.Contains("client_secret=secret", identity.Asked[0], StringComparison.Ordinal);

        time.Advance(TimeSpan.FromMinutes(13));
        Assert.Equal(Renewal.NotNeeded, await tokens.RenewAsync(session, default));
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(Renewal.Renewed, await tokens.RenewAsync(session, default));
        Assert.Contains("refresh_token=refresh-1", identity.Asked[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_that_come_together_renew_once_and_one_that_leaves_spoils_nothing()
    {
        identity.Hold = new TaskCompletionSource();
        var tokens = Tokens();
        using var leaving = new CancellationTokenSource();
        var gone = tokens.RenewAsync(Session(TimeSpan.Zero), leaving.Token);
        var sessions = Enumerable.Range(0, 20).Select(_ => Session(TimeSpan.Zero)).ToArray();
        var renewals = sessions.Select(session => tokens.RenewAsync(session, default)).ToArray();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        identity.Hold.SetResult();
        Assert.All(await Task.WhenAll(renewals), outcome => Assert.Equal(Renewal.Renewed, outcome));
        Assert.All(sessions, session => Assert.Equal("new-1", SessionTokens.AccessTokenOf(session)));
        Assert.Single(identity.Asked);
    }

    [Fact]
    public async Task A_refused_refresh_token_ends_the_session()
    {
        identity.Status = HttpStatusCode.BadRequest;
        Assert.Equal(Renewal.Ended, await Tokens().RenewAsync(Session(TimeSpan.FromSeconds(30)), default));
    }

    [Theory]
    [InlineData(30, nameof(Renewal.NotNeeded))]
    [InlineData(-1, nameof(Renewal.Unavailable))]
    public async Task While_Identity_is_away_a_token_serves_to_its_end_and_no_session_ends(int secondsLeft, string expected)
    {
        var tokens = Tokens();
        foreach (var status in new HttpStatusCode?[] { null, HttpStatusCode.ServiceUnavailable, HttpStatusCode.TooManyRequests })
        {
            identity.Status = status;
            var session = Session(TimeSpan.FromSeconds(secondsLeft));
            Assert.Equal(expected, (await tokens.RenewAsync(session, default)).ToString());
            Assert.Equal("old", SessionTokens.AccessTokenOf(session));
        }
    }

    private SessionTokens Tokens() =>
        new(
            identity,
            new ConfigurationBuilder().AddInMemoryCollection([new(PolarisAuthentication.ClientSecretSetting, "secret")]).Build(),
            time
        );

    private AuthenticationProperties Session(TimeSpan left)
    {
        var session = new AuthenticationProperties();
        session.StoreTokens([
            new AuthenticationToken { Name = "access_token", Value = "old" },
            new AuthenticationToken { Name = "refresh_token", Value = "first" },
            new AuthenticationToken { Name = "id_token", Value = "id" },
            new AuthenticationToken { Name = "expires_at", Value = (time.GetUtcNow() + left).ToString("O") },
        ]);
        return session;
    }

    private sealed class FakeIdentity : HttpMessageHandler, IHttpClientFactory
    {
        public List<string> Asked { get; } = [];

        /// <summary>Of its answers; null when it cannot be reached.</summary>
        public HttpStatusCode? Status { get; set; } = HttpStatusCode.OK;

        public TaskCompletionSource? Hold { get; set; }

        public HttpClient CreateClient(string name) => new(this, disposeHandler: false) { BaseAddress = new Uri("http://identity") };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            var number = Asked.Count;
            if (Hold is not null)
                await Hold.Task;
            return new HttpResponseMessage(Status ?? throw new HttpRequestException("Away."))
            {
                Content = new StringContent(
                    $$"""
                    {"access_token": "new-{{number}}", "refresh_token": "refresh-{{number}}", "id_token": "id-{{number}}",
                    "expires_in": 900}
                    """
                ),
            };
        }
    }
}
