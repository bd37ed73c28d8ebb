using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Replay;

/// <summary>
/// Stored events for replay and reconciliation. Batches are found through the buckets they contain; payloads are read only then, page by
/// page.
/// </summary>
internal sealed class IngestionGrpcService(NpgsqlDataSource database) : V1.Ingestion.IngestionBase
{
    /// <summary>
    /// Batches of a page, and the bytes after which it ends: it bounds the memory of a reader, whatever the batches' size.
    /// </summary>
    private const int PageSize = 100;

    private const int PageBytes = 4 * 1024 * 1024;

    private const int MaxListed = 10_000;
    private const int MaxFetched = 100;

    public override async Task StreamEvents(
        StreamEventsRequest request,
        IServerStreamWriter<UsageBatch> responseStream,
        ServerCallContext context
    )
    {
        var (org, ct) = (ParseId("org_id", request.OrgId), context.CancellationToken);
        var (from, to) = (Aligned("from", request.From), Aligned("to", request.To));
        var (fromUs, toUs) = (from.ToUnixTimeTicks() / 10, to.ToUnixTimeTicks() / 10);
        int? partition = request.Customer.Length == 0 ? null : Partitioning.Of(org, request.Customer, Topics.UsagePartitions);
        var types = request.Types_.ToHashSet();
        var (place, limit) = (new Place(from, Guid.Empty), PageSize);
        while (true)
        {
            var page = await PageAsync(org, new Span(from, to, partition), place, limit, ct);
            foreach (var batch in page.Batches)
            {
                var wanted = batch
                    .Events.Where(usageEvent =>
                        usageEvent.TimestampUs >= fromUs
                        && usageEvent.TimestampUs < toUs
                        && (request.Customer.Length == 0 || usageEvent.Customer == request.Customer)
                        && (types.Count == 0 || types.Contains(usageEvent.Type))
                    )
                    .ToArray();
                if (wanted.Length == 0)
                    continue;
                if (wanted.Length < batch.Events.Count)
                {
                    batch.Events.Clear();
                    batch.Events.AddRange(wanted);
                }

                await responseStream.WriteAsync(batch, ct);
            }

            if (page.Next is not { } next)
                return;
            place = next;
            // What lies behind the bound in bytes is read from the database in vain, so the next page of large batches has fewer.
            limit = page.Batches.Count < limit ? Math.Max(1, page.Batches.Count) : Math.Min(PageSize, limit * 2);
        }
    }

    public override async Task<ListBatchesResponse> ListBatches(ListBatchesRequest request, ServerCallContext context)
    {
        if (request.Limit is < 1 or > MaxListed)
            throw new RefusedException(Refusal.Invalid("limit", "out_of_range", $"'limit' must be 1 to {MaxListed}."));
        var ct = context.CancellationToken;
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ReadBatches, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, batch_id, received_at, event_count FROM usage_batches
            WHERE (received_at, batch_id) > ($1, $2) AND received_at < $3 ORDER BY received_at, batch_id LIMIT $4
            """
        );
        command
            .Bind(ToInstant(request.ReceivedAfter))
            .Bind(ParseId("after_batch_id", request.AfterBatchId))
            .Bind(ToInstant(request.ReceivedBefore))
            .Bind(request.Limit);
        var response = new ListBatchesResponse();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            response.Batches.Add(
                new BatchHeader
                {
                    OrgId = reader.GetGuid(0).ToString(),
                    BatchId = reader.GetGuid(1).ToString(),
                    ReceivedAt = Timestamp.FromDateTime(reader.GetFieldValue<Instant>(2).ToDateTimeUtc()),
                    EventCount = reader.GetInt32(3),
                }
            );
        }

        return response;
    }

    public override async Task GetBatches(
        GetBatchesRequest request,
        IServerStreamWriter<UsageBatch> responseStream,
        ServerCallContext context
    )
    {
        if (request.Batches.Count > MaxFetched)
            throw new RefusedException(Refusal.Invalid("batches", "count", $"'batches' must have at most {MaxFetched} entries."));
        var ct = context.CancellationToken;
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ReadBatches, ct);
        await using var command = tx.Command(
            """
            SELECT b.payload FROM unnest($1::uuid[], $2::uuid[]) k(org_id, batch_id)
            JOIN usage_batches b ON b.org_id = k.org_id AND b.batch_id = k.batch_id
            """
        );
        command
            .Bind<Guid[]>([.. request.Batches.Select(batch => ParseId("org_id", batch.OrgId))])
            .Bind<Guid[]>([.. request.Batches.Select(batch => ParseId("batch_id", batch.BatchId))]);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            await responseStream.WriteAsync(UsageBatch.Parser.ParseFrom(reader.GetFieldValue<byte[]>(0)), ct);
    }

    public override async Task<DigestEventsResponse> DigestEvents(DigestEventsRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var org = ParseId("org_id", request.OrgId);
        var tailFrom = request.TailFrom.Length == 0 ? Guid.AllBitsSet : ParseId("tail_from", request.TailFrom);
        await using var tx = await database.BeginOrgAsync(org, ct);
        // One index scan for both: the sums, and the batches from tail_from on one by one.
        await using var command = tx.Command(
            """
            SELECT bucket_start, sum(event_count)::bigint, sum(digest) % 18446744073709551616, partition,
              CASE WHEN batch_id >= $4 THEN batch_id END AS alone
            FROM usage_batch_buckets WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3
            GROUP BY bucket_start, partition, alone ORDER BY bucket_start LIMIT $5
            """
        );
        command
            .Bind(org)
            .Bind(Aligned("from", request.From))
            .Bind(Aligned("to", request.To))
            .Bind(tailFrom)
            .Bind(request.Limit > 0 ? request.Limit : int.MaxValue);
        var response = new DigestEventsResponse { Through = request.To };
        await ReadDigestsAsync(command, response.Buckets, ct);
        if (request.Limit == 0 || response.Buckets.Count < request.Limit)
            return response;
        // The limit may have cut the last bucket, so it is left to the next page.
        response.Through = response.Buckets[^1].BucketStart;
        while (response.Buckets.Count > 0 && response.Buckets[^1].BucketStart.Equals(response.Through))
            response.Buckets.RemoveAt(response.Buckets.Count - 1);
        if (response.Buckets.Count == 0)
            response.Through = request.From;
        return response;
    }

    public override async Task<ListBucketBatchesResponse> ListBucketBatches(ListBucketBatchesRequest request, ServerCallContext context)
    {
        if (request.Limit is < 1 or > MaxListed)
            throw new RefusedException(Refusal.Invalid("limit", "out_of_range", $"'limit' must be 1 to {MaxListed}."));
        var ct = context.CancellationToken;
        var org = ParseId("org_id", request.OrgId);
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            SELECT bucket_start, event_count::bigint, digest, partition, batch_id FROM usage_batch_buckets
            WHERE org_id = $1 AND bucket_start = $2 AND batch_id >= $3 AND batch_id > $4 ORDER BY batch_id LIMIT $5
            """
        );
        command
            .Bind(org)
            .Bind(Aligned("bucket_start", request.BucketStart))
            .Bind(request.FromBatchId.Length == 0 ? Guid.Empty : ParseId("from_batch_id", request.FromBatchId))
            .Bind(request.AfterBatchId.Length == 0 ? Guid.Empty : ParseId("after_batch_id", request.AfterBatchId))
            .Bind(request.Limit);
        var response = new ListBucketBatchesResponse();
        await ReadDigestsAsync(command, response.Batches, ct);
        return response;
    }

    public override async Task<FindOrgResponse> FindOrg(FindOrgRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ReadBatches, ct);
        await using var command = tx.Command("SELECT org_id FROM usage_batch_buckets WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Bind(request.AfterOrgId.Length == 0 ? Guid.Empty : ParseId("after_org_id", request.AfterOrgId));
        return new FindOrgResponse { OrgId = await command.ExecuteScalarAsync(ct) is Guid org ? org.ToString() : "" };
    }

    private static async Task ReadDigestsAsync(
        NpgsqlCommand command,
        Google.Protobuf.Collections.RepeatedField<BucketDigest> digests,
        CancellationToken ct
    )
    {
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            digests.Add(
                new BucketDigest
                {
                    BucketStart = Timestamp.FromDateTime(reader.GetFieldValue<Instant>(0).ToDateTimeUtc()),
                    EventCount = reader.GetInt64(1),
                    Digest = decimal.ToUInt64(reader.GetDecimal(2)),
                    Partition = reader.GetInt32(3),
                    BatchId = await reader.IsDBNullAsync(4, ct) ? "" : reader.GetGuid(4).ToString(),
                }
            );
        }
    }

    private sealed record Span(Instant From, Instant To, int? Partition);

    /// <summary>A place in the order in which a span is read: by bucket, then by batch.</summary>
    private sealed record Place(Instant Bucket, Guid Batch);

    /// <summary>Some batches, and where the next page begins; null after the last.</summary>
    private sealed record BatchPage(List<UsageBatch> Batches, Place? Next);

    /// <summary>
    /// Continues in the index at (bucket, batch), so that all pages together read each entry once. A batch is read at its first bucket of
    /// the span and skipped at the others.
    /// </summary>
    private async Task<BatchPage> PageAsync(Guid org, Span span, Place after, int limit, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            $"""
            SELECT b.payload, k.bucket_start, k.batch_id FROM (
              SELECT bucket_start, batch_id FROM usage_batch_buckets
              WHERE org_id = $1 AND (bucket_start, batch_id) > ($4, $5) AND bucket_start < $3
                AND (previous_bucket IS NULL OR previous_bucket < $2) {(span.Partition is null ? "" : "AND partition = $7")}
              ORDER BY bucket_start, batch_id LIMIT $6) k
            CROSS JOIN LATERAL (SELECT payload FROM usage_batches b WHERE b.org_id = $1 AND b.batch_id = k.batch_id OFFSET 0) b
            ORDER BY k.bucket_start, k.batch_id
            """
        );
        command.Bind(org).Bind(span.From).Bind(span.To).Bind(after.Bucket).Bind(after.Batch).Bind(limit);
        if (span.Partition is { } only)
            command.Bind(only);
        var (page, last, bytes) = (new List<UsageBatch>(), after, 0L);
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (bytes < PageBytes && await reader.ReadAsync(ct))
            {
                var payload = reader.GetFieldValue<byte[]>(0);
                bytes += payload.Length;
                last = new Place(reader.GetFieldValue<Instant>(1), reader.GetGuid(2));
                page.Add(UsageBatch.Parser.ParseFrom(payload));
            }
        }

        var next = page.Count == limit || bytes >= PageBytes ? last : null;
        var corrected = await EventCorrections.OfBatchesAsync(
            tx,
            [org],
            page.Select(batch => new Guid(batch.BatchId.Span, bigEndian: true)),
            ct
        );
        if (corrected.Count == 0)
            return new BatchPage(page, next);
        foreach (var stored in page.SelectMany(batch => batch.Events))
        {
            if (corrected.TryGetValue((org, stored.IdempotencyKey), out var by))
                stored.CorrectedBy = ByteString.CopyFrom(by.BatchId.ToByteArray(bigEndian: true));
        }

        return new BatchPage(page, next);
    }

    private static Instant ToInstant(Timestamp? timestamp) =>
        timestamp is null ? NodaConstants.UnixEpoch : Instant.FromDateTimeOffset(timestamp.ToDateTimeOffset());

    private static Instant Aligned(string field, Timestamp? timestamp)
    {
        var instant = ToInstant(timestamp);
        return instant.ToUnixTimeTicks() / 10 % Buckets.SizeMicroseconds == 0
            ? instant
            : throw new RefusedException(Refusal.Invalid(field, "not_aligned", $"'{field}' must be a multiple of 15 minutes."));
    }

    private static Guid ParseId(string field, string text) =>
        Guid.TryParse(text, out var id)
            ? id
            : throw new RefusedException(Refusal.Invalid(field, "invalid_id", $"'{field}' must be a UUID."));
}
