using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using Xunit;

namespace Polaris.Tests.Tenancy;

/// <summary>What a caller can name of an org: keys that the org chose, ids that Polaris made.</summary>
internal sealed record Known
{
    public required string Org { get; init; }

    /// <summary>The org's owner.</summary>
    public required string User { get; init; }

    /// <summary>Somebody else in the org.</summary>
    public required string Member { get; init; }
    public required string Invitation { get; init; }
    public required string Meter { get; init; }
    public required string Customer { get; init; }
    public required string Plan { get; init; }
    public required string Event { get; init; }
    public required string Version { get; init; }
    public required string SpareVersion { get; init; }
    public required string Subscription { get; init; }
    public required string Invoice { get; init; }
    public required string Batch { get; init; }
    public required string SpareKey { get; init; }
    public required string SpareSecret { get; init; }
    public required string DeadLetter { get; init; }

    /// <summary>Keys and ids that no org has.</summary>
    public static Known Missing() => new()
    {
        Org = Guid.CreateVersion7().ToString(),
        User = Guid.CreateVersion7().ToString(),
        Member = Guid.CreateVersion7().ToString(),
        Invitation = Guid.CreateVersion7().ToString(),
        Meter = "missing_meter",
        Customer = "missing_customer",
        Plan = "missing_plan",
        Event = "missing_event",
        Version = Guid.CreateVersion7().ToString(),
        SpareVersion = Guid.CreateVersion7().ToString(),
        Subscription = Guid.CreateVersion7().ToString(),
        Invoice = Guid.CreateVersion7().ToString(),
        Batch = Guid.CreateVersion7().ToString(),
        SpareKey = Guid.CreateVersion7().ToString(),
        SpareSecret = "pk_00000000_" + new string('0', 40),
        DeadLetter = Guid.CreateVersion7().ToString(),
    };

    public IEnumerable<string> Values() => typeof(Known).GetProperties().Select(property => (string)property.GetValue(this)!);
}

/// <summary>
/// One of two orgs that hold alike data: the same keys for meter, plan, customer and event, other ids. Every text that its people wrote holds
/// its <see cref="Marker"/>, and its quantities are its own. Beside that each has things under keys that the other does not use.
/// </summary>
internal sealed class LeakOrg
{
    public const string Start = "2015-05-01T00:00:00Z";
    public const string End = "2015-06-01T00:00:00Z";
    public const string EventTime = "2015-05-10T10:05:00Z";
    public const long EventTimeUs = 1431252300000000;

    private LeakOrg(Tenant tenant, string marker, int quantity) => (Tenant, Marker, Quantity) = (tenant, marker, quantity);

    public Tenant Tenant { get; }

    public string Marker { get; }

    /// <summary>In the texts of the second customer, whom the first one's token must not show.</summary>
    public string OtherCustomerMarker => Marker.Replace("marker", "second", StringComparison.Ordinal);

    public int Quantity { get; }

    public int OtherCustomerQuantity => Quantity + 20_000_000;

    /// <summary>Named by the keys that both orgs use.</summary>
    public Known Alike { get; private set; } = null!;

    /// <summary>Named by the keys that only this org uses.</summary>
    public Known Private { get; private set; } = null!;

    public static async Task<LeakOrg> SeedAsync(LeakPlatform platform, LeakTokens tokens, string name, int quantity)
    {
        var marker = $"marker-{name}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
        using var owner = await Tenant.SignUpAsync(platform.Gateway, $"Org {marker}");
        var org = new LeakOrg(await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true), marker, quantity);
        await org.CreateAsync("alike", org.Marker, org.Quantity);
        await org.CreateAsync("private_" + name, org.OtherCustomerMarker, org.OtherCustomerQuantity);
        await platform.UntilAsync("counting", async () => await org.UsageAsync("alike") == quantity && await org.UsageAsync("private_" + name) == org.OtherCustomerQuantity);
        await org.Tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        await platform.UntilAsync("invoices and their deliveries", async () =>
            (await org.Tenant.QueryAsync("{ deliveries { id } }")).GetProperty("deliveries").GetArrayLength() >= 2);
        var dead = await org.PlantAsync(platform);
        (org.Alike, org.Private) = (await org.NameAsync(platform, tokens, "alike", dead), await org.NameAsync(platform, tokens, "private_" + name, dead));
        return org;
    }

    private async Task CreateAsync(string key, string marker, int quantity)
    {
        if (key == "alike") await Tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await Tenant.QueryAsync($$"""
            mutation { createMeter(input: {key: "{{key}}", name: "Meter {{marker}}", eventType: "{{key}}", aggregation: SUM, property: "amount"}) { id }
              createPlan(input: {key: "{{key}}", name: "Plan {{marker}}", currency: "EUR", interval: MONTH, publish: true, charges: [
                {key: "units", name: "Units {{marker}}", meter: "{{key}}", price: {model: PER_UNIT, unitPrice: "1"} }]}) { id }
              createPlanVersion(planKey: "{{key}}", charges: [{key: "flat", name: "Flat {{marker}}", price: {model: FLAT, amount: "1"} }]) { id }
              createCustomers(input: [{key: "{{key}}", name: "Customer {{marker}}", email: "{{marker}}@example.com"}]) { id }
              createApiKey(input: {name: "Spare {{marker}}", scopes: ["read"]}) { secret } }
            """);
        await Tenant.QueryAsync($$"""mutation { createSubscriptions(input: [{customer: "{{key}}", plan: "{{key}}", start: "{{Start}}"}]) { id } }""");
        var sent = await Tenant.IngestAsync(new { idempotency_key = key, type = key, customer = key, timestamp = EventTime, properties = new { amount = quantity, note = marker } });
        Assert.Equal(202, sent.Status);
    }

    private Task<decimal> UsageAsync(string key) => Tenant.UsageAsync(key, key, Start, End);

    /// <summary>What only a fault makes: a dead letter and a finding of the auditor.</summary>
    private async Task<string> PlantAsync(LeakPlatform platform)
    {
        var id = Guid.CreateVersion7();
        await using var connection = await platform.OpenDatabaseAsync("billingdb");
        await using var command = new NpgsqlCommand("""
            WITH letter AS (
              INSERT INTO dead_letters (org_id, id, cluster_id, topic, partition, record_offset, reason, payload, seen_at, attempts, resolved_at)
              VALUES ($1, $2, 'store', $3, 0, 0, $3, '\xff', now(), 1, now()))
            INSERT INTO audit_findings (org_id, id, kind, bucket_start, place, stored, expected, found_at, healed_at) VALUES ($1, $2, 'Bucket', '2015-05-10', $3, $3, $3, now(), now())
            """, connection);
        command.Parameters.AddWithValue(Tenant.OrgId);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(Marker);
        await command.ExecuteNonQueryAsync();
        return id.ToString();
    }

    private async Task<Known> NameAsync(LeakPlatform platform, LeakTokens tokens, string key, string deadLetter)
    {
        var data = await Tenant.QueryAsync(string.Create(CultureInfo.InvariantCulture, $$"""
            { plan(key: "{{key}}") { versions { id number } } subscriptions(customer: "{{key}}") { nodes { id } } invoices(customer: "{{key}}") { nodes { id total } }
              event(idempotencyKey: "{{key}}") { batchId } members { userId role } }
            """));
        var versions = data.GetProperty("plan").GetProperty("versions").EnumerateArray().OrderBy(version => version.GetProperty("number").GetInt32()).Select(Id).ToArray();
        var spare = await Tenant.QueryAsync("mutation { createApiKey(input: {name: \"Spare\", scopes: [\"read\"]}) { secret key { id } } }");
        var owner = data.GetProperty("members").EnumerateArray().First(member => member.GetProperty("role").GetString() == "owner").GetProperty("userId").GetString()!;
        var people = await InviteAsync(new Tenant(platform.Gateway, Tenant.OrgId.ToString(), tokens.Of("admin", Known.Missing() with { Org = Tenant.OrgId.ToString(), User = owner })), key);
        return new Known
        {
            Org = Tenant.OrgId.ToString(),
            User = owner,
            Member = people.Member,
            Invitation = people.Invitation,
            Meter = key,
            Customer = key,
            Plan = key,
            Event = key,
            Version = versions[0],
            SpareVersion = versions[1],
            Subscription = Id(data.GetProperty("subscriptions").GetProperty("nodes")[0]),
            Invoice = Id(data.GetProperty("invoices").GetProperty("nodes")[0]),
            Batch = data.GetProperty("event").GetProperty("batchId").GetString()!,
            SpareKey = Id(spare.GetProperty("createApiKey").GetProperty("key")),
            SpareSecret = spare.GetProperty("createApiKey").GetProperty("secret").GetString()!,
            DeadLetter = deadLetter,
        };
    }

    /// <summary>One who came, and one who is still invited.</summary>
    private async Task<(string Member, string Invitation)> InviteAsync(Tenant owner, string key)
    {
        using (owner)
        {
            async Task<JsonElement> InviteOneAsync(string who) => (await owner.QueryAsync($$"""
                mutation { createInvitation(input: {email: "{{who}}-{{key}}-{{Marker}}@example.com", role: "viewer"}) { token invitation { id } } }
                """)).GetProperty("createInvitation");
            var coming = await InviteOneAsync("member");
            var joined = await owner.QueryAsync($$"""mutation { acceptInvitation(input: {token: "{{coming.GetProperty("token").GetString()}}", password: "correct horse battery"}) { userId } }""");
            return (joined.GetProperty("acceptInvitation").GetProperty("userId").GetString()!, Id((await InviteOneAsync("guest")).GetProperty("invitation")));
        }
    }

    private static string Id(JsonElement node) => node.GetProperty("id").GetString()!;
}
