using System.Net;
using System.Text;
using GraphQL;
using GraphQL.Transport;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <param name="Plan">Its first fetch is the one that events answer.</param>
/// <param name="Schema">Of which the plan is.</param>
/// <param name="Request">What the client sent.</param>
/// <param name="Cost">Of each event; that of the first is spent.</param>
internal sealed record AskedSubscription(QueryPlan Plan, PublicSchema Schema, GraphQLRequest Request, long Cost);

/// <summary>
/// Answers a subscription: the subgraph that owns its field sends events, to each of which the rest of the plan is added as to a query's
/// first answer. One event at a time is worked on, so a slow client slows down the subgraph, which sends the present state next.
/// It ends with the client, with the subgraph's last event, and after <see cref="GraphQLLimits.SubscriptionLifetime"/>.
/// </summary>
internal sealed class AnswerSubscription(
    FetchExecutor fetches,
    OpenSubscriptions open,
    LimitCost costs,
    IGraphQLTextSerializer serializer,
    IHostApplicationLifetime host,
    IOptions<GraphQLLimits> limits
)
{
    /// <summary>A subgraph of which nothing comes for so long, not even a comment, is gone.</summary>
    private static readonly TimeSpan Silence = 3 * EventStream.Heartbeat;

    private const int UsualAnswerBytes = 4_096;

    public async Task RunAsync(AskedSubscription asked, HttpContext context)
    {
        using var place = open.Take(context);
        if (!place.IsAcquired)
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(
                RefusalMapping.Problem(
                    StatusCodes.Status429TooManyRequests,
                    "too_many_subscriptions",
                    "Too many subscriptions of this caller or its org are open. Close one, or share one."
                )
            );
            return;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
        end.CancelAfter(limits.Value.SubscriptionLifetime);
        var stream = new EventStream(context);
        await stream.RunAsync(ct => FollowAsync(asked, context, stream, ct), end.Token);
    }

    private async Task FollowAsync(AskedSubscription asked, HttpContext context, EventStream stream, CancellationToken ct)
    {
        try
        {
            using var response = await WithinAsync(
                limits.Value.Deadline,
                token => fetches.SubscribeAsync(asked.Plan, asked.Request, context, token),
                ct
            );
            if (response.StatusCode != HttpStatusCode.OK)
            {
                await FailAsync(asked, stream, $"answered with status {(int)response.StatusCode}");
                return;
            }

            using var events = new SubgraphEvents(await response.Content.ReadAsStreamAsync(ct));
            // The request has paid for the first.
            for (var isPaid = true; await ReadAsync(events, ct) is var (answer, kind) && kind != SubgraphEvent.Complete; )
            {
                if (kind == SubgraphEvent.Beat)
                {
                    await stream.BeatAsync();
                    continue;
                }

                if (!isPaid && costs.Refuses(context, asked.Cost) is { } wait)
                {
                    await RefuseAsync(stream, wait);
                    return;
                }

                isPaid = false;
                using var tree = await WithinAsync(
                    limits.Value.Deadline,
                    token => fetches.RunAsync(asked.Plan, asked.Schema, asked.Request, context, token, answer),
                    ct
                );
                await WriteAsync(stream, tree);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TimeoutException)
        {
            await FailAsync(asked, stream, "cannot be reached");
        }
        catch (AnswerException)
        {
            await FailAsync(asked, stream, "sent a response that is too large");
        }
    }

    private static async Task<(ByteBuffer Answer, SubgraphEvent Kind)> ReadAsync(SubgraphEvents events, CancellationToken ct)
    {
        var answer = new ByteBuffer(UsualAnswerBytes);
        var kind = await WithinAsync(Silence, token => events.ReadAsync(answer, token), ct);
        if (kind != SubgraphEvent.Next)
            answer.Dispose();
        return (answer, kind);
    }

    private async Task FailAsync(AskedSubscription asked, EventStream stream, string why)
    {
        using var tree = fetches.Failed(asked.Plan, why);
        await WriteAsync(stream, tree);
    }

    private Task RefuseAsync(EventStream stream, TimeSpan wait)
    {
        var refusal = Refusal.TooMany("rate_limited", "The organization has asked for too many values. Subscribe again later.", wait);
        var result = new ExecutionResult { Errors = [RefusalErrors.Of(refusal)] };
        return stream.NextAsync(Encoding.UTF8.GetBytes(serializer.Serialize(result)));
    }

    private static async Task WriteAsync(EventStream stream, ResultTree tree)
    {
        using var answer = new ByteBuffer(UsualAnswerBytes);
        ResponseWriter.Write(answer, tree);
        await stream.NextAsync(answer.Span);
    }

    private static async Task<T> WithinAsync<T>(TimeSpan limit, Func<CancellationToken, Task<T>> run, CancellationToken ct)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(ct);
        bound.CancelAfter(limit);
        try
        {
            return await run(bound.Token);
        }
        catch (OperationCanceledException exception) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException("A subgraph did not answer in time.", exception);
        }
    }
}
