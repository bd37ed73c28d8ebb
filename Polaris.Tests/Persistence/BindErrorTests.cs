using Aspire.Hosting.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;

namespace Polaris.Tests.Persistence;

/// <summary>A pooled connection after a statement whose values the server refused, as services use it.</summary>
public sealed class BindErrorTests(PolarisApp polaris) : PlatformTests
{
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");

    [Fact]
    public async Task A_statement_with_refused_values_does_not_break_the_next_one_on_its_connection()
    {
        await using var source = await SourceAsync();
        for (var round = 0; round < 12; round++)
        {
            await using (var tx = await source.BeginOrgAsync(Org, default))
                await Assert.ThrowsAsync<PostgresException>(() => ConcatAsync(tx, "a\0"));
            await using (var tx = await source.BeginOrgAsync(Org, default))
                Assert.Equal("xa", await ConcatAsync(tx, "a"));
        }

        static Task<object?> ConcatAsync(ScopedTransaction tx, string value)
        {
            var command = tx.Command("SELECT $1::text || $2::text");
            // Past the check of Bind.
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "x" });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
            return command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task Neither_does_one_of_EF_Core()
    {
        await using var source = await SourceAsync();
        var options = new DbContextOptionsBuilder<PlansDbContext>();
        DatabaseExtensions.Configure(options, source, commandTimeout: 30, retry: true);
        await using var context = new PlansDbContext(options.Options) { Tenant = new TenantScope() };
        context.Tenant.EnterOrg(Org);
        for (var round = 0; round < 12; round++)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => SelectAsync("not JSON"));
            Assert.Equal("1", await SelectAsync("""{"a":1}"""));
        }

        Task<string> SelectAsync(string json) =>
            context.InTransactionAsync(
                ct =>
                    context
                        .Database.SqlQueryRaw<string>(
                            "SELECT @json ->> 'a' AS \"Value\"",
                            new NpgsqlParameter("json", json) { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb }
                        )
                        .SingleAsync(ct),
                default
            );
    }

    private async Task<NpgsqlDataSource> SourceAsync() =>
        DatabaseExtensions.BuildSource(await polaris.App.GetConnectionStringAsync("plansdb") + ";Maximum Pool Size=1", "database");
}
