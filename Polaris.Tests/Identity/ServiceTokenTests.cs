using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Xunit;

namespace Polaris.Tests.Identity;

/// <summary>A service's own token.</summary>
public sealed class ServiceTokenTests
{
    [Fact]
    public async Task A_token_that_is_still_good_is_used_while_Identity_does_not_answer_for_the_next_one()
    {
        using var identity = new Endpoint();
        var time = new Clock();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([
                new("services:identity:http:0", "http://identity"),
                new(PolarisAuthentication.ClientSecretSetting, "secret"),
            ])
            .Build();
        await using var services = new ServiceCollection().BuildServiceProvider();
        using var tokens = new ServiceTokens(
            new IdentityEndpoint(identity, configuration, services),
            new ServiceIdentity("billing"),
            configuration,
            time
        );
        var ct = TestContext.Current.CancellationToken;
        Assert.Equal("token 1", await tokens.GetAsync(ct));
        var next = identity.Next = new TaskCompletionSource();
        time.Now += TimeSpan.FromMinutes(11);
        for (var i = 0; i < 3; i++)
        {
            var given = tokens.GetAsync(ct);
            Assert.True(given.IsCompleted, "A call waits for Identity.");
            Assert.Equal("token 1", await given);
        }

        Assert.Equal(2, identity.Count);
        next.SetResult();
        var began = TimeProvider.System.GetTimestamp();
        while (await tokens.GetAsync(ct) != "token 2")
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(10), "The token was not renewed.");
            await Task.Delay(10, ct);
        }
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class Endpoint : HttpMessageHandler, IHttpClientFactory
    {
        private int count;

        public int Count => count;

        public TaskCompletionSource? Next { get; set; }

        public HttpClient CreateClient(string name) => new(this, disposeHandler: false);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var number = Interlocked.Increment(ref count);
            if (Next is { } next)
                await next.Task.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = JsonContent.Create(new { access_token = $"token {number}", expires_in = 900 }),
            };
        }
    }
}
