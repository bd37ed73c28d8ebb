using GraphQL;
using GraphQL.Transport;
using GraphQL.Types;
using GraphQLParser.AST;
using Microsoft.AspNetCore.Http;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary><c>POST /graphql</c> of a subgraph.</summary>
internal static class SubgraphRequest
{
    public static async Task AnswerAsync(
        HttpContext context,
        ISchema schema,
        IDocumentExecuter<ISchema> executer,
        BoundedRequests requests,
        AnswerChanges changes
    )
    {
        (GraphQLRequest Request, GraphQLDocument Document)? subscription = null;
        await requests.AnswerAsync(
            context,
            async ct =>
            {
                schema.Initialize();
                var request = await requests.ReadAsync(context, ct);
                var document = requests.Parse(request);
                requests.CheckCost(document, request, schema);
                if (BoundedRequests.OperationOf(document, request)?.Operation != OperationType.Subscription)
                    return await executer.ExecuteAsync(Options(context, request, document, context.RequestServices, ct));
                if (!EventStream.IsAccepted(context.Request))
                    throw RequestError.NotStreamed();
                subscription = (request, document);
                return null;
            }
        );
        // Beyond the deadline, which is that of one answer.
        if (subscription is { } asked)
            await changes.RunAsync(context, asked.Request, asked.Document);
    }

    public static ExecutionOptions Options(
        HttpContext context,
        GraphQLRequest request,
        GraphQLDocument document,
        IServiceProvider services,
        CancellationToken ct
    ) =>
        new()
        {
            Query = request.Query,
            Document = document,
            OperationName = request.OperationName,
            Variables = request.Variables,
            Extensions = request.Extensions,
            RequestServices = services,
            User = context.User,
            UserContext = new Dictionary<string, object?> { [nameof(HttpContext)] = context },
            CancellationToken = ct,
        };
}
