using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Polaris.Bench.Load;

/// <summary>
/// A naive service: one statement and one commit per event, with its outbox record. It has no authentication, validation, digests or
/// consumers, so it is a baseline for what group commit gains behind HTTP.
/// </summary>
internal sealed class OneRowService : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly NpgsqlDataSource source;
    private readonly Guid org = Guid.CreateVersion7();

    private OneRowService(string database, int connections)
    {
        source = NpgsqlDataSource.Create($"{database};Maximum Pool Size={connections};Max Auto Prepare=10;No Reset On Close=true");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.MapPost("/ingest", HandleAsync);
    }

    public Uri Url => new(app.Urls.First());

    /// <param name="database">A connection string; the tables are those of <see cref="Ceiling"/>.</param>
    /// <param name="connections">Maximum concurrent statements.</param>
    public static async Task<OneRowService> StartAsync(string database, int connections)
    {
        var service = new OneRowService(database, connections);
        // Opening connections is not measured.
        foreach (var one in await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => service.source.OpenConnectionAsync().AsTask())))
            await one.DisposeAsync();
        await service.app.StartAsync();
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await source.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var sent =
            await JsonSerializer.DeserializeAsync(context.Request.Body, OneRowJson.Default.SentEvent, context.RequestAborted)
            ?? throw new BadHttpRequestException("The body has no event.");
        await using var command = source.CreateCommand(
            """
            WITH fresh AS (
              INSERT INTO events (org_id, idempotency_key, type, customer, at, properties, batch_id, received_at)
              VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, now()) ON CONFLICT DO NOTHING RETURNING org_id, batch_id)
            INSERT INTO outbox (org_id, batch_id) SELECT org_id, batch_id FROM fresh
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sent.IdempotencyKey });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sent.Type });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sent.Customer });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = sent.Timestamp.UtcDateTime });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sent.Properties.GetRawText() });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
        var accepted = await command.ExecuteNonQueryAsync(context.RequestAborted);
        var answer = JsonSerializer.SerializeToUtf8Bytes(new CountedEvents(accepted, 1 - accepted), OneRowJson.Default.CountedEvents);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentLength = answer.Length;
        await context.Response.Body.WriteAsync(answer, context.RequestAborted);
    }
}

internal sealed record SentEvent(string IdempotencyKey, string Type, string Customer, DateTimeOffset Timestamp, JsonElement Properties);

internal sealed record CountedEvents(int Accepted, int Duplicates);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SentEvent))]
[JsonSerializable(typeof(CountedEvents))]
internal sealed partial class OneRowJson : JsonSerializerContext;
