using Aspire.Hosting.Testing;
using Polaris.Tests.Identity;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>An org's own limits, from its operator, over all replicas.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class RateLimitTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Events_over_an_org_s_limit_are_refused_at_every_replica_and_another_org_s_are_not()
    {
        using var limited = await polaris.SignUpAsync();
        using var other = await polaris.SignUpAsync();
        await SetAsync(limited, "events", 5);
        await using var replica = await polaris.StartReplicaAsync("ingestion");
        using var second = new Tenant(replica.Url, limited.OrgId.ToString(), limited.ApiKey);
        // Of each replica in turn.
        var (accepted, refusedInARow) = (0, new int[2]);
        // A burst of one full request is allowed. Each replica may take more before it knows what the other took, and then refuses for
        // long.
        for (var i = 0; refusedInARow.Min() < 5; i++)
        {
            Assert.True(i < 200, "A replica goes on taking events.");
            var events = Enumerable.Range(0, 500).Select(n => new { idempotency_key = $"{i}-{n}", type = "call" }).ToArray();
            using var response = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(
                (i % 2 == 0 ? limited : second).Http,
                "/ingest",
                events
            );
            if ((int)response.StatusCode == 202)
            {
                accepted++;
                refusedInARow[i % 2] = 0;
                continue;
            }

            Assert.Equal(429, (int)response.StatusCode);
            refusedInARow[i % 2]++;
            Assert.Contains("rate_limited", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal("\"events\";q=5;w=1", Assert.Single(response.Headers.GetValues("RateLimit-Policy")));
            Assert.StartsWith("\"events\";r=", Assert.Single(response.Headers.GetValues("RateLimit")), StringComparison.Ordinal);
            Assert.True(response.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        }

        Assert.True(accepted >= 2, "The burst is two requests.");
        Assert.Equal(202, (await other.IngestAsync(new { idempotency_key = "beside", type = "call" })).Status);
        Assert.Equal(
            accepted * 500L,
            await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", limited.OrgId)
        );
    }

    [Fact]
    public async Task Requests_over_an_org_s_limit_are_refused_at_the_gateway_and_another_org_s_are_not()
    {
        using var limited = await polaris.SignUpAsync();
        using var other = await polaris.SignUpAsync();
        await SetAsync(limited, "requests", 1);
        var statuses = new List<int>();
        while (!statuses.Contains(429))
        {
            Assert.True(statuses.Count < 5_000, "Nothing was refused.");
            var answers = await Task.WhenAll(
                Enumerable
                    .Range(0, 50)
                    .Select(async _ =>
                    {
                        using var content = new StringContent(
                            """{"query":"{ __typename }"}""",
                            System.Text.Encoding.UTF8,
                            "application/json"
                        );
                        using var response = await limited.Http.PostAsync("/graphql", content);
                        Assert.Equal("\"requests\"", Assert.Single(response.Headers.GetValues("RateLimit-Policy")).Split(';')[0]);
                        return (int)response.StatusCode;
                    })
            );
            statuses.AddRange(answers);
        }

        Assert.All(statuses, status => Assert.True(status is 200 or 429));
        await other.QueryAsync("{ __typename }");
    }

    [Fact]
    public async Task Values_over_an_org_s_limit_are_refused_at_the_gateway_and_another_org_s_are_not()
    {
        using var limited = await polaris.SignUpAsync();
        using var other = await polaris.SignUpAsync();
        await SetAsync(limited, "cost", 1);
        // 200,100 values, by the pages asked for: two and a half times as many are allowed at once.
        string Pages(string size) =>
            string.Join(' ', Enumerable.Range(0, 50).Select(i => $"p{i}: customers(first: {size}) {{ nodes {{ id key name email }} }}"));
        var fixedSize = new { query = $"{{ {Pages("1000")} }}", variables = (object?)null };
        var byVariable = new { query = $"query($n: Int!) {{ {Pages("$n")} }}", variables = (object?)new { n = 1_000 } };
        var accepted = 0;
        for (var i = 0; ; i++)
        {
            Assert.True(i < 20, "Nothing was refused.");
            using var response = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(
                limited.Http,
                "/graphql",
                i % 2 == 0 ? byVariable : fixedSize
            );
            var policies = Assert.Single(response.Headers.GetValues("RateLimit-Policy")).Split(", ");
            Assert.StartsWith("\"requests\";q=", policies[0], StringComparison.Ordinal);
            Assert.StartsWith("\"cost\";q=", policies[1], StringComparison.Ordinal);
            Assert.Contains(", \"cost\";r=", Assert.Single(response.Headers.GetValues("RateLimit")), StringComparison.Ordinal);
            var text = await response.Content.ReadAsStringAsync();
            if ((int)response.StatusCode == 200)
            {
                Assert.DoesNotContain("\"errors\"", text, StringComparison.Ordinal);
                accepted++;
                continue;
            }

            Assert.Equal(429, (int)response.StatusCode);
            Assert.Contains("rate_limited", text, StringComparison.Ordinal);
            Assert.Contains("this operation asks for 200100", text, StringComparison.Ordinal);
            Assert.Equal("\"cost\";q=1;w=1", policies[1]);
            Assert.True(response.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
            break;
        }

        // A gateway that has not heard of the org's own limit takes the installation's, and pays it back.
        Assert.InRange(accepted, 1, 5);
        await other.QueryAsync(fixedSize.query);
    }

    private async Task SetAsync(Tenant org, string budget, int perSecond)
    {
        var admin = new Account(polaris.Gateway, PolarisApp.OperatorEmail, PolarisApp.OperatorPassword, Guid.Empty, Guid.Empty, "");
        using var operating = await admin.SignInAsync("openid platform");
        var limits = await operating.QueryAsync(
            "mutation($org: ID!, $budget: String!, $limit: Int) { setRateLimit(orgId: $org, budget: $budget, perSecond: $limit) "
                + "{ eventsPerSecond requestsPerSecond costPerSecond } }",
            new
            {
                org = org.OrgId,
                budget,
                limit = perSecond,
            }
        );
        Assert.Equal(perSecond, limits.GetProperty("setRateLimit").GetProperty(budget + "PerSecond").GetInt32());
    }
}
