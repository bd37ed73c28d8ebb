using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Replay;

/// <summary>Stored events for replay and audit. Batches are found by the buckets they touch; only then are payloads read, one page at a time.</summary>
internal sealed class IngestionGrpcService(NpgsqlDataSource database) : V1.Ingestion.IngestionBase
{
    private const int PageSize = 100;
    private const int MaxListed = 10_000;
    private const int MaxFetched = 100;

    public override async Task StreamEvents(StreamEventsRequest request, IServerStreamWriter<UsageBatch> responseStream, ServerCallContext context)
    {
        var (org, ct) = (ParseId("org_id", request.OrgId), context.CancellationToken);
        var (from, to) = (Aligned("from", request.From), Aligned("to", request.To));
        var (fromUs, toUs) = (from.ToUnixTimeTicks() / 10, to.ToUnixTimeTicks() / 10);
        int? partition = request.Customer.Length == 0 ? null : Partitioning.Of(org, request.Customer, Topics.UsagePartitions);
        var types = request.Types_.ToHashSet();
        var after = Guid.Empty;
        while (true)
        {
            var page = await PageAsync(org, from, to, partition, after, ct);
            foreach (var batch in page)
            {
                after = new Guid(batch.BatchId.Span, bigEndian: true);
                var wanted = batch.Events.Where(one => one.TimestampUs >= fromUs && one.TimestampUs < toUs
                    && (request.Customer.Length == 0 || one.Customer == request.Customer) && (types.Count == 0 || types.Contains(one.Type))).ToArray();
                if (wanted.Length == 0) continue;
                if (wanted.Length < batch.Events.Count)
                {
                    batch.Events.Clear();
                    batch.Events.AddRange(wanted);
                }

                await responseStream.WriteAsync(batch, ct);
            }

            if (page.Count < PageSize) return;
        }
    }

    public override async Task<ListBatchesResponse> ListBatches(ListBatchesRequest request, ServerCallContext context)
    {
        if (request.Limit is < 1 or > MaxListed) throw new RefusedException(Refusal.Invalid("limit", "out_of_range", $"'limit' is 1 to {MaxListed}."));
        var ct = context.CancellationToken;
        await using var tx = await database.BeginGateAsync(Gate.ReadBatches, ct);
        await using var command = tx.Command("""
            SELECT org_id, batch_id, received_at, event_count FROM usage_batches
            WHERE (received_at, batch_id) > ($1, $2) AND received_at < $3 ORDER BY received_at, batch_id LIMIT $4
            """);
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = ToInstant(request.ReceivedAfter) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ParseId("after_batch_id", request.AfterBatchId) });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = ToInstant(request.ReceivedBefore) });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = request.Limit });
        var response = new ListBatchesResponse();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            response.Batches.Add(new BatchHeader
            {
                OrgId = reader.GetGuid(0).ToString(),
                BatchId = reader.GetGuid(1).ToString(),
                ReceivedAt = Timestamp.FromDateTime(reader.GetFieldValue<Instant>(2).ToDateTimeUtc()),
                EventCount = reader.GetInt32(3),
            });
        }

        return response;
    }

    public override async Task GetBatches(GetBatchesRequest request, IServerStreamWriter<UsageBatch> responseStream, ServerCallContext context)
    {
        if (request.Batches.Count > MaxFetched) throw new RefusedException(Refusal.Invalid("batches", "count", $"At most {MaxFetched} batches at once."));
        var ct = context.CancellationToken;
        await using var tx = await database.BeginGateAsync(Gate.ReadBatches, ct);
        await using var command = tx.Command("""
            SELECT b.payload FROM unnest($1::uuid[], $2::uuid[]) k(org_id, batch_id) JOIN usage_batches b ON b.org_id = k.org_id AND b.batch_id = k.batch_id
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. request.Batches.Select(one => ParseId("org_id", one.OrgId))] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. request.Batches.Select(one => ParseId("batch_id", one.BatchId))] });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) await responseStream.WriteAsync(UsageBatch.Parser.ParseFrom(reader.GetFieldValue<byte[]>(0)), ct);
    }

    public override async Task<DigestEventsResponse> DigestEvents(DigestEventsRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var org = ParseId("org_id", request.OrgId);
        var tailFrom = request.TailFrom.Length == 0 ? Guid.AllBitsSet : ParseId("tail_from", request.TailFrom);
        await using var tx = await database.BeginOrgAsync(org, ct);
        // One scan in the order of the key for both: what is summed and what stands alone.
        await using var command = tx.Command("""
            SELECT bucket_start, sum(event_count)::bigint, sum(digest) % 18446744073709551616, partition, CASE WHEN batch_id >= $4 THEN batch_id END AS alone
            FROM usage_batch_buckets WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3
            GROUP BY bucket_start, partition, alone ORDER BY bucket_start LIMIT $5
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Aligned("from", request.From) });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Aligned("to", request.To) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = tailFrom });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = request.Limit > 0 ? request.Limit : int.MaxValue });
        var response = new DigestEventsResponse { Through = request.To };
        await ReadDigestsAsync(command, response.Buckets, ct);
        if (request.Limit == 0 || response.Buckets.Count < request.Limit) return response;
        // The last bucket may go on behind the limit.
        response.Through = response.Buckets[^1].BucketStart;
        while (response.Buckets.Count > 0 && response.Buckets[^1].BucketStart.Equals(response.Through)) response.Buckets.RemoveAt(response.Buckets.Count - 1);
        if (response.Buckets.Count == 0) response.Through = request.From;
        return response;
    }

    public override async Task<ListBucketBatchesResponse> ListBucketBatches(ListBucketBatchesRequest request, ServerCallContext context)
    {
        if (request.Limit is < 1 or > MaxListed) throw new RefusedException(Refusal.Invalid("limit", "out_of_range", $"'limit' is 1 to {MaxListed}."));
        var ct = context.CancellationToken;
        var org = ParseId("org_id", request.OrgId);
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            SELECT bucket_start, event_count::bigint, digest, partition, batch_id FROM usage_batch_buckets
            WHERE org_id = $1 AND bucket_start = $2 AND batch_id >= $3 AND batch_id > $4 ORDER BY batch_id LIMIT $5
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Aligned("bucket_start", request.BucketStart) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = request.FromBatchId.Length == 0 ? Guid.Empty : ParseId("from_batch_id", request.FromBatchId) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = request.AfterBatchId.Length == 0 ? Guid.Empty : ParseId("after_batch_id", request.AfterBatchId) });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = request.Limit });
        var response = new ListBucketBatchesResponse();
        await ReadDigestsAsync(command, response.Batches, ct);
        return response;
    }

    public override async Task<FindOrgResponse> FindOrg(FindOrgRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        await using var tx = await database.BeginGateAsync(Gate.ReadBatches, ct);
        await using var command = tx.Command("SELECT org_id FROM usage_batch_buckets WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = request.AfterOrgId.Length == 0 ? Guid.Empty : ParseId("after_org_id", request.AfterOrgId) });
        return new FindOrgResponse { OrgId = await command.ExecuteScalarAsync(ct) is Guid org ? org.ToString() : "" };
    }

    private static async Task ReadDigestsAsync(NpgsqlCommand command, Google.Protobuf.Collections.RepeatedField<BucketDigest> digests, CancellationToken ct)
    {
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            digests.Add(new BucketDigest
            {
                BucketStart = Timestamp.FromDateTime(reader.GetFieldValue<Instant>(0).ToDateTimeUtc()),
                EventCount = reader.GetInt64(1),
                Digest = decimal.ToUInt64(reader.GetDecimal(2)),
                Partition = reader.GetInt32(3),
                BatchId = await reader.IsDBNullAsync(4, ct) ? "" : reader.GetGuid(4).ToString(),
            });
        }
    }

    private async Task<List<UsageBatch>> PageAsync(Guid org, Instant from, Instant to, int? partition, Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command($"""
            SELECT b.payload FROM usage_batches b
            WHERE b.org_id = $1 AND b.batch_id IN (
              SELECT DISTINCT k.batch_id FROM usage_batch_buckets k
              WHERE k.org_id = $1 AND k.bucket_start >= $2 AND k.bucket_start < $3 AND k.batch_id > $4 {(partition is null ? "" : "AND k.partition = $6")}
              ORDER BY k.batch_id LIMIT $5)
            ORDER BY b.batch_id
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = from });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = to });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = PageSize });
        if (partition is { } one) command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = one });
        var page = new List<UsageBatch>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct)) page.Add(UsageBatch.Parser.ParseFrom(reader.GetFieldValue<byte[]>(0)));
        }

        var corrected = await EventCorrections.OfBatchesAsync(tx, org, page.Select(batch => new Guid(batch.BatchId.Span, bigEndian: true)), ct);
        if (corrected.Count == 0) return page;
        foreach (var stored in page.SelectMany(batch => batch.Events))
        {
            if (corrected.TryGetValue(stored.IdempotencyKey, out var by)) stored.CorrectedBy = ByteString.CopyFrom(by.BatchId.ToByteArray(bigEndian: true));
        }

        return page;
    }

    private static Instant ToInstant(Timestamp? timestamp) => timestamp is null ? NodaConstants.UnixEpoch : Instant.FromDateTimeOffset(timestamp.ToDateTimeOffset());

    private static Instant Aligned(string field, Timestamp? timestamp)
    {
        var instant = ToInstant(timestamp);
        return instant.ToUnixTimeTicks() / 10 % Buckets.SizeMicroseconds == 0 ? instant : throw new RefusedException(Refusal.Invalid(field, "not_aligned", $"'{field}' is a multiple of 15 minutes."));
    }

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id) ? id : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));
}
