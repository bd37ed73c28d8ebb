using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.ServiceDefaults.Audit;

/// <summary>What a mutation acts on, and with what.</summary>
/// <param name="Subject">The id or key that its input names first; null when it names none.</param>
/// <param name="Detail">Its input as JSON.</param>
public sealed record AuditedInput(string? Subject, string Detail);

/// <summary>
/// The mutation of a request. GraphQL's root guard begins it; the context that a mutation writes with (<see cref="PolarisDbContext"/>)
/// stores its entries in the very transaction that writes, just before the commit. So no use case can forget its entry, and there is none
/// without a change: a repeated mutation that changes nothing leaves none.
/// </summary>
public sealed class MutationAudit(TimeProvider time)
{
    /// <summary>Characters of an entry's detail; a longer input is left out, with its length.</summary>
    public const int MaxDetailLength = 8_192;

    /// <summary>Entries of one mutation: one for each element of its list.</summary>
    public const int MaxEntries = 1_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(), new InstantText() },
        NumberHandling = JsonNumberHandling.Strict,
        MaxDepth = 64,
    };

    /// <summary>What names the thing that an input is about, the first that is there.</summary>
    private static readonly string[] Subjects = ["subscriptionId", "invoiceId", "id", "key", "planKey", "customer", "meter", "coupon"];

    private sealed record Pending(string Action, (string Kind, string? Id) Actor, IReadOnlyList<AuditedInput> Inputs);

    private Pending? pending;

    /// <summary>Whether a mutation runs that has no entry yet.</summary>
    public bool IsPending => pending is not null;

    /// <summary>Begins a mutation, which ends when the result is disposed.</summary>
    /// <param name="action">The name of the mutation's field.</param>
    /// <param name="caller">Who acts.</param>
    /// <param name="arguments">Its arguments by name.</param>
    public void Begin(string action, ClaimsPrincipal? caller, IEnumerable<KeyValuePair<string, object?>> arguments) =>
        pending = new Pending(action, AuditActor.Of(caller), InputsOf(arguments));

    /// <summary>The mutation is over, or its entries are committed: what else is written in the request is not its own.</summary>
    public void End() => pending = null;

    /// <summary>
    /// Stores the mutation's entries if the transaction has written anything; the caller commits, and then calls <see cref="End"/>.
    /// </summary>
    /// <returns>Whether it stored them.</returns>
    public async Task<bool> StoreAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Guid org, CancellationToken ct)
    {
        if (pending is not { } mutation)
            return false;
        var now = time.GetUtcNow();
        // PostgreSQL gives a transaction a number when it first writes; reading and advisory locks need none.
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO audit_log (org_id, id, at, action, actor_kind, actor_id, subject, detail)
            SELECT $1, n.id, $2, $3, $4, $5, n.subject, n.detail::jsonb
            FROM unnest($6::uuid[], $7::text[], $8::text[]) n(id, subject, detail)
            WHERE pg_current_xact_id_if_assigned() IS NOT NULL
            """,
            connection,
            transaction
        );
        command
            .Bind(org)
            .Bind(Instant.FromDateTimeOffset(now))
            .Bind(mutation.Action)
            .Bind(mutation.Actor.Kind)
            .Bind(mutation.Actor.Id)
            .BindColumn(mutation.Inputs, _ => Guid.CreateVersion7(now))
            .BindColumn(mutation.Inputs, input => input.Subject)
            .BindColumn(mutation.Inputs, input => input.Detail);
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    /// <summary>An entry for each element of a list of inputs or ids, else one.</summary>
    internal static IReadOnlyList<AuditedInput> InputsOf(IEnumerable<KeyValuePair<string, object?>> arguments)
    {
        var all = new JsonObject(
            arguments
                .Where(argument => argument.Value is not null)
                .Select(argument => KeyValuePair.Create(argument.Key, JsonSerializer.SerializeToNode(argument.Value, Json)))
        );
        if (
            all.Where(property => IsList(property.Key)).Select(property => property.Value).OfType<JsonArray>().FirstOrDefault()
            is not { Count: > 0 } list
        )
            return [Input(all["input"] as JsonObject ?? all, all)];
        return
        [
            .. list.Take(MaxEntries)
                .Select(element =>
                    element as JsonObject is { } one ? Input(one, one) : new AuditedInput(element?.ToString(), Text(all, list))
                ),
        ];
    }

    /// <summary>Whether an argument's elements are what is acted on: several inputs, or ids. Other lists are a part of one input.</summary>
    private static bool IsList(string argument) =>
        argument == "input" || argument == "ids" || argument.EndsWith("Ids", StringComparison.Ordinal);

    private static AuditedInput Input(JsonObject named, JsonObject all) =>
        new(
            Subjects.Select(name => named[name] as JsonValue).FirstOrDefault(value => value is not null)?.ToString(),
            Text(all["input"] is JsonObject input && all.Count == 1 ? input : all, null)
        );

    /// <summary>The input's text, without a list whose elements have entries of their own.</summary>
    private static string Text(JsonObject input, JsonArray? without)
    {
        var shown = without is null
            ? input
            : new JsonObject(
                input
                    .Where(property => property.Value != without)
                    .Select(property => KeyValuePair.Create(property.Key, property.Value?.DeepClone()))
            );
        // Neither text nor jsonb holds U+0000; what would store one is refused by its use case.
        var text = shown.ToJsonString(Json).Replace("\\u0000", "\\ufffd", StringComparison.Ordinal);
        return text.Length <= MaxDetailLength ? text : new JsonObject { ["leftOut"] = text.Length }.ToJsonString();
    }

    private sealed class InstantText : JsonConverter<Instant>
    {
        public override Instant Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Instant value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
