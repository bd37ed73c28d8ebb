using Google.Protobuf;
using Grpc.Core;
using NodaTime;
using Polaris.Billing.V1;

namespace Polaris.Ingestion.Features.Events;

/// <summary>Where Billing counts an event.</summary>
internal sealed record CountedEvent(bool Applied, IReadOnlyList<CountedIn> In);

/// <summary>Asks Billing where an event is counted. Best effort: the lookup is answered without it when Billing does not answer.</summary>
internal sealed class LocateEvent(Billing.V1.Billing.BillingClient billing, TimeProvider time)
{
    private static readonly TimeSpan AtMost = TimeSpan.FromSeconds(1);

    /// <summary>Null when Billing does not answer within a second.</summary>
    public async Task<CountedEvent?> FindAsync(Guid org, FoundEvent found, CancellationToken ct)
    {
        var request = new LocateEventsRequest { OrgId = org.ToString() };
        request.Events.Add(
            new EventRef
            {
                IdempotencyKey = found.IdempotencyKey,
                BatchId = found.BatchId.ToString(),
                Customer = found.Customer,
                TimestampUs = found.Timestamp.ToUnixTimeTicks() / 10,
                Type = found.Type,
                Properties = ByteString.CopyFromUtf8(found.Properties == "{}" ? "" : found.Properties),
            }
        );
        try
        {
            var answer = await billing.LocateEventsAsync(request, deadline: (time.GetUtcNow() + AtMost).UtcDateTime, cancellationToken: ct);
            return answer.Events.Count == 1 ? new CountedEvent(answer.Events[0].Applied, answer.Events[0].Counted) : null;
        }
        catch (RpcException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
        catch (HttpRequestException)
        {
            // No service token for the call: Identity is unavailable.
            return null;
        }
    }
}
