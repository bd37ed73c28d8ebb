using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>The migration to numbers at finalization keeps what exists: order, numbers, what is owed.</summary>
public sealed class FinalityMigrationTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task Invoices_keep_their_order_and_numbers_drafts_give_theirs_back_and_final_ones_are_posted()
    {
        await polaris.StartedAsync();
        var name = "finality_" + RandomNumberGenerator.GetHexString(8, lowercase: true);
        await polaris.ScalarAsync<object>("billingdb", $"CREATE DATABASE {name}");
        try
        {
            await using var owner = await polaris.OpenDatabaseAsync("billingdb", $";Database={name}");
            await using var context = new BillingDbContext(DatabaseExtensions.DesignTimeOptions<BillingDbContext>());
            var migrations = context.Database.GetMigrations().ToArray();
            var finality = Array.FindIndex(migrations, id => id.EndsWith("_Finality", StringComparison.Ordinal));
            var migrator = context.GetService<IMigrator>();
            await ExecuteAsync(owner, migrator.GenerateScript(null, migrations[finality - 1]));
            await ExecuteAsync(
                owner,
                """
                INSERT INTO orgs (org_id, next_invoice_number) VALUES ('00000000-0000-0000-0000-00000000000a', 4),
                  ('00000000-0000-0000-0000-00000000000b', 1);
                INSERT INTO invoices (org_id, id, number, subscription_id, customer_key, status, currency, period_start, period_end, total,
                  tax, plan_version_id, plan_version_hash, engine_version, result_hash, stale, created_at, finalized_at)
                SELECT '00000000-0000-0000-0000-00000000000a', gen_random_uuid(), 'INV-0000000' || n, gen_random_uuid(), 'acme', status,
                  'EUR', '2026-01-01', '2026-02-01', total, tax, gen_random_uuid(), '', '', '', false, '2026-02-02',
                  CASE status WHEN 'finalized' THEN '2026-02-03'::timestamptz + n * interval '1 second' END
                FROM (VALUES (1, 'finalized', 11.90, 1.90), (2, 'finalized', -5, 0), (3, 'draft', 7, 0)) i(n, status, total, tax)
                """
            );
            await ExecuteAsync(owner, migrator.GenerateScript(migrations[finality - 1], migrations[finality]));
            Assert.Equal(
                ["1 INV-00000001 11.90 0", "2 INV-00000002 0 -5", "3 - 0 0"],
                await ReadAsync(
                    owner,
                    "SELECT concat_ws(' ', sequence, coalesce(number, '-'), amount_due, balance_applied) FROM invoices ORDER BY sequence"
                )
            );
            Assert.Equal(
                ["4 4 8", "1 1 1"],
                await ReadAsync(
                    owner,
                    "SELECT concat_ws(' ', next_invoice_number, next_invoice_sequence, next_ledger_entry) FROM orgs ORDER BY org_id"
                )
            );
            Assert.Equal(
                [
                    "1 receivable 11.90",
                    "2 revenue -10.00",
                    "3 tax -1.90",
                    "4 receivable -5",
                    "5 revenue 5",
                    "6 balance -5",
                    "7 receivable 5",
                ],
                await ReadAsync(owner, "SELECT concat_ws(' ', id, account, amount) FROM ledger_entries ORDER BY id")
            );
            Assert.Equal(
                ["0"],
                await ReadAsync(owner, "SELECT DISTINCT trim_scale(sum(amount))::text FROM ledger_entries GROUP BY transaction_id")
            );
            Assert.Equal(
                ["balance -5", "receivable 11.90", "revenue -5.00", "tax -1.90"],
                await ReadAsync(owner, "SELECT concat_ws(' ', account, amount) FROM account_balances ORDER BY account")
            );
        }
        finally
        {
            await polaris.ScalarAsync<object>("billingdb", $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string[]> ReadAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return [.. rows];
    }
}
