using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Polaris.Tests.Identity;
using Polaris.Tests.Session;
using Xunit;

namespace Polaris.Tests.Operating;

/// <summary>What those who operate the installation see of it, and nobody else.</summary>
public sealed class OperatorTests(PolarisApp polaris) : PlatformTests
{
    private const string Figures = """
        {
          operations {
            at eventsLastMinute eventsLastHour eventsLastDay slowestMilliseconds countedThrough
            busiestOrgs { orgId events }
            heldOrgs { orgId code invoices dueSince }
            unpublished unpublishedSince deadLetters deadLettersSince openDifferences
          }
        }
        """;

    private const string Activity = "query($ids: [ID!]!) { orgActivity(orgIds: $ids) { orgId eventsLastHour heldInvoices deadLetters } }";
    private const string Health = "/installation/health";

    private Account Operator => new(polaris.Gateway, PolarisApp.OperatorEmail, PolarisApp.OperatorPassword, Guid.Empty, Guid.Empty, "");

    [Fact]
    public async Task An_operator_sees_how_much_is_counted_and_what_waits_in_which_org()
    {
        using var tenant = await polaris.SignUpAsync();
        using var admin = await Operator.SignInAsync("openid platform.read");
        var before = (await admin.QueryAsync(Figures)).GetProperty("operations");
        const int sent = 30;
        var events = Enumerable.Range(0, sent).Select(i => new { idempotency_key = $"e{i}", type = "call" });
        Assert.Equal(202, (await tenant.IngestAsync(new { events })).Status);

        JsonElement own = default;
        await polaris.UntilAsync(
            "the events in the org's figures",
            async () => (own = await OwnAsync(admin, tenant)).GetProperty("eventsLastHour").GetInt64() == sent,
            () => own.ToString()
        );
        Assert.Equal((0, 0), (own.GetProperty("heldInvoices").GetInt32(), own.GetProperty("deadLetters").GetInt32()));

        JsonElement after = default;
        await polaris.UntilAsync(
            "the events in the installation's figures",
            async () =>
            {
                after = (await admin.QueryAsync(Figures)).GetProperty("operations");
                return after.GetProperty("eventsLastDay").GetInt64() >= before.GetProperty("eventsLastDay").GetInt64() + sent;
            },
            () => after.ToString()
        );
        Assert.True(after.GetProperty("eventsLastHour").GetInt64() >= after.GetProperty("eventsLastMinute").GetInt64());
        Assert.True(after.GetProperty("eventsLastMinute").GetInt64() >= sent);
        Assert.True(after.GetProperty("slowestMilliseconds").GetInt64() >= 0);
        Assert.NotEmpty(after.GetProperty("busiestOrgs").EnumerateArray());
        await polaris.UntilAsync(
            "the search for lost batches to come past the events",
            async () =>
                (await admin.QueryAsync(Figures)).GetProperty("operations").GetProperty("countedThrough").GetDateTimeOffset()
                > after.GetProperty("at").GetDateTimeOffset()
        );
        Assert.InRange(
            (await admin.QueryAsync("{ usageOutbox { batches oldestReceivedAt } }"))
                .GetProperty("usageOutbox")
                .GetProperty("batches")
                .GetInt32(),
            0,
            10_000
        );
    }

    [Fact]
    public async Task An_operator_sees_whose_invoices_are_held_why_and_since_when_but_not_whom_they_are_for()
    {
        using var tenant = await polaris.SignUpAsync();
        using var admin = await Operator.SignInAsync("openid platform.read");
        // Held for an hour, so that nobody tries to make it meanwhile.
        await polaris.ScalarAsync<object>(
            "billingdb",
            """
            INSERT INTO subscriptions (org_id, id, customer_key, plan_key, plan_version_id, start_at, credit_unused, interval, anchor_day,
              anchor_month, time_zone, next_period_start, next_period_end, held_until, held_code, held_message, held_tries, created_at)
            VALUES ($1, $2, 'a-secret-customer', 'p', $2, now(), true, 'Month', 1, 1, 'UTC', now(), '2020-01-01T00:00:00Z',
              now() + interval '1 hour', 'quantity_too_large', 'of a-secret-customer', 1, now())
            """,
            tenant.OrgId,
            Guid.CreateVersion7()
        );
        try
        {
            JsonElement held = default;
            await polaris.UntilAsync(
                "the org among those that are held",
                async () =>
                {
                    held = (await admin.QueryAsync(Figures)).GetProperty("operations").GetProperty("heldOrgs");
                    return held.EnumerateArray().Any(one => one.GetProperty("orgId").GetString() == tenant.OrgId.ToString());
                }
            );
            var own = held.EnumerateArray().Single(one => one.GetProperty("orgId").GetString() == tenant.OrgId.ToString());
            Assert.Equal("quantity_too_large", own.GetProperty("code").GetString());
            Assert.Equal(1, own.GetProperty("invoices").GetInt32());
            Assert.Equal(DateTimeOffset.Parse("2020-01-01T00:00:00Z", null), own.GetProperty("dueSince").GetDateTimeOffset());
            Assert.Equal(1, (await OwnAsync(admin, tenant)).GetProperty("heldInvoices").GetInt32());
            Assert.DoesNotContain("secret", held.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            await polaris.ScalarAsync<object>("billingdb", "DELETE FROM subscriptions WHERE org_id = $1", tenant.OrgId);
        }
    }

    [Fact]
    public async Task An_operator_finds_an_org_by_its_name_or_id()
    {
        var name = $"Needle {Guid.CreateVersion7():N} 100%";
        using var tenant = await Tenant.SignUpAsync(polaris.Gateway, name);
        using var admin = await Operator.SignInAsync("openid platform.read");
        var id = tenant.OrgId.ToString();
        const string find = "query($search: String, $ids: [ID!]) { orgs(first: 5, search: $search, ids: $ids) { nodes { id name } } }";
        foreach (
            var variables in new object[] { new { search = name[2..].ToUpperInvariant() }, new { search = id }, new { ids = new[] { id } } }
        )
        {
            var found = (await admin.QueryAsync(find, variables)).GetProperty("orgs").GetProperty("nodes");
            Assert.Equal((id, name), (found[0].GetProperty("id").GetString(), found[0].GetProperty("name").GetString()));
            Assert.Equal(1, found.GetArrayLength());
        }

        var none = await admin.QueryAsync(find, new { search = name.Replace('%', '_') });
        Assert.Equal(0, none.GetProperty("orgs").GetProperty("nodes").GetArrayLength());
        Assert.Equal("too_many", (await admin.RefusalAsync(Activity, new { ids = Enumerable.Repeat(id, 201) })).Rule);
        Assert.Equal("too_many", (await admin.RefusalAsync(find, new { ids = Enumerable.Repeat(id, 201) })).Rule);
    }

    [Fact]
    public async Task An_owner_is_refused_whatever_is_for_operators()
    {
        var account = await Account.SignUpAsync(polaris);
        using var owner = await account.SignInAsync(Account.Everything + " platform.read");
        using var key = account.WithKey();
        foreach (var caller in new[] { owner, key })
        {
            foreach (var query in new[] { Figures, "{ usageOutbox { batches } }", "{ orgs { nodes { id } } }" })
                Assert.Equal("FORBIDDEN", (await caller.RefusalAsync(query)).Code);
            Assert.Equal("FORBIDDEN", (await caller.RefusalAsync(Activity, new { ids = new[] { account.OrgId } })).Code);
        }

        using var browser = await DashboardBrowser.SignInAsync(account);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.SendAsync(HttpMethod.Get, Health)).Status);
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(Health)).StatusCode);
    }

    [Fact]
    public async Task An_operators_session_of_the_dashboard_shows_the_installation_and_can_change_nothing_of_it()
    {
        using var browser = await DashboardBrowser.SignInAsync(Operator);
        var user = Assert.NotNull(await browser.UserAsync());
        Assert.Equal(JsonValueKind.Null, user.GetProperty("orgId").ValueKind);
        var scopes = user.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()).ToArray();
        Assert.Contains("platform.read", scopes);
        Assert.DoesNotContain("platform", scopes);
        Assert.True((await browser.QueryAsync(Figures)).TryGetProperty("data", out _));

        var (status, health, _) = await browser.SendAsync(HttpMethod.Get, Health);
        Assert.Equal(HttpStatusCode.OK, status);
        var services = health.GetProperty("services").EnumerateArray().Select(one => one.GetProperty("name").GetString());
        Assert.Equal(["billing", "identity", "ingestion", "notifications", "plans"], services);

        foreach (
            var change in new[]
            {
                "mutation { rotateSigningKey { id } }",
                "mutation { createPasswordReset(email: \"a@example.com\") { token } }",
                "{ platformAuditLog { nodes { action } } }",
            }
        )
            Assert.Equal(
                "FORBIDDEN",
                (await browser.QueryAsync(change)).GetProperty("errors")[0].GetProperty("extensions").GetProperty("code").GetString()
            );
    }

    [Fact]
    public async Task A_token_for_operating_the_installation_also_reads_its_figures_and_health()
    {
        using var admin = await Operator.SignInAsync("openid platform");
        Assert.True((await admin.QueryAsync(Figures)).TryGetProperty("operations", out _));
        using var http = new HttpClient { BaseAddress = polaris.Gateway };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            (await Operator.TrySignInAsync("openid platform")).AccessToken
        );
        await polaris.UntilAsync(
            "every service to be healthy",
            async () =>
                (await http.GetFromJsonAsync<JsonElement>(Health))
                    .GetProperty("services")
                    .EnumerateArray()
                    .All(one => one.GetProperty("healthy").GetBoolean() && one.GetProperty("answer").GetString() == "Healthy")
        );
    }

    private static async Task<JsonElement> OwnAsync(Tenant admin, Tenant tenant) =>
        (await admin.QueryAsync(Activity, new { ids = new[] { tenant.OrgId } })).GetProperty("orgActivity")[0];
}
