using Grpc.Core;
using Polaris.Ingestion.V1;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>Fetches batches from Ingestion by id and applies them. One that cannot be applied becomes a dead letter, and the others flow.</summary>
internal sealed class ApplyFromStore(ApplyUsage apply, DeadLetters deadLetters, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    private const int AtOnce = 100;

    /// <summary>Returns how many events were new.</summary>
    /// <exception cref="RpcException">Ingestion cannot be reached: what was applied so far stays applied.</exception>
    public async Task<int> ApplyAsync(IEnumerable<(Guid Org, Guid Batch)> ids, CancellationToken ct)
    {
        var events = 0;
        foreach (var some in ids.Chunk(AtOnce))
        {
            var fetch = new GetBatchesRequest();
            fetch.Batches.AddRange(some.Select(id => new BatchRef { OrgId = id.Org.ToString(), BatchId = id.Batch.ToString() }));
            var batches = new List<UsageBatch>(some.Length);
            using (var call = ingestion.GetBatches(fetch, cancellationToken: ct))
            {
                await foreach (var batch in call.ResponseStream.ReadAllAsync(ct)) batches.Add(batch);
            }

            events += await ApplyAsync(batches, ct);
        }

        return events;
    }

    private async Task<int> ApplyAsync(List<UsageBatch> batches, CancellationToken ct)
    {
        try
        {
            return await apply.ApplyAsync(batches, [], ct);
        }
        catch (Exception exception) when (Poison.Is(exception) && batches.Count == 1)
        {
            await deadLetters.SetAsideAsync(batches[0], exception.Message, ct);
            return 0;
        }
        catch (Exception exception) when (Poison.Is(exception))
        {
            var events = 0;
            foreach (var batch in batches) events += await ApplyAsync([batch], ct);
            return events;
        }
    }
}
