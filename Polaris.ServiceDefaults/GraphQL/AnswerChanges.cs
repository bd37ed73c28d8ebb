using System.Diagnostics;
using GraphQL;
using GraphQL.Transport;
using GraphQL.Types;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Answers a subscription at a subgraph. Its field is resolved like that of a query, once a second, under the caller's access as of then,
/// and each answer that differs from the one before is an event: what is sent is always the present state, whatever was missed between.
/// The first answer without data is the last one: access has ended, or the field was refused. A field keeps what it is asked for cheap.
/// </summary>
internal sealed class AnswerChanges(
    IDocumentExecuter<ISchema> executer,
    BoundedRequests requests,
    LastingAccess access,
    IServiceScopeFactory scopes,
    IHostApplicationLifetime host,
    IOptions<GraphQLLimits> limits,
    TimeProvider time
)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public async Task RunAsync(HttpContext context, GraphQLRequest request, GraphQLDocument document)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
        // A second's look belongs to no trace; the request's own would have thousands.
        Activity.Current = null;
        var stream = new EventStream(context);
        await stream.RunAsync(ct => FollowAsync(context, request, document, stream, ct), end.Token);
    }

    private async Task FollowAsync(
        HttpContext context,
        GraphQLRequest request,
        GraphQLDocument document,
        EventStream stream,
        CancellationToken ct
    )
    {
        var (caller, last, sentAt) = (context.User, Array.Empty<byte>(), time.GetTimestamp());
        while (true)
        {
            var (answer, hasData) = await AnswerAsync(context, request, document, ct);
            if (!answer.AsSpan().SequenceEqual(last))
            {
                await stream.NextAsync(answer);
                (last, sentAt) = (answer, time.GetTimestamp());
            }
            else if (time.GetElapsedTime(sentAt) >= EventStream.Heartbeat)
            {
                await stream.BeatAsync();
                sentAt = time.GetTimestamp();
            }

            if (!hasData)
                return;
            await Task.Delay(Interval, time, ct);
            await access.VerifyAgainAsync(context, caller, ct);
        }
    }

    /// <summary>In a scope of its own, since nothing that is kept for a request may be kept for as long as this one lasts.</summary>
    private async Task<(byte[] Answer, bool HasData)> AnswerAsync(
        HttpContext context,
        GraphQLRequest request,
        GraphQLDocument document,
        CancellationToken ct
    )
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(limits.Value.Deadline);
        await using var scope = scopes.CreateAsyncScope();
        if (context.User.OrgId() is { } org)
            scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        ExecutionResult result;
        try
        {
            result = await executer.ExecuteAsync(
                SubgraphRequest.Options(context, request, document, scope.ServiceProvider, deadline.Token)
            );
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            result = new ExecutionResult { Errors = [RequestError.Deadline(limits.Value.Deadline)] };
        }

        return (await requests.SerializeAsync(result, ct), result.Data is not null);
    }
}
