using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Finalizing on several replicas at once, and with crashes between any two steps.</summary>
public sealed class FinalizingAtOnceTests(PolarisApp polaris, BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly string[] Written =
    [
        "orgs",
        "invoices",
        "ledger_entries",
        "account_balances",
        "credit_grants",
        "credit_notes",
        "credit_note_lines",
    ];

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task Replicas_that_finalize_the_same_drafts_at_once_leave_no_gap_and_no_double()
    {
        var books = await Books.CreateAsync(billing, "a", "b");
        await books.GrantAsync("a", "k", 155m);
        await books.InvoiceAsync("b", -155m);
        var finalized = 0;
        for (var round = 0; round < 30; round++)
        {
            var drafts = new Guid[4];
            for (var i = 0; i < drafts.Length; i++)
                drafts[i] = await books.DraftAsync(i % 2 == 0 ? "a" : "b", 10m);
            // All at once, and each the same: whoever is second finds nothing to do.
            foreach (
                var results in await Task.WhenAll(
                    Enumerable.Range(0, 4).Select(_ => Task.Run(() => TryAsync(() => books.FinalizeAsync(drafts))))
                )
            )
                finalized += results.Count(result => result.Outcome == FinalizeOutcome.Finalized);
        }

        Assert.Equal(30 * 4, finalized);
        Assert.Equal((600m - 155m, 0m, 0m), await books.StandingAsync("a"));
        Assert.Equal((600m - 155m, 0m, 0m), await books.StandingAsync("b"));
        await books.CheckAsync();
    }

    [Fact]
    [Trait(Categories.Name, Categories.Chaos)]
    public async Task A_crash_between_any_two_steps_changes_nothing_and_the_next_try_does_all_of_it()
    {
        await using var owner = await polaris.OpenDatabaseAsync(
            "billingdb",
            $";Database={new NpgsqlConnectionStringBuilder(billing.Database.ConnectionString).Database}"
        );
        await InstallAsync(owner);
        var (crashes, furthest) = (0, 0);
        for (var seed = 1; seed <= 100; seed++)
        {
            var random = new Random(seed);
            var (crashing, calm) = (await Books.CreateAsync(billing, "a", "b"), await Books.CreateAsync(billing, "a", "b"));
            var (life, twin) = (new ShortLife(crashing), new ShortLife(calm));
            foreach (var step in random.GetItems(ShortLife.Steps, 6))
            {
                await life.PrepareAsync(step, new Random(seed));
                var (before, at) = (await crashing.TextAsync(), random.Next(1, 31));
                await PlanAsync(owner, at);
                var crashed = false;
                try
                {
                    await life.DoAsync(step);
                }
                catch (Exception exception) when (IsCrash(exception))
                {
                    crashed = true;
                    (crashes, furthest) = (crashes + 1, Math.Max(furthest, at));
                    Assert.Equal(before, await crashing.TextAsync());
                }

                await PlanAsync(owner, 0);
                if (crashed)
                    await life.DoAsync(step);
                await twin.PrepareAsync(step, new Random(seed));
                await twin.DoAsync(step);
            }

            await crashing.CheckAsync();
            Assert.Equal(await calm.TextAsync(), await crashing.TextAsync());
        }

        Assert.True(crashes > 100 && furthest > 20, $"{crashes} crashes, the furthest at step {furthest}.");
    }

    private static async Task<IReadOnlyList<FinalizeResult>> TryAsync(Func<Task<IReadOnlyList<FinalizeResult>>> act)
    {
        while (true)
            try
            {
                return await act();
            }
            catch (RefusedException exception) when (exception.Refusal.Code == OrgLock.BusyCode)
            {
                // The org's lock was not free for three seconds: as a client would, again.
            }
    }

    private static bool IsCrash(Exception? exception) =>
        exception is PostgresException { MessageText: "crash" } || (exception is not null && IsCrash(exception.InnerException));

    /// <summary>Every statement that writes, and the commit of entries, counts a step; the planned one fails in the database.</summary>
    private static async Task InstallAsync(NpgsqlConnection owner)
    {
        await ExecuteAsync(
            owner,
            """
            CREATE SEQUENCE crash_steps;
            CREATE TABLE crash_plan (step bigint);
            INSERT INTO crash_plan VALUES (0);
            GRANT USAGE, SELECT, UPDATE ON SEQUENCE crash_steps TO PUBLIC;
            GRANT SELECT ON crash_plan TO PUBLIC;
            CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF nextval('crash_steps') = (SELECT step FROM crash_plan) THEN RAISE EXCEPTION 'crash'; END IF;
              RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER crash_at_commit AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION crash();
            """
        );
        foreach (var table in Written)
            await ExecuteAsync(
                owner,
                $"CREATE TRIGGER crash_before BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION crash();"
                    + $"CREATE TRIGGER crash_after AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION crash()"
            );
    }

    private static Task PlanAsync(NpgsqlConnection owner, int step) =>
        ExecuteAsync(owner, $"UPDATE crash_plan SET step = {step}; SELECT setval('crash_steps', 1, false)");

    private static async Task ExecuteAsync(NpgsqlConnection owner, string sql)
    {
        await using var command = owner.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Steps in the life of two customers. Each is one call, and the same with the same randomness.</summary>
    private sealed class ShortLife(Books books)
    {
        public static readonly string[] Steps = ["finalize", "grant", "pay", "unpay", "void", "credit", "expire", "void-grant"];

        private readonly List<Guid> invoices = [];
        private readonly List<Guid> grants = [];
        private Guid[] drafts = [];
        private int keys;

        /// <summary>What the step needs, which is not tried with crashes.</summary>
        public async Task PrepareAsync(string step, Random random)
        {
            if (!Finalizes(step))
                return;
            var amounts = new[] { -3m, 10m, random.Next(1, 20) };
            drafts = new Guid[amounts.Length];
            for (var i = 0; i < amounts.Length; i++)
                drafts[i] = await books.DraftAsync(i == 1 ? "b" : "a", amounts[i]);
        }

        public async Task DoAsync(string step)
        {
            try
            {
                switch (step)
                {
                    case var _ when Finalizes(step):
                        await books.FinalizeAsync(drafts);
                        invoices.AddRange(drafts);
                        break;
                    case "grant":
                        var key = $"k{keys}";
                        grants.Add((await books.GrantAsync("a", key, 7m, expires: Books.Start + Duration.FromDays(keys + 1))).Id);
                        keys++;
                        break;
                    case "pay":
                        await books.PayAsync(invoices[^1], reference: "r");
                        break;
                    case "unpay":
                        await books.UnpayAsync(invoices[^1]);
                        break;
                    case "void":
                        await books.VoidAsync(invoices[^1]);
                        break;
                    case "credit":
                        await books.CreditAsync(invoices[0], 1m);
                        break;
                    case "expire":
                        await books.ClockAsync(Books.Start + Duration.FromDays(keys));
                        await books.ExpireAsync();
                        break;
                    default:
                        if (grants.Count > 0)
                            await books.VoidGrantAsync(grants[0]);
                        break;
                }
            }
            catch (RefusedException)
            {
                // Refused in one life, it is refused in the other: the texts are compared.
            }
        }

        private bool Finalizes(string step) => step == "finalize" || (invoices.Count == 0 && step != "grant");
    }
}
