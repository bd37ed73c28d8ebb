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
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Hosting;

/// <summary>What a subgraph sends to who subscribes, second by second.</summary>
public sealed class AnswerChangesTests : IDisposable
{
    private readonly SteppedTime time = new();
    private readonly ApplicationLifetime host = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly MemoryStream sent = new();
    private readonly Answers answers = new();
    private readonly Access access = new();
    private readonly DefaultHttpContext context = new();

    private string Sent => Encoding.UTF8.GetString(sent.ToArray());

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again_but_a_comment_every_15_seconds()
    {
        var run = await RunAsync();
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
        var run = await RunAsync(goodFor: TimeSpan.FromSeconds(5));
        await SecondsAsync(4);
        Assert.False(run.IsCompleted);
        time.Advance(AnswerChanges.Interval);
        await run;
        Assert.Contains("nobody", Sent, StringComparison.Ordinal);
        Assert.EndsWith("event: complete\ndata:\n\n", Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_when_the_access_has_ended()
    {
        var run = await RunAsync();
        await SecondsAsync(2);
        access.IsValid = false;
        time.Advance(AnswerChanges.Interval);
        await run;
        Assert.Contains("nobody", Sent, StringComparison.Ordinal);
        Assert.True(context.Items.ContainsKey(PolarisAuthentication.EndedItem));
    }

    public void Dispose() => sent.Dispose();

    /// <returns>Not awaited yet: what ends when the subscription does.</returns>
    private async Task<Task> RunAsync(TimeSpan? goodFor = null)
    {
        var claims = new List<Claim>
        {
            new("sub", Guid.CreateVersion7(time.GetUtcNow()).ToString()),
            new(PolarisClaims.Org, Guid.CreateVersion7(time.GetUtcNow()).ToString()),
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
        var run = changes.RunAsync(context, request, GraphQLParser.Parser.Parse(request.Query));
        Assert.Equal(AnswerChanges.Interval, await time.NextWaitAsync());
        return run;
    }

    /// <summary>When a wait has begun, what came before it was sent.</summary>
    private async Task SecondsAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            time.Advance(AnswerChanges.Interval);
            Assert.Equal(AnswerChanges.Interval, await time.NextWaitAsync());
        }
    }

    private sealed class Answers : IDocumentExecuter<ISchema>
    {
        public int Value { get; set; } = 1;

        public Task<ExecutionResult> ExecuteAsync(ExecutionOptions options) =>
            Task.FromResult(
                options.User!.Identity!.IsAuthenticated
                    ? new ExecutionResult { Data = Value, Executed = true }
                    : new ExecutionResult { Errors = [new ExecutionError("nobody")], Executed = true }
            );
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
