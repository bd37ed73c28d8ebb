using System.Reflection;
using System.Security.Cryptography;
using Confluent.Kafka;
using Google.Protobuf;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Features.Relay;
using Polaris.Ingestion.Features.Replay;
using Polaris.Ingestion.Persistence;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Persistence;
using Polaris.Usage.V1;
using Xunit;
using Metadata = Grpc.Core.Metadata;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;

namespace Polaris.Tests.Ingestion;

/// <summary>
/// Pages of stored batches are bounded in bytes, and together they have each batch once. On a database of its own (real PostgreSQL, the
/// owner).
/// </summary>
public sealed class PagingBytesTests(PolarisApp polaris) : PlatformTests
{
    private static readonly Instant Start = Instant.FromUtc(2026, 3, 1, 0, 0);

    public class Broker : DispatchProxy
    {
        public List<byte[]> Sent { get; } = [];

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            lock (Sent)
                Sent.Add(((Message<byte[], byte[]>)args![1]!).Value);
            return Task.FromResult(new DeliveryResult<byte[], byte[]>());
        }
    }

    private sealed class Collected : IServerStreamWriter<UsageBatch>
    {
        public List<UsageBatch> Batches { get; } = [];

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(UsageBatch message)
        {
            Batches.Add(message);
            return Task.CompletedTask;
        }
    }

    private sealed class Call : ServerCallContext
    {
        protected override string MethodCore => "";
        protected override string HostCore => "";
        protected override string PeerCore => "";
        protected override DateTime DeadlineCore => DateTime.MaxValue;
        protected override Metadata RequestHeadersCore => [];
        protected override CancellationToken CancellationTokenCore => default;
        protected override Metadata ResponseTrailersCore => [];
        protected override Status StatusCore { get; set; }
        protected override WriteOptions? WriteOptionsCore { get; set; }
        protected override AuthContext AuthContextCore => new(null, []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
            throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }

    private static ByteString Bytes(Guid id) => ByteString.CopyFrom(id.ToByteArray(bigEndian: true));

    /// <summary>A batch with an event in each of the buckets, by their number after the start.</summary>
    private static UsageBatch Batch(Guid org, int[] buckets, int bytes)
    {
        var batch = new UsageBatch { OrgId = Bytes(org), BatchId = Bytes(Guid.CreateVersion7()) };
        batch.Events.AddRange(
            buckets.Select(bucket => new UsageEvent
            {
                IdempotencyKey = $"{bucket}",
                Type = "call",
                Customer = "acme",
                TimestampUs = (Start + bucket * Buckets.Size).ToUnixTimeTicks() / 10,
                ContentHash = ByteString.CopyFrom(new byte[16]),
                Properties = ByteString.CopyFrom(new byte[bytes / buckets.Length]),
            })
        );
        return batch;
    }

    private async Task InDatabaseAsync(Func<NpgsqlDataSource, Task> act)
    {
        var name = $"ingestion_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        await using var owner = await polaris.OpenDatabaseAsync("ingestiondb", ";Persist Security Info=true");
        var text = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Database = name, Pooling = true }.ConnectionString;
        await MigrateVerb.RunAsync<IngestionDbContext>(
            ["migrate", $"--ConnectionStrings:database={text}"],
            options => new IngestionDbContext(options)
        );
        try
        {
            await using var database = DatabaseExtensions.BuildSource(text, "database");
            await act(database);
        }
        finally
        {
            await using var drop = new NpgsqlCommand($"DROP DATABASE {name} WITH (FORCE)", owner);
            await drop.ExecuteNonQueryAsync();
        }
    }

    private static async Task StoreAsync(NpgsqlDataSource database, Guid org, IReadOnlyList<UsageBatch> batches)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            """
            WITH stored AS (
              INSERT INTO usage_batches (org_id, batch_id, partition, event_count, received_at, payload)
              SELECT $1, b.id, 0, 1, now(), b.payload FROM unnest($2::uuid[], $3::bytea[]) b(id, payload)),
            waiting AS (INSERT INTO outbox (org_id, batch_id, partition) SELECT $1, b.id, 0 FROM unnest($2::uuid[]) b(id))
            INSERT INTO usage_batch_buckets (org_id, bucket_start, batch_id, partition, event_count, digest, previous_bucket)
            SELECT $1, k.start, k.id, 0, 1, 0, lag(k.start) OVER (PARTITION BY k.id ORDER BY k.start)
            FROM unnest($4::uuid[], $5::timestamptz[]) k(id, start)
            """,
            connection
        );
        var buckets = batches
            .SelectMany(batch =>
                batch.Events.Select(stored => (Id: IdOf(batch), At: Buckets.FromMicroseconds(Buckets.StartOf(stored.TimestampUs))))
            )
            .ToArray();
        command
            .Bind(org)
            .BindColumn(batches, IdOf)
            .BindColumn(batches, batch => batch.ToByteArray())
            .BindColumn(buckets, bucket => bucket.Id)
            .BindColumn(buckets, bucket => bucket.At);
        await command.ExecuteNonQueryAsync();
    }

    private static Guid IdOf(UsageBatch batch) => new(batch.BatchId.Span, bigEndian: true);

    [Fact]
    public Task The_relay_reads_sixteen_megabytes_at_a_time_and_publishes_all_in_order() =>
        InDatabaseAsync(async database =>
        {
            var org = Guid.CreateVersion7();
            var batches = Enumerable.Range(0, 50).Select(_ => Batch(org, [0], 900_000)).OrderBy(IdOf).ToArray();
            foreach (var some in batches.Chunk(10))
                await StoreAsync(database, org, some);
            var broker = DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>();
            var sent = ((Broker)(object)broker).Sent;
            await using var relay = new UsageRelay(database, broker, new RelaySignal(), TimeProvider.System);
            var turns = 0;
            do
            {
                var before = sent.Count;
                var wait = await relay.RunOnceAsync(default);
                Assert.InRange(sent.Skip(before).Sum(payload => (long)payload.Length), 1, UsageRelay.PageBytes + 1_000_000);
                Assert.Equal(sent.Count == batches.Length ? wait : TimeSpan.Zero, wait);
                turns++;
            } while (sent.Count < batches.Length);
            Assert.InRange(turns, 3, 5);
            Assert.Equal(batches.Select(IdOf), sent.Select(payload => IdOf(UsageBatch.Parser.ParseFrom(payload))));
        });

    [Theory]
    [InlineData(230, 100)]
    [InlineData(20, 900_000)]
    public Task Every_event_of_a_span_is_streamed_once_whatever_buckets_its_batch_has(int count, int bytes) =>
        InDatabaseAsync(async database =>
        {
            var org = Guid.CreateVersion7();
            // Before, within, across and after the span of the buckets 4 to 7.
            int[][] shapes =
            [
                [1],
                [3, 4],
                [5],
                [4, 5, 6, 7],
                [2, 9],
                [0, 7, 8],
                [8],
            ];
            var batches = Enumerable.Range(0, count).Select(i => Batch(org, shapes[i % shapes.Length], bytes)).ToArray();
            foreach (var some in batches.Chunk(10))
                await StoreAsync(database, org, some);
            var answer = new Collected();
            await new IngestionGrpcService(database).StreamEvents(
                new StreamEventsRequest
                {
                    OrgId = org.ToString(),
                    From = Timestamp.FromDateTime((Start + 4 * Buckets.Size).ToDateTimeUtc()),
                    To = Timestamp.FromDateTime((Start + 8 * Buckets.Size).ToDateTimeUtc()),
                },
                answer,
                new Call()
            );
            var expected = batches
                .SelectMany(
                    (batch, i) =>
                        shapes[i % shapes.Length].Where(bucket => bucket is >= 4 and < 8).Select(bucket => (IdOf(batch), $"{bucket}"))
                )
                .Order()
                .ToArray();
            Assert.Equal(
                expected,
                answer.Batches.SelectMany(batch => batch.Events.Select(stored => (IdOf(batch), stored.IdempotencyKey))).Order()
            );
        });
}
