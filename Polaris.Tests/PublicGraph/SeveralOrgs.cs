using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Google.Protobuf;
using Npgsql;
using Polaris.Plans.V1;
using Polaris.Tests.Tenancy;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// A person who owns one org, views many others and is in none of the last, each with customers, subscriptions, invoices, a plan, a meter
/// and events. The subgraphs are asked directly, as a router asks them.
/// </summary>
public sealed class SeveralOrgs(PolarisApp polaris) : IAsyncLifetime
{
    public const int Count = 20;
    public const string Span = "from: \"2015-05-01T00:00:00Z\", to: \"2015-06-01T00:00:00Z\"";

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private Tenant owned = null!;
    private Tenant strange = null!;
    private LeakTokens tokens = null!;

    /// <summary>The person's orgs; the first is their own and that of the token.</summary>
    public Guid[] Orgs { get; private set; } = [];

    /// <summary>Somebody else's.</summary>
    public Guid Stranger => strange.OrgId;

    public Guid Person { get; private set; }

    public string Token { get; private set; } = "";

    public Tenant Owned => owned;

    internal Known Known => Known.Missing() with { Org = owned.OrgId.ToString(), User = Person.ToString() };

    internal LeakTokens Tokens => tokens;

    public static Guid Version(Guid org) => Numbered(org, 1);

    public async ValueTask InitializeAsync()
    {
        await polaris.StartedAsync();
        tokens = await LeakTokens.OfAsync(new LeakPlatform(polaris.App, polaris.State));
        (owned, strange) = (await polaris.SignUpAsync(), await polaris.SignUpAsync());
        Person = await polaris.ScalarAsync<Guid>("identitydb", "SELECT user_id FROM memberships WHERE org_id = $1", owned.OrgId);
        Orgs = [owned.OrgId, .. Enumerable.Range(1, Count - 1).Select(_ => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()))];
        foreach (var org in Orgs[1..])
        {
            await RunAsync(
                "identitydb",
                "INSERT INTO orgs (org_id, name, currency, time_zone, sandbox, created_at) VALUES ($1, $2, 'EUR', 'UTC', true, now())",
                org,
                $"Org {org:N}"
            );
            await RunAsync(
                "identitydb",
                "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'viewer', now())",
                org,
                Person
            );
        }

        foreach (var org in Orgs.Append(Stranger))
            await FillAsync(org);
        Token = tokens.Of("read billing admin", Known);
    }

    public ValueTask DisposeAsync()
    {
        tokens?.Dispose();
        owned?.Dispose();
        strange?.Dispose();
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    public Uri Service(string name) => polaris.App.GetEndpoint(name, "http");

    public Task RunAsync(string database, string sql, params object[] values) => polaris.ScalarAsync<object>(database, sql, values);

    /// <summary>The whole answer of a subgraph.</summary>
    public async Task<JsonElement> AskAsync(Uri subgraph, string token, string query, object? variables = null, string? traceParent = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(subgraph, "/graphql"))
        {
            Content = JsonContent.Create(new { query, variables }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (traceParent is not null)
            request.Headers.Add("traceparent", traceParent);
        using var response = await http.SendAsync(request);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Entities by their keys, as a router asks for them.</summary>
    public Task<JsonElement> EntitiesAsync(
        Uri subgraph,
        string token,
        string type,
        string selection,
        IEnumerable<object> keys,
        string? traceParent = null
    ) =>
        AskAsync(
            subgraph,
            token,
            $"query($keys: [_Any!]!) {{ _entities(representations: $keys) {{ ... on {type} {{ {selection} }} }} }}",
            new { keys },
            traceParent
        );

    public static IEnumerable<object> Organizations(IEnumerable<Guid> orgs) =>
        orgs.Select(org => new { __typename = "Organization", id = org });

    /// <summary>What the org's id and those that are <see cref="Numbered"/> have in common.</summary>
    public static string MarkOf(Guid org) => org.ToString()[4..];

    /// <summary>An id of the org that can be told in advance.</summary>
    public static Guid Numbered(Guid org, int number)
    {
        var bytes = org.ToByteArray(bigEndian: true);
        (bytes[0], bytes[1]) = (0xee, (byte)number);
        return new Guid(bytes, bigEndian: true);
    }

    private async Task FillAsync(Guid org)
    {
        var (plan, version, meter) = (Numbered(org, 0), Version(org), Numbered(org, 2));
        await RunAsync(
            "plansdb",
            """
            INSERT INTO plans (org_id, id, created_at, currency, "interval", key, name) VALUES ($1, $2, now(), 'EUR', 'MONTH', 'pro', 'Pro')
            """,
            org,
            plan
        );
        await RunAsync(
            "plansdb",
            """
            INSERT INTO plan_versions (org_id, id, plan_id, number, status, charges, hash, created_at, published_at)
            VALUES ($1, $2, $3, 1, 'PUBLISHED', '[]', 'none', now(), now())
            """,
            org,
            version,
            plan
        );
        await RunAsync(
            "plansdb",
            """
            INSERT INTO meters (org_id, id, aggregation, created_at, event_type, filters, key, name)
            VALUES ($1, $2, 'WeightedSum', now(), 'seat', '[]', 'seats', 'Seats')
            """,
            org,
            meter
        );
        var message = new Meter
        {
            Id = meter.ToString(),
            Key = "seats",
            EventType = "seat",
            Aggregation = Aggregation.WeightedSum,
            Property = "n",
        };
        await RunAsync(
            "billingdb",
            "INSERT INTO meters (org_id, id, key, message, filled) VALUES ($1, $2, 'seats', $3, true)",
            org,
            meter,
            message.ToByteArray()
        );
        await RunAsync(
            "billingdb",
            """
            INSERT INTO customers (org_id, id, created_at, hard_stop, key, name)
            SELECT $1, gen_random_uuid(), now(), false, 'c' || n, 'Customer ' || n || ' of ' || $2 FROM generate_series(0, 19) n
            """,
            org,
            org.ToString()
        );
        await RunAsync(
            "billingdb",
            """
            INSERT INTO subscriptions (org_id, id, customer_key, plan_key, plan_version_id, start_at, "interval", anchor_day, anchor_month,
              time_zone, credit_unused, created_at, held_tries)
            SELECT $1, gen_random_uuid(), 'c' || n, 'pro', $2, '2015-01-01', 'Month', 1, 1, 'UTC', true, now(), 0
            FROM generate_series(0, 19) n
            """,
            org,
            version
        );
        await RunAsync(
            "billingdb",
            """
            INSERT INTO invoices (org_id, id, sequence, subscription_id, customer_key, status, currency, period_start, period_end, total,
              tax, plan_version_id, plan_version_hash, engine_version, result_hash, stale, created_at, drafted_at, amount_due,
              balance_applied, credits_applied, credited, amount_paid)
            SELECT s.org_id, gen_random_uuid(), 1000 + row_number() OVER (), s.id, s.customer_key, 'finalized', 'EUR',
              make_date(2015, m, 1), make_date(2015, m + 1, 1), 10, 1, s.plan_version_id, '', '', '', false, now(), now(), 0, 0, 0, 0, 0
            FROM subscriptions s, generate_series(1, 3) m WHERE s.org_id = $1
            """,
            org
        );
        // Nothing here is to be sent: the endpoint is disabled, and what it got is delivered.
        await RunAsync(
            "notificationsdb",
            """
            INSERT INTO endpoints (org_id, id, url, description, kinds, in_order, status, secret, created_at)
            VALUES ($1, $2, 'https://receiver.invalid/', 'Endpoint of ' || $3, '{}', false, 'disabled', '', now())
            """,
            org,
            Numbered(org, 4),
            org.ToString()
        );
        await RunAsync(
            "notificationsdb",
            """
            INSERT INTO deliveries (org_id, id, queue_id, event_id, kind, channel, recipient, status, attempts, tries, next_at, created_at,
              finished_at)
            SELECT $1, gen_random_uuid(), $1, gen_random_uuid(), 'invoice.finalized', 'email', 'somebody of ' || $2, 'delivered', 1, 1,
              now(), now(), now()
            FROM generate_series(1, 5)
            """,
            org,
            org.ToString()
        );
        await RunAsync(
            "notificationsdb",
            """
            INSERT INTO attempts (org_id, delivery_id, number, at, milliseconds, status_code, response)
            SELECT org_id, id, 1, now(), 5, 250, 'accepted of ' || $2 FROM deliveries
            WHERE org_id = $1 AND kind = 'invoice.finalized'
            """,
            org,
            org.ToString()
        );
        var (batch, received) = (Numbered(org, 3), TimeProvider.System.GetUtcNow());
        var events = new UsageBatch
        {
            BatchId = ByteString.CopyFrom(batch.ToByteArray(bigEndian: true)),
            OrgId = ByteString.CopyFrom(org.ToByteArray(bigEndian: true)),
            ReceivedAtUs = received.ToUnixTimeMilliseconds() * 1_000,
        };
        for (var i = 0; i < 20; i++)
            events.Events.Add(
                new UsageEvent
                {
                    IdempotencyKey = $"event {i} of {org}",
                    Type = "other",
                    Customer = $"c{i}",
                    TimestampUs = events.ReceivedAtUs,
                    Properties = ByteString.CopyFromUtf8("""{"n":12345678901234567890.5}"""),
                    ContentHash = ByteString.CopyFrom(SHA256.HashData(org.ToByteArray()).AsSpan(0, 16)),
                }
            );
        await RunAsync(
            "ingestiondb",
            """
            INSERT INTO usage_batches (org_id, batch_id, partition, event_count, received_at, payload) VALUES ($1, $2, 0, 20, $3, $4)
            """,
            org,
            batch,
            received,
            events.ToByteArray()
        );
    }
}
