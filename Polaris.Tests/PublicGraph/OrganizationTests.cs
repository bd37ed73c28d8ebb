using System.Text.Json;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>Several orgs in one request: each under its own role, none that the caller is not in (docs/adr/0028).</summary>
public sealed class OrganizationTests(SeveralOrgs orgs, PolarisApp polaris) : PlatformTests, IClassFixture<SeveralOrgs>
{
    /// <summary>What each subgraph adds to an organization, and a text of the answer that only its own org has.</summary>
    private static readonly (string Subgraph, string Selection, Func<Guid, string> Mark)[] Parts =
    [
        ("identity", "id name", org => org.ToString()),
        ("plans", "id plans { current { id } } meters { id }", org => SeveralOrgs.Version(org).ToString()),
        (
            "billing",
            $"id customers(first: 2) {{ nodes {{ name }} }} invoices(first: 2) {{ totalCount nodes {{ customerKey }} }} "
                + $"subscriptions(first: 2) {{ totalCount nodes {{ planVersionId }} }} "
                + $"usage(meter: \"seats\", {SeveralOrgs.Span}) {{ eventCount }}",
            org => $"of {org}"
        ),
        (
            "notifications",
            "id webhooks { description } deliveries(first: 2) { hasNextPage nodes { recipient attempts { response } } }",
            org => $"of {org}"
        ),
        ("ingestion", "id recentEvents(limit: 3) { idempotencyKey properties }", org => $"of {org}"),
    ];

    private static readonly Guid Nobodys = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");

    [Fact]
    public async Task A_person_reads_each_of_their_orgs_and_any_other_like_one_that_is_not_there()
    {
        var (mine, others) = (orgs.Orgs[..3], new[] { orgs.Stranger, Nobodys });
        foreach (var (subgraph, selection, mark) in Parts)
        {
            var answer = await orgs.EntitiesAsync(
                orgs.Service(subgraph),
                orgs.Token,
                "Organization",
                selection,
                SeveralOrgs.Organizations([mine[1], .. others, mine[0], mine[2]])
            );
            var found = Entities(subgraph, answer);
            Assert.Equal([false, true, true, false, false], found.Select(one => one.ValueKind == JsonValueKind.Null));
            foreach (var (one, org) in new[] { (found[0], mine[1]), (found[3], mine[0]), (found[4], mine[2]) })
            {
                Assert.Equal(org.ToString(), one.GetProperty("id").GetString());
                Assert.Contains(mark(org), one.ToString(), StringComparison.Ordinal);
                Assert.All(mine.Except([org]), other => Assert.DoesNotContain(mark(other), one.ToString(), StringComparison.Ordinal));
            }

            Assert.DoesNotContain(mark(orgs.Stranger), answer.ToString(), StringComparison.Ordinal);
        }

        var identity = orgs.Service("identity");
        Assert.Equal(
            SeveralOrgs.Count,
            (await orgs.AskAsync(identity, orgs.Token, "{ organizations { id } }"))
                .GetProperty("data")
                .GetProperty("organizations")
                .GetArrayLength()
        );
        const string one_ = "query($id: ID!) { organization(id: $id) { id } }";
        Assert.Equal(
            (await orgs.AskAsync(identity, orgs.Token, one_, new { id = Nobodys })).ToString(),
            (await orgs.AskAsync(identity, orgs.Token, one_, new { id = orgs.Stranger })).ToString()
        );
        Assert.Contains(orgs.Orgs[1].ToString(), (await orgs.AskAsync(identity, orgs.Token, one_, new { id = orgs.Orgs[1] })).ToString());
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("plans")]
    [InlineData("ingestion")]
    [InlineData("billing")]
    [InlineData("notifications")]
    public async Task Whatever_an_org_leads_to_is_its_own_in_every_role(string subgraph)
    {
        // The first is the person's own; of the others, one of each role.
        var mine = orgs.Orgs[..4];
        foreach (var (org, role) in mine[1..].Zip((string[])["viewer", "billing", "admin"]))
            await orgs.RunAsync(
                "identitydb",
                "UPDATE memberships SET role = $3 WHERE org_id = $1 AND user_id = $2",
                org,
                orgs.Person,
                role
            );
        var paths = (await GraphPaths.ReadAsync(orgs, orgs.Service(subgraph))).PathsOf("Organization").ToArray();
        Assert.NotEmpty(paths);
        Guid[] all = [.. orgs.Orgs, orgs.Stranger];
        var shown = new HashSet<Guid>();
        foreach (var token in (string[])[orgs.Token, orgs.Tokens.Of("read", orgs.Known)])
        foreach (var path in paths)
        {
            var found = Entities(
                subgraph,
                await orgs.EntitiesAsync(
                    orgs.Service(subgraph),
                    token,
                    "Organization",
                    $"id {path}",
                    SeveralOrgs.Organizations([.. mine, orgs.Stranger])
                )
            );
            Assert.Equal(JsonValueKind.Null, found[^1].ValueKind);
            foreach (var (one, org) in found.Zip(mine))
            {
                // Everything that was put into an org has the end of its id.
                Assert.All(
                    all.Except([org]),
                    other => Assert.DoesNotContain(SeveralOrgs.MarkOf(other), one.ToString(), StringComparison.Ordinal)
                );
                if (one.ToString().Split(SeveralOrgs.MarkOf(org)).Length > 2)
                    shown.Add(org);
            }
        }

        // It is no empty promise: each was shown more of itself than its id.
        Assert.True(subgraph == "identity" || mine.All(shown.Contains), $"Only {shown.Count} orgs were shown anything.");
    }

    [Fact]
    public async Task A_root_field_reads_the_org_that_it_names_and_refuses_others_like_missing_ones()
    {
        var fields = new (string Subgraph, string Field, string Mark)[]
        {
            ("billing", "invoices(first: 1, orgId: \"ORG\") { nodes { customer { name } } }", "of ORG"),
            ("billing", $"usage(orgId: \"ORG\", meter: \"seats\", {SeveralOrgs.Span}) {{ eventCount }}", ""),
            ("plans", "plans(orgId: \"ORG\") { versions { orgId } }", "ORG"),
            ("plans", "meters(orgId: \"ORG\") { key }", ""),
        };
        foreach (var (subgraph, field, mark) in fields)
        {
            var other = await AskAsync(orgs.Orgs[1]);
            Assert.False(other.TryGetProperty("errors", out _), other.ToString());
            Assert.Contains(Named(mark, orgs.Orgs[1]), other.ToString(), StringComparison.Ordinal);
            var (stranger, nobody) = (await AskAsync(orgs.Stranger), await AskAsync(Nobodys));
            Assert.Equal("NOT_FOUND", stranger.GetProperty("errors")[0].GetProperty("extensions").GetProperty("code").GetString());
            Assert.Equal(nobody.ToString(), stranger.ToString());

            Task<JsonElement> AskAsync(Guid org) => orgs.AskAsync(orgs.Service(subgraph), orgs.Token, $"{{ {Named(field, org)} }}");
        }

        static string Named(string text, Guid org) => text.Replace("ORG", org.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_and_customers_tokens_keep_to_their_one_org()
    {
        var (own, other) = (orgs.Orgs[0], orgs.Orgs[1]);
        var customer = orgs.Tokens.Of("customer", orgs.Known, "c1");
        foreach (var (subgraph, selection, mark) in Parts)
        {
            var found = Entities(
                subgraph,
                await orgs.EntitiesAsync(
                    orgs.Service(subgraph),
                    orgs.Owned.ApiKey,
                    "Organization",
                    selection,
                    SeveralOrgs.Organizations([own, other])
                )
            );
            Assert.Contains(mark(own), found[0].ToString(), StringComparison.Ordinal);
            Assert.Equal(JsonValueKind.Null, found[1].ValueKind);

            var shown = (
                await orgs.EntitiesAsync(
                    orgs.Service(subgraph),
                    customer,
                    "Organization",
                    selection,
                    SeveralOrgs.Organizations([own, other])
                )
            ).ToString();
            Assert.DoesNotContain(mark(other), shown, StringComparison.Ordinal);
            // A customer sees its portal, not the org's lists.
            if (subgraph != "identity")
                Assert.Contains("missing_scope", shown, StringComparison.Ordinal);
            Assert.DoesNotContain("Customer 2", shown, StringComparison.Ordinal);
        }

        // Nor by the key of a customer or a plan version.
        foreach (
            var (subgraph, type, key) in new (string, string, object)[]
            {
                (
                    "billing",
                    "Customer",
                    new
                    {
                        __typename = "Customer",
                        orgId = own,
                        key = "c2",
                    }
                ),
                (
                    "plans",
                    "PlanVersion",
                    new
                    {
                        __typename = "PlanVersion",
                        orgId = own,
                        id = SeveralOrgs.Version(own),
                    }
                ),
            }
        )
        {
            var asked = await orgs.EntitiesAsync(orgs.Service(subgraph), customer, type, "__typename", [key]);
            Assert.Equal(JsonValueKind.Null, Entities(subgraph, asked)[0].ValueKind);
        }
    }

    [Fact]
    public async Task A_key_of_an_entity_finds_it_in_its_own_org_alone()
    {
        var (own, other) = (orgs.Orgs[0], orgs.Orgs[1]);
        var customers = Entities(
            "billing",
            await orgs.EntitiesAsync(
                orgs.Service("billing"),
                orgs.Token,
                "Customer",
                "name orgId invoices(first: 1) { totalCount } subscriptions { totalCount nodes { planVersion { id orgId } } }",
                new[] { own, other, orgs.Stranger, Nobodys }.Select(org => new
                {
                    __typename = "Customer",
                    orgId = org,
                    key = "c1",
                })
            )
        );
        Assert.Contains($"Customer 1 of {own}", customers[0].ToString(), StringComparison.Ordinal);
        Assert.Contains($"Customer 1 of {other}", customers[1].ToString(), StringComparison.Ordinal);
        Assert.Equal(3, customers[1].GetProperty("invoices").GetProperty("totalCount").GetInt32());
        Assert.Equal(1, customers[1].GetProperty("subscriptions").GetProperty("totalCount").GetInt32());
        Assert.All(customers[2..], one => Assert.Equal(JsonValueKind.Null, one.ValueKind));

        var versions = Entities(
            "plans",
            await orgs.EntitiesAsync(
                orgs.Service("plans"),
                orgs.Token,
                "PlanVersion",
                "id orgId number",
                new[] { (own, own), (other, other), (own, other), (orgs.Stranger, orgs.Stranger), (own, orgs.Stranger) }.Select(pair => new
                {
                    __typename = "PlanVersion",
                    orgId = pair.Item1,
                    id = SeveralOrgs.Version(pair.Item2),
                })
            )
        );
        Assert.Equal([false, false, true, true, true], versions.Select(one => one.ValueKind == JsonValueKind.Null));
    }

    [Fact]
    public async Task The_end_of_a_membership_or_session_ends_the_other_orgs_too()
    {
        // A member of their own, so that no other test loses it.
        var org = orgs.Orgs[^1];
        using var guest = await polaris.SignUpAsync();
        var person = await polaris.ScalarAsync<Guid>("identitydb", "SELECT user_id FROM memberships WHERE org_id = $1", guest.OrgId);
        await orgs.RunAsync(
            "identitydb",
            "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'viewer', now())",
            org,
            person
        );
        var token = orgs.Tokens.Of("read", orgs.Known with { Org = guest.OrgId.ToString(), User = person.ToString() });
        foreach (var (subgraph, selection, mark) in Parts)
            Assert.Contains(mark(org), (await OfAsync(subgraph, selection)).ToString(), StringComparison.Ordinal);

        await orgs.RunAsync("identitydb", "DELETE FROM memberships WHERE org_id = $1 AND user_id = $2", org, person);
        foreach (var (subgraph, selection, _) in Parts)
            Assert.Equal(JsonValueKind.Null, Entities(subgraph, await OfAsync(subgraph, selection))[0].ValueKind);

        await orgs.RunAsync(
            "identitydb",
            "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'viewer', now())",
            org,
            person
        );
        await orgs.RunAsync("identitydb", "UPDATE sessions SET ended_at = now() WHERE user_id = $1", person);
        foreach (var (subgraph, selection, mark) in Parts)
            Assert.DoesNotContain(mark(org), (await OfAsync(subgraph, selection)).ToString(), StringComparison.Ordinal);

        Task<JsonElement> OfAsync(string subgraph, string selection) =>
            orgs.EntitiesAsync(orgs.Service(subgraph), token, "Organization", selection, SeveralOrgs.Organizations([org]));
    }

    [Fact]
    public async Task Properties_are_JSON_whose_numbers_keep_their_digits()
    {
        var answer = await orgs.AskAsync(
            orgs.Service("ingestion"),
            orgs.Token,
            "{ recentEvents(limit: 1) { properties customer { orgId key } customerKey } }"
        );
        var found = answer.GetProperty("data").GetProperty("recentEvents")[0];
        Assert.Equal("12345678901234567890.5", found.GetProperty("properties").GetProperty("n").GetRawText());
        Assert.Equal(orgs.Orgs[0].ToString(), found.GetProperty("customer").GetProperty("orgId").GetString());
    }

    private static JsonElement[] Entities(string subgraph, JsonElement answer)
    {
        Assert.False(answer.TryGetProperty("errors", out var errors), $"{subgraph}: {errors}");
        return [.. answer.GetProperty("data").GetProperty("_entities").EnumerateArray()];
    }
}
