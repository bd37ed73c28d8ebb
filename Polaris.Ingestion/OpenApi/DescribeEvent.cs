using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Polaris.Ingestion.OpenApi;

/// <summary><c>GET /events/{idempotency_key}</c> in the document.</summary>
internal static class DescribeEvent
{
    public static Task Fill(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        operation.OperationId = "getEvent";
        operation.Summary = "Where is my event";
        operation.Description = "Scope `read`. What was stored, whether the broker has it, what corrects it or it corrects, and where it counts: in which meter's bucket and on which invoice lines.";
        operation.Parameters =
        [
            new OpenApiParameter
            {
                Name = "idempotencyKey",
                In = ParameterLocation.Path,
                Required = true,
                Description = "The event's `idempotency_key`, percent-encoded, slashes too.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            },
        ];
        operation.Answer(200, "The event. `counting` sums up where it has got to: `pending` is stored and not applied yet, `unmetered` is applied and no meter measures it, "
            + "`corrected` counts no more, `void` never counted, `unknown` means that Billing did not answer within a second.",
            ("counted", "Counted, and on a draft invoice", """
                {"idempotency_key":"order-18","type":"order","customer":"acme","timestamp":"2026-11-24T14:27:35Z","properties":{"amount":"13"},
                 "received_at":"2026-11-24T14:27:36.1Z","batch_id":"01a20df4-786c-74dc-a1a0-6cc72df3115b","published":true,"counting":"counted",
                 "counted":[{"meter":"amount","bucket_start":"2026-11-24T14:15:00Z",
                   "invoice_lines":[{"invoice_id":"01a20e05-7a52-7e0b-8a52-6f1c2d3e4f50","number":"INV-00000001","status":"draft","charge":"amount"}]}]}
                """),
            ("corrected", "Taken back by another one", """
                {"idempotency_key":"order-17","type":"order","customer":"acme","timestamp":"2026-11-24T14:20:00Z","properties":{"amount":"99"},
                 "received_at":"2026-11-24T14:20:01Z","batch_id":"01a20ded-9a3f-7b11-b2a4-5e6f708192a3","published":true,"corrected_by":"fix-1","counting":"corrected","counted":[]}
                """));
        var document = context.Document!;
        operation.Refusal(document, 401, "Nobody known asks this.", retryAfter: false, Describing.Unauthenticated);
        operation.Refusal(document, 403, "The token lacks the scope `read`.", retryAfter: false, Describing.MissingScope);
        operation.Refusal(document, 404, "The org has no event with the key.", retryAfter: false, ("not_found", "There is no such event."));
        operation.Refusal(document, 503, "Something behind it is away for a while.", retryAfter: true, Describing.IdentityUnavailable, Describing.ServiceUnavailable);
        return Task.CompletedTask;
    }
}
