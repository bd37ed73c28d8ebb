using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>Voids, replacements and atomic requests, through the gateway.</summary>
public sealed class CorrectionTests(PolarisApp polaris) : PlatformTests
{
    private static object Event(string key, string customer = "acme") =>
        new
        {
            idempotency_key = key,
            type = "call",
            customer,
        };

    private static object Void(string key, string target) => new { idempotency_key = key, voids = target };

    private static object Replacement(string key, string target, int n = 1) =>
        new
        {
            idempotency_key = key,
            replaces = target,
            properties = new { n },
        };

    private static string[] Statuses(JsonElement body) =>
        [
            .. body.GetProperty("results")
                .EnumerateArray()
                .Select(one =>
                    one.TryGetProperty("code", out var code) && code.GetString() != "conflict"
                        ? code.GetString()!
                        : one.GetProperty("status").GetString()!
                ),
        ];

    [Fact]
    public async Task A_voided_event_says_by_whom_and_the_void_what_it_voids()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(Event("first"));
        Assert.Equal(202, (await tenant.IngestAsync(Void("v", "first"))).Status);
        var (first, voiding) = (await tenant.EventAsync("first"), await tenant.EventAsync("v"));
        Assert.Equal(("v", "corrected"), (first.GetProperty("corrected_by").GetString(), first.GetProperty("counting").GetString()));
        Assert.Equal(("first", "void"), (voiding.GetProperty("voids").GetString(), voiding.GetProperty("counting").GetString()));
        Assert.Equal(("call", "acme"), (voiding.GetProperty("type").GetString(), voiding.GetProperty("customer").GetString()));
        Assert.Equal(first.GetProperty("timestamp").GetString(), voiding.GetProperty("timestamp").GetString());
        var data = await tenant.QueryAsync("{ event(idempotencyKey: \"v\") { corrects { idempotencyKey replaces } } }");
        Assert.Equal("""{"idempotencyKey":"first","replaces":false}""", data.GetProperty("event").GetProperty("corrects").GetRawText());
    }

    [Fact]
    public async Task Each_way_a_correction_fails_has_its_code()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(new[] { Event("a"), Event("b"), Event("c") });
        var (status, body) = await tenant.IngestAsync(
            new[]
            {
                Void("v1", "nothing"),
                Void("v2", "a"),
                Void("v3", "a"),
                Void("v4", "v2"),
                Void("self", "self"),
                new
                {
                    idempotency_key = "v5",
                    voids = "b",
                    customer = "other",
                },
                new
                {
                    idempotency_key = "v6",
                    voids = "b",
                    type = "other",
                },
                Replacement("r1", "c"),
                Replacement("r2", "r1"),
                Void("v7", "r1"),
                Void("v8", "r2"),
            },
            "?receipts=all"
        );
        Assert.Equal(202, status);
        Assert.Equal(
            [
                "unknown_event",
                "accepted",
                "already_corrected",
                "not_correctable",
                "unknown_event",
                "target_differs",
                "target_differs",
                "accepted",
                "accepted",
                "already_corrected",
                "accepted",
            ],
            Statuses(body)
        );
        Assert.Contains("'v2'", body.GetProperty("results")[2].GetProperty("message").GetString(), StringComparison.Ordinal);
        // Another org's event is treated as missing.
        using var stranger = await polaris.SignUpAsync();
        Assert.Equal(["unknown_event"], Statuses((await stranger.IngestAsync(Void("v", "b"))).Body));
    }

    [Fact]
    public async Task The_same_correction_again_is_a_duplicate_and_another_under_its_key_a_conflict()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(new[] { Event("a"), Event("b") });
        Assert.Equal(202, (await tenant.IngestAsync(Replacement("r", "a"))).Status);
        Assert.Equal(["duplicate"], Statuses((await tenant.IngestAsync(Replacement("r", "a"))).Body));
        Assert.Equal(["conflict"], Statuses((await tenant.IngestAsync(Replacement("r", "b"))).Body));
        Assert.Equal(["conflict"], Statuses((await tenant.IngestAsync(Void("r", "a"))).Body));
    }

    [Fact]
    public async Task Of_many_corrections_at_once_exactly_one_is_accepted()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(Enumerable.Range(0, 20).Select(i => Event($"e{i}")));
        // Each request voids all of them, in a different order, with its own keys.
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(request =>
                    tenant.IngestAsync(
                        Enumerable
                            .Range(0, 20)
                            .Select(i => (i * 7 + request * 3) % 20)
                            .Select(i => Void($"v{(request * 5 + i) % 31}-{request}-{i}", $"e{i}"))
                    )
                )
        );
        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Equal(20, answers.Sum(answer => answer.Body.Counted("accepted")));
        Assert.All(answers.SelectMany(answer => Statuses(answer.Body)), status => Assert.Equal("already_corrected", status));
        Assert.Equal(
            20L,
            await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_corrections WHERE org_id = $1", tenant.OrgId)
        );
    }

    [Fact]
    public async Task An_atomic_request_is_stored_whole_or_not_at_all()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.IngestAsync(Event("old"));
        Task<long> Stored() => polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", tenant.OrgId);
        var bad = new { idempotency_key = "bad", type = 7 };
        var (status, body) = await tenant.IngestAsync(new[] { Event("new"), bad, Event("new"), Void("v", "new") }, "?atomic=true");
        Assert.Equal((422, "atomic_refused"), (status, body.GetProperty("code").GetString()));
        Assert.Equal(["not_stored", "wrong_type", "not_stored", "not_stored"], Statuses(body));
        Assert.Equal(
            ["conflict", "not_stored"],
            Statuses((await tenant.IngestAsync(new[] { Event("old", "other"), Event("new") }, "?atomic=true")).Body)
        );
        Assert.Equal(
            ["not_stored", "unknown_event"],
            Statuses((await tenant.IngestAsync(new[] { Event("new"), Void("v", "nothing") }, "?atomic=true")).Body)
        );
        Assert.Equal(1, await Stored());
        // An already stored event does no harm, and a target in the same request is found.
        (status, body) = await tenant.IngestAsync(new[] { Void("v", "new"), Event("old"), Event("new") }, "?atomic=true&receipts=all");
        Assert.Equal(202, status);
        Assert.Equal(["accepted", "duplicate", "accepted"], Statuses(body));
        Assert.Equal(3, await Stored());
    }

    [Fact]
    public async Task Atomic_requests_at_once_with_the_same_keys_never_store_half()
    {
        using var tenant = await polaris.SignUpAsync();
        // Every request has the common keys with its own content: one request wins all of them, the others are refused as a whole.
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(request =>
                    tenant.IngestAsync(
                        Enumerable
                            .Range(0, 10)
                            .Select(i => Event($"common{(i + request) % 10}", $"customer{request}"))
                            .Append(Event($"own{request}")),
                        "?atomic=true"
                    )
                )
        );
        Assert.Equal(1, answers.Count(answer => answer.Status == 202));
        Assert.Equal(9, answers.Count(answer => answer.Status == 422));
        Assert.Equal(
            11L,
            await polaris.ScalarAsync<long>("ingestiondb", "SELECT count(*) FROM event_keys WHERE org_id = $1", tenant.OrgId)
        );
    }
}
