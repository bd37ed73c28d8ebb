using System.Globalization;
using System.Security.Claims;
using System.Text;
using GraphQL;
using GraphQL.SystemTextJson;
using GraphQL.Transport;
using GraphQL.Types;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Hosting;

/// <summary>What a subgraph sends to who subscribes, second by second.</summary>
public sealed class AnswerChangesTests : IDisposable
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ApplicationLifetime host = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly MemoryStream sent = new();
    private readonly Answers answers = new();
    private readonly Access access = new();
    private readonly DefaultHttpContext context = new();

    private string Sent => Encoding.UTF8.GetString(sent.ToArray());

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again_but_a_comment_every_15_seconds()
    {
        var run = Run();
        const string first = ":\n\nevent: next\ndata: {\"data\":1}\n\n";
        await SecondsAsync(14);
        Assert.Equal(first, Sent);
        await SecondsAsync(1);
        Assert.Equal(first + ":\n\n", Sent);
        answers.Value = 2;
        await SecondsAsync(1);
        Assert.Equal(first + ":\n\nevent: next\ndata: {\"data\":2}\n\n", Sent);
        host.StopApplication();
        await run;
        Assert.EndsWith("event: complete\ndata:\n\n", Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_when_the_token_is_no_longer_good()
    {
        var run = Run(goodFor: TimeSpan.FromSeconds(5));
        await SecondsAsync(4);
        Assert.False(run.IsCompleted);
        await SecondsAsync(1);
        await run;
        Assert.Contains("nobody", Sent, StringComparison.Ordinal);
        Assert.EndsWith("event: complete\ndata:\n\n", Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_when_the_access_has_ended()
    {
        var run = Run();
        await SecondsAsync(2);
        access.IsValid = false;
        await SecondsAsync(2);
        await run;
        Assert.Contains("nobody", Sent, StringComparison.Ordinal);
        Assert.True(context.Items.ContainsKey(PolarisAuthentication.EndedItem));
    }

    public void Dispose() => sent.Dispose();

    private Task Run(TimeSpan? goodFor = null)
    {
        var claims = new List<Claim>
        {
            new("sub", Guid.NewGuid().ToString()),
            new(PolarisClaims.Org, Guid.NewGuid().ToString()),
            new(PolarisClaims.Origin, "key"),
            new(PolarisClaims.Scope, Scopes.Read),
        };
        if (goodFor is { } span)
            claims.Add(new("exp", (time.GetUtcNow() + span).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        context.User = new ClaimsPrincipal(new ClaimsIdentity(claims, "test", "sub", PolarisClaims.Role));
        context.Response.Body = sent;
        var (limits, serializer) = (Options.Create(new GraphQLLimits()), new GraphQLSerializer());
        var services = new ServiceCollection().AddScoped<TenantScope>().BuildServiceProvider();
        var changes = new AnswerChanges(
            answers,
            new BoundedRequests(serializer, limits),
            new LastingAccess(new AccessCache(access, time), time),
            services.GetRequiredService<IServiceScopeFactory>(),
            host,
            limits,
            time
        );
        var request = new GraphQLRequest { Query = "subscription { a }" };
        return changes.RunAsync(context, request, GraphQLParser.Parser.Parse(request.Query));
    }

    /// <summary>Each second waits until the last one's answer was given.</summary>
    private async Task SecondsAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            var before = answers.Count;
            time.Advance(AnswerChanges.Interval);
            while (answers.Count == before)
                await Task.Yield();
            // What is sent for it is sent before the next wait, of which nothing tells but that the time's timer is there.
            await Task.Yield();
        }
    }

    private sealed class Answers : IDocumentExecuter<ISchema>
    {
        private int count;

        public int Value { get; set; } = 1;

        public int Count => Volatile.Read(ref count);

        public Task<ExecutionResult> ExecuteAsync(ExecutionOptions options)
        {
            Interlocked.Increment(ref count);
            return Task.FromResult(
                options.User!.Identity!.IsAuthenticated
                    ? new ExecutionResult { Data = Value, Executed = true }
                    : new ExecutionResult { Errors = [new ExecutionError("nobody")], Executed = true }
            );
        }
    }

    private sealed class Access : IAccessSource
    {
        public bool IsValid { get; set; } = true;

        public Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct) =>
            Task.FromResult(new CheckAccessResponse { Valid = IsValid });

        public Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct) =>
            throw new NotSupportedException();
    }
}
